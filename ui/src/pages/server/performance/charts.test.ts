import { expect, test } from "vitest";
import type { PerformanceSample } from "../../../api/server";
import { charts, columnsOf, summaryOf } from "./charts";

const sample = (second: number, change: Partial<PerformanceSample>): PerformanceSample => ({
  at: new Date(1_700_000_000_000 + second * 1000).toISOString(),
  deltasPerSecond: 0,
  framesPerSecond: 0,
  clients: 0,
  mostWaiting: 0,
  brokerBusy: 0,
  longestHandler: 0,
  longestStall: 0,
  coreStall: 0,
  dropped: 0,
  conflated: 0,
  ...change,
});

const chart = (key: string) => {
  const found = charts.find((info) => info.key === key);
  if (found === undefined) throw new Error(`no chart ${key}`);
  return found;
};

test("samples become columns, and what is unknown a gap", () => {
  const samples = [sample(0, { cpu: 0.5, brokerBusy: 0.1 }), sample(5, { brokerBusy: 0.2 }), { ...sample(9, {}), at: "never" }];
  expect(columnsOf(chart("cpu"), samples)).toEqual([
    [1_700_000_000, 1_700_000_005],
    [50, null],
    [10, 20],
  ]);
});

test("the legend has the last value and the greatest", () => {
  const samples = [sample(0, { residentBytes: 200e6 }), sample(5, { residentBytes: 150e6 })];
  const [inUse, own] = chart("memory").lines;
  expect(summaryOf(inUse, samples, 0)).toEqual({ now: "150", most: "200" });
  expect(own && summaryOf(own, samples, 0)).toEqual({ now: "—", most: "—" });
  expect(summaryOf(chart("stalls").lines[0], [sample(0, { longestStall: 0.25 })], 0).now).toBe("0.3");
});
