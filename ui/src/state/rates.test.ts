import { expect, it } from "vitest";
import { parseStatistics } from "../signalk/server-events";
import { addStatistics, noRates, type Rates } from "./rates";

function report(rates: Rates, deltaRate: number, now: number): Rates {
  const statistics = parseStatistics({ deltaRate });
  if (statistics === undefined) throw new Error("not statistics");
  return addStatistics(rates, statistics, now);
}

it("keeps the history in order and bounded", () => {
  let rates = noRates;
  for (let i = 0; i < 500; i += 1) rates = report(rates, i, i * 5_000);
  expect(rates.history).toHaveLength(120);
  expect(rates.history.at(0)?.rate).toBe(380);
  expect(rates.history.at(-1)).toEqual({ time: 499 * 5_000, rate: 499 });
  expect(rates.receivedAt).toBe(499 * 5_000);
});

it("replaces a point that comes right after another", () => {
  let rates = report(noRates, 1, 0);
  rates = report(rates, 2, 100);
  expect(rates.history).toEqual([{ time: 0, rate: 2 }]);
  rates = report(rates, 3, 2_000);
  expect(rates.history.map((point) => point.rate)).toEqual([2, 3]);
});
