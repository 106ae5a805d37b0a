import { expect, it } from "vitest";
import { testSnapshot } from "./test-support";
import { groupRows } from "./value-groups";

const { rows } = testSnapshot({
  "navigation.speedOverGround": { value: 1, source: "gps.GP", meta: { description: "Speed made good" } },
  "navigation.headingTrue": { value: 1, source: "compass.HC" },
  "environment.depth.belowKeel": { value: 1, source: "compass.SD" },
  "notifications.mob": { value: null },
  "tanks.a": { value: 1 },
  "design.beam": { value: 4 },
  "electrical.a": { value: 12 },
  name: { value: "Plaka" },
});

const shown = (filter: string) => groupRows(rows, filter).map((g) => [g.name, g.rows.map((r) => r.path)]);

it("puts what changes first and facts last, and leaves notifications out", () => {
  expect(shown("")).toEqual([
    ["navigation", ["navigation.headingTrue", "navigation.speedOverGround"]],
    ["environment", ["environment.depth.belowKeel"]],
    ["electrical", ["electrical.a"]],
    ["tanks", ["tanks.a"]],
    ["vessel", ["name"]],
    ["design", ["design.beam"]],
  ]);
});

it.each([
  ["SPEEDover", ["navigation.speedOverGround"]],
  ["gps", ["navigation.speedOverGround"]],
  ["made good", ["navigation.speedOverGround"]],
  ["compass keel", ["environment.depth.belowKeel"]],
  ["nothing like it", []],
])("the filter %j finds %j", (filter, paths) => {
  expect(groupRows(rows, filter).flatMap((g) => g.rows.map((r) => r.path))).toEqual(paths);
});
