import { expect, it } from "vitest";
import type { Zone } from "../signalk/vessel-model";
import { defaultPreferences } from "./preferences";
import { unitOfPath } from "./use-unit";
import { zoneOf, zoneRange, zoneScale } from "./zones";

const zone = (lower: number | undefined, upper: number | undefined, state = "alarm"): Zone => ({ lower, upper, state, message: "" });
const depth = unitOfPath(defaultPreferences, "environment.depth.belowKeel", "m");

it("says a range in the unit of the person", () => {
  expect(zoneRange(zone(undefined, 3), depth)).toBe("below 3.0 m");
  expect(zoneRange(zone(3, 5), depth)).toBe("from 3.0 m to 5.0 m");
  expect(zoneRange(zone(5, undefined), depth)).toBe("5.0 m and above");
  expect(zoneRange(zone(undefined, undefined), depth)).toBe("always");
  const speed = unitOfPath(defaultPreferences, "navigation.speedOverGround", "m/s");
  expect(zoneRange(zone(1852 / 3600, undefined), speed)).toBe("1.0 kn and above");
});

it("a value is in the first zone that has it; the lower bound belongs to it, the upper does not", () => {
  const zones = [zone(undefined, 3, "alarm"), zone(undefined, 5, "warn")];
  expect(zoneOf(zones, 2.9)?.state).toBe("alarm");
  expect(zoneOf(zones, 3)?.state).toBe("warn");
  expect(zoneOf(zones, 5)).toBeUndefined();
  expect(zoneOf(zones, null)).toBeUndefined();
});

it("draws zones to scale, with room for what is open", () => {
  const scale = zoneScale([zone(undefined, 2, "alarm"), zone(2, 10, "warn")]);
  expect(scale?.spans.map(({ zone: of }) => of?.state)).toEqual(["alarm", "warn", undefined]);
  expect(scale?.spans.map(({ width }) => Number(width.toFixed(2)))).toEqual([0.1, 0.8, 0.1]);
  expect(scale?.at(6)).toBeCloseTo(0.5);
  expect(scale?.at(-100)).toBe(0);
  expect(scale?.at(100)).toBe(1);
});

it("draws a single bound in the middle, and nothing without one", () => {
  expect(zoneScale([zone(undefined, 4)])?.at(4)).toBeCloseTo(0.5);
  expect(zoneScale([])).toBeUndefined();
  expect(zoneScale([zone(undefined, undefined)])).toBeUndefined();
});
