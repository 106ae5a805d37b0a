import { expect, it } from "vitest";
import { formatRate } from "./rate";
import { sparklinePoints } from "./sparkline";

it.each([
  [0, "0"],
  [0.44, "0.4"],
  [43.25, "43.3"],
  [450.4, "450"],
  [1_250, "1\u202f250"],
  [1_234_567, "1\u202f234\u202f567"],
])("%d per second is %s", (rate, text) => expect(formatRate(rate)).toBe(text));

it("draws the sparkline between bottom and top, left to right", () => {
  expect(sparklinePoints([0, 5, 10], 100, 28)).toBe("0,27 50,14 100,1");
  expect(sparklinePoints([0, 0], 100, 28)).toBe("0,27 100,27");
});
