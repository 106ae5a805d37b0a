import { expect, it } from "vitest";
import { approach } from "./cpa";

const still = { latitude: 60, longitude: 20, course: 0, speed: 0 };
/** A thousandth of a degree of latitude, m. */
const STEP = 111.2;

it("meets head on in the middle", () => {
  const north = { latitude: 60.01, longitude: 20, course: Math.PI, speed: 5 };
  const { distance, bearing, cpa, tcpa } = approach({ ...still, speed: 5 }, north);
  expect(distance).toBeCloseTo(10 * STEP, -1);
  expect(bearing).toBeCloseTo(0, 5);
  expect(cpa).toBeLessThan(0.1);
  expect(tcpa).toBeCloseTo(distance / 10, 1);
});

it("passes at the distance at which it passes", () => {
  const other = { latitude: 60.01, longitude: 20, course: Math.PI / 2, speed: 5 };
  const { cpa, tcpa, distance } = approach({ ...still, speed: 5 }, other);
  expect(cpa).toBeCloseTo(distance / Math.SQRT2, 0);
  expect(tcpa).toBeCloseTo(distance / 10, 0);
});

it("is now, when they move apart or do not move", () => {
  const away = approach(still, { latitude: 60, longitude: 20.01, course: Math.PI / 2, speed: 5 });
  expect(away.tcpa).toBeLessThan(0);
  expect(away.cpa).toBe(away.distance);
  expect(away.bearing).toBeCloseTo(Math.PI / 2, 5);
  expect(approach(still, { ...still, latitude: 60.001 })).toMatchObject({ tcpa: undefined });
});

it("takes the short way over the date line", () => {
  const west = { ...still, latitude: 0, longitude: 179.99 };
  expect(approach(west, { ...west, longitude: -179.99 }).distance).toBeCloseTo(20 * STEP, -1);
});
