import { expect, it } from "vitest";
import { rulesOf } from "./rules";

const zones = [{ upper: 3, state: "alarm", message: "Shallow" }];

it("finds the paths that have zones", () => {
  const tree = {
    name: "Aurora",
    navigation: { speedOverGround: { value: 1, meta: { units: "m/s" } } },
    environment: { depth: { belowKeel: { value: 4, meta: { units: "m", zones } }, belowSurface: { meta: { zones: [] } } } },
    electrical: { batteries: { 1: { voltage: { meta: { units: "V", zones } } } } },
  };
  const rules = rulesOf(tree);
  expect(rules.map(({ path }) => path)).toEqual(["electrical.batteries.1.voltage", "environment.depth.belowKeel"]);
  expect(rules[1]?.meta).toMatchObject({ units: "m", zones: [{ upper: 3, state: "alarm", message: "Shallow" }] });
});

it("does not take what is inside of a value for a path", () => {
  expect(rulesOf({ a: { value: { b: { meta: { zones } } }, values: { src: { meta: { zones } } } } })).toEqual([]);
  expect(rulesOf(undefined)).toEqual([]);
});
