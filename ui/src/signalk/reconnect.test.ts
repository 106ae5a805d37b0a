import { expect, it } from "vitest";
import { reconnectDelay } from "./reconnect";

const policy = { firstDelay: 1_000, maxDelay: 15_000, jitter: 0.2 };

it("doubles with each failure up to the maximum", () => {
  expect([1, 2, 3, 4, 5, 6, 100].map((failures) => reconnectDelay(policy, failures, 0))).toEqual([
    1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
  ]);
});

it("takes up to the jitter off", () => {
  expect(reconnectDelay(policy, 3, 1)).toBe(3_200);
  expect(reconnectDelay(policy, 3, 0.5)).toBe(3_600);
});
