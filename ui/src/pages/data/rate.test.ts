import { expect, it } from "vitest";
import { formatRate, RateMeter } from "./rate";

it("counts a second, over what was looked at", () => {
  const meter = new RateMeter();
  expect(meter.look(0, 100)).toBeUndefined();
  expect(meter.look(1_000, 105)).toBeUndefined();
  expect(meter.look(2_000, 110)).toBe(5);
  expect(meter.look(2_000, 999)).toBe(5);
  for (let second = 3; second <= 20; second += 1) meter.look(second * 1_000, 110);
  expect(meter.look(21_000, 110)).toBe(0);
});

it("begins again when the count does", () => {
  const meter = new RateMeter();
  meter.look(0, 100);
  meter.look(2_000, 110);
  expect(meter.look(3_000, 1)).toBeUndefined();
  expect(meter.look(5_000, 5)).toBe(2);
});

it("says it shortly, and what can't be seen as that", () => {
  expect([undefined, 0, 0.02, 0.25, 5, 42.4].map((rate) => formatRate(rate))).toEqual(["…", "0/s", "<0.1/s", "0.3/s", "5.0/s", "42/s"]);
  expect(formatRate(4.9, 5)).toBe("5+/s");
});
