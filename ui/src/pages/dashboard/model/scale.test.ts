import { describe, expect, it } from "vitest";
import { testRow } from "../../../test-support";
import { roundUp, scaleOf, shareOf, zoneOf, zoneSpans } from "./scale";

const metaOf = (path: string, meta: object) => testRow(path, 1, { meta }).meta;

describe("the scale", () => {
  it("is what is set, before what the metadata say, before zones, before what is usual", () => {
    const zones = [{ lower: 0, upper: 3, state: "alarm" }, { lower: 3, upper: 5, state: "warn" }];
    const depth = metaOf("environment.depth.belowKeel", { units: "m", zones });
    expect(scaleOf("environment.depth.belowKeel", depth, { min: 1, max: 9 }, 4)).toEqual({ min: 1, max: 9 });
    expect(scaleOf("environment.depth.belowKeel", depth, {}, 4)).toEqual({ min: 0, max: 6.25 });
    const shown = metaOf("a.b", { units: "V", zones, displayScale: { lower: 11, upper: 14 } });
    expect(scaleOf("a.b", shown, {}, 12)).toEqual({ min: 11, max: 14 });
    expect(scaleOf("electrical.batteries.1.voltage", metaOf("x", { units: "V" }), {}, 12.7)).toEqual({ min: 10, max: 15 });
  });

  it("follows the value where nothing is known of it, and is never empty", () => {
    expect(scaleOf("a.b", metaOf("a.b", {}), {}, 37)).toEqual({ min: 0, max: 50 });
    expect(scaleOf("a.b", metaOf("a.b", {}), {}, -37)).toEqual({ min: -50, max: 1 });
    expect(scaleOf("a.b", metaOf("a.b", {}), { min: 5, max: 5 }, 37)).toEqual({ min: 5, max: 6 });
  });

  it("has a share of each value, not beyond its ends", () => {
    expect([9, 10, 12.5, 15, 99].map((value) => shareOf({ min: 10, max: 15 }, value))).toEqual([0, 0, 0.5, 1, 1]);
  });

  it("rounds up to a number people count in", () => expect([0, -3, 0.13, 1, 1.01, 37, 100].map(roundUp)).toEqual([0, 0, 0.2, 1, 2, 50, 100]));
});

describe("zones", () => {
  const { zones } = metaOf("a.b", {
    zones: [
      { lower: 10, upper: 20, state: "warn", message: "warm" },
      { lower: 15, state: "alarm", message: "hot" },
    ],
  });

  it("hold from their lower limit to below their upper one; the first of several", () => {
    expect([9.9, 10, 15, 19.9, 20, undefined, "12"].map((value) => zoneOf(zones, value)?.message)).toEqual([
      undefined,
      "warm",
      "warm",
      "warm",
      "hot",
      undefined,
      undefined,
    ]);
  });

  it("are parts of the scale", () => {
    expect(zoneSpans({ min: 0, max: 20 }, zones)).toEqual([
      { from: 0.5, to: 1, tone: "caution" },
      { from: 0.75, to: 1, tone: "bad" },
    ]);
    expect(zoneSpans({ min: 30, max: 40 }, zones)).toEqual([{ from: 0, to: 1, tone: "bad" }]);
  });
});
