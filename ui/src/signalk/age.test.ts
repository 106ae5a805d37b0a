import { describe, expect, it } from "vitest";
import { testRow } from "../test-support";
import { formatAge, formatDuration, freshness } from "./age";

describe("formatAge", () => {
  it.each([
    [-500, "now"],
    [999, "now"],
    [2_400, "2 s ago"],
    [59_999, "59 s ago"],
    [60_000, "1 min ago"],
    [3_600_000, "1 h ago"],
    [3 * 86_400_000, "3 d ago"],
    [12.3 * 365.25 * 86_400_000, "12 y ago"],
  ])("%d ms is %s", (age, text) => expect(formatAge(age)).toBe(text));
});

describe("formatDuration", () => {
  it.each([
    [-1, "0 s"],
    [42.9, "42 s"],
    [185, "3 min 5 s"],
    [8_040, "2 h 14 min"],
    [273_600, "3 d 4 h"],
  ])("%d s is %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});

describe("freshness", () => {
  const row = testRow("navigation.speedOverGround", 1);

  it.each([
    [0, "fresh"],
    [4_999, "fresh"],
    [5_000, "ageing"],
    [30_000, "stale"],
  ])("after %d ms is %s", (age, expected) => expect(freshness(row, age)).toBe(expected));

  it("follows the timeout of the metadata", () => {
    const slow = testRow("a.b", 1, { meta: { timeout: 120 } });
    expect(freshness(slow, 60_000)).toBe("ageing");
    expect(freshness(slow, 120_000)).toBe("stale");
    const quick = testRow("a.b", 1, { meta: { timeout: 2 } });
    expect([500, 1_500, 2_000].map((age) => freshness(quick, age))).toEqual(["fresh", "ageing", "stale"]);
  });

  it.each(["name", "design.length", "communication.callsignVhf", "navigation.anchor.position"])(
    "%s never grows old",
    (path) => expect(freshness(testRow(path, 1), 1e9)).toBe("static"),
  );

  it("of a path whose timeout is 0 never ends", () => {
    expect(freshness(testRow("a.b", 1, { meta: { timeout: 0 } }), 1e9)).toBe("static");
  });
});
