import { expect, it, vi } from "vitest";
import { testRow } from "../test-support";
import { Trend, Trends } from "./trends";

it("keeps a point a second, and becomes coarser instead of longer", () => {
  const trend = new Trend();
  for (let ms = 0; ms < 3 * 3_600_000; ms += 200) trend.add(ms, ms);
  const points = trend.points();
  expect(points.length).toBeLessThanOrEqual(600);
  expect(points.length).toBeGreaterThan(299);
  expect(points[0]).toEqual({ time: 0, value: 0 });
  expect(points.at(-1)?.time).toBeGreaterThan(3 * 3_600_000 - 2 * trend.spacing);
  expect(points.every((point, index) => index === 0 || point.time > (points[index - 1]?.time ?? 0))).toBe(true);
});

it("gives the same array until there is a new point", () => {
  const trend = new Trend();
  trend.add(0, 1);
  const before = trend.points();
  trend.add(100, 2);
  expect(trend.points()).toBe(before);
  trend.add(1_000, 3);
  expect(trend.points().map((point) => point.value)).toEqual([1, 3]);
});

it("records numbers of own ship by itself, others when asked, and is bounded", () => {
  const trends = new Trends();
  trends.record(undefined, testRow("a", 1));
  trends.record(undefined, testRow("text", "x"));
  trends.record("vessels.x", testRow("a", 2));
  expect(trends.of("a").points()).toHaveLength(1);
  expect(trends.of("text").points()).toHaveLength(0);
  expect(trends.of("a", { context: "vessels.x" }).points()).toHaveLength(0);
  trends.record("vessels.x", testRow("a", 3));
  expect(trends.of("a", { context: "vessels.x" }).points().map((point) => point.value)).toEqual([3]);

  for (let path = 0; path < 2_000; path += 1) trends.of(`p${path}`);
  trends.record(undefined, testRow("p0", 1));
  expect(trends.of("p0").points(), "made room for newer ones").toHaveLength(0);
});

it("tells of a round of records", () => {
  const trends = new Trends();
  const listener = vi.fn();
  const stop = trends.subscribe(listener);
  trends.published();
  stop();
  trends.published();
  expect(listener).toHaveBeenCalledTimes(1);
});
