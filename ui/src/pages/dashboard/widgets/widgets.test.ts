import { describe, expect, it } from "vitest";
import { testRow } from "../../../test-support";
import type { AisTarget } from "../../../state/ais";
import { unitOfPath } from "../../../units/use-unit";
import { defaultPreferences } from "../../../units/preferences";
import { byDanger, isClose, nameOf } from "./ais-danger";
import { chartsOf } from "./charts";
import { graticuleStep, lineLabel, linesBetween, ringRadii } from "./graticule";
import { nextPage } from "../use-rotation";
import { widgetKinds } from "./registry";
import { isOn, settingFor } from "./switch-values";
import { bearing } from "./svg";
import { statisticsOf } from "./trend-statistics";
import { widgetUnit } from "./use-widget-value";
import { signedDegrees, trueAngle } from "./wind";

describe("the registry", () => {
  it("has kinds with names of their own that fit into the grid", () => {
    expect(new Set(widgetKinds.map(({ kind }) => kind)).size).toBe(widgetKinds.length);
    for (const { size, least } of widgetKinds) {
      expect(least.w).toBeLessThanOrEqual(size.w);
      expect(least.h).toBeLessThanOrEqual(size.h);
      expect(size.w).toBeLessThanOrEqual(12);
    }
  });

  it("offers each value to the kinds that can show it", () => {
    const kindsOf = (path: string, value: unknown, meta: object = {}) =>
      widgetKinds.filter((kind) => kind.accepts(testRow(path, value, { meta }))).map(({ kind }) => kind);
    expect(kindsOf("navigation.headingTrue", 1, { units: "rad" })).toEqual(["numeric", "gauge", "compass", "trend", "level", "text"]);
    expect(kindsOf("navigation.attitude", { roll: 0 })).toEqual(["attitude", "text"]);
    expect(kindsOf("electrical.switches.a.state", 0)).toContain("switch");
    expect(kindsOf("navigation.gnss.satellites", 1)).not.toContain("switch");
    expect(kindsOf("notifications.a", { state: "normal" })).toEqual([]);
  });
});

describe("units of a widget", () => {
  const speed = unitOfPath(defaultPreferences, "navigation.speedOverGround", "m/s");
  it("are those of the person unless set", () => {
    expect(widgetUnit(speed, undefined, undefined)).toBe(speed);
    expect(widgetUnit(speed, "km/h", undefined).format(10)).toBe("36.0");
    expect(widgetUnit(speed, "fathoms", undefined)).toBe(speed);
  });
  it("have the decimals that are set, and compass angles stay three digits", () => {
    expect(widgetUnit(speed, undefined, 3).format(1852 / 3600)).toBe("1.000");
    const heading = unitOfPath(defaultPreferences, "navigation.headingTrue", "rad");
    expect(widgetUnit(heading, undefined, 0).format(0.1)).toBe("006");
  });
});

describe("wind", () => {
  it("is the angle that is sent, else its direction from the bow", () => {
    expect(trueAngle(0.5, 0.4, 3, 1)).toBe(0.5);
    expect(trueAngle(undefined, 0.4, 3, 1)).toBe(0.4);
    expect(trueAngle(undefined, undefined, 3, 1)).toBe(2);
    expect(trueAngle(undefined, undefined, 3, undefined)).toBeUndefined();
  });
  it("comes from port or starboard", () => {
    expect([0, Math.PI / 2, -Math.PI / 2, (3 * Math.PI) / 2, -5].map(signedDegrees)).toEqual([0, 90, -90, -90, 74]);
  });
  it("and bearings are three digits", () => expect([0, -0.001, 2 * Math.PI, Math.PI].map(bearing)).toEqual(["000", "000", "000", "180"]));
});

describe("a switch", () => {
  it("is on, off, or neither", () =>
    expect([true, 1, "on", false, 0, "off", 2, null, undefined, "half"].map(isOn)).toEqual([true, true, true, false, false, false, undefined, undefined, undefined, undefined]));
  it("is set in the form in which its value comes", () =>
    expect([settingFor(true, false), settingFor(true, 0), settingFor(false, "on"), settingFor(true, undefined)]).toEqual([true, 1, "off", 1]));
});

describe("a trend", () => {
  it("has least, most, and the mean over time", () => {
    expect(statisticsOf([])).toBeUndefined();
    expect(statisticsOf([{ time: 0, value: 3 }])).toEqual({ min: 3, max: 3, average: 3 });
    const points = [{ time: 0, value: 0 }, { time: 9_000, value: 10 }, { time: 10_000, value: 5 }];
    expect(statisticsOf(points)).toEqual({ min: 0, max: 10, average: 1 });
  });
});

describe("other vessels", () => {
  const target = (name: string, distance: number, cpa: number, tcpa: number | undefined, speed = 5): AisTarget => ({
    context: `vessels.${name}`,
    kind: "vessels",
    mmsi: undefined,
    name,
    callsign: undefined,
    latitude: 0,
    longitude: 0,
    courseOverGround: 0,
    speedOverGround: speed,
    heading: undefined,
    state: undefined,
    length: undefined,
    asOf: 0,
    approach: { distance, bearing: 0, cpa, tcpa },
  });
  it("that come close come first, the soonest at the top", () => {
    const all = [target("near", 100, 100, -5), target("later", 9_000, 50, 900), target("soon", 20_000, 50, 300), target("far", 30_000, 9_000, 60)];
    expect(byDanger(all).map(({ name }) => name)).toEqual(["soon", "later", "near", "far"]);
  });
  it("are close only under way, ahead, and soon", () => {
    expect(isClose(target("a", 1, 50, 300, 0))).toBe(false);
    expect(isClose(target("a", 1, 50, 36_000))).toBe(false);
    expect(isClose(target("a", 1, 50, undefined))).toBe(false);
  });
  it("have a name in any case", () => {
    const nobody = { ...target("x", 1, 1, 1), name: undefined, context: "vessels.urn:mrn:imo:mmsi:230000001" };
    expect(nameOf(nobody)).toBe("urn:mrn:imo:mmsi:230000001");
    expect(nameOf({ ...nobody, mmsi: "230000001" })).toBe("MMSI 230000001");
  });
});

describe("the map", () => {
  it("has a graticule that is neither dense nor empty", () => {
    expect(graticuleStep(1_000, 100)).toBeCloseTo(1 / 6);
    expect(graticuleStep(1e-9, 100)).toBe(10);
    expect(linesBetween(9.9, 12.1, 1)).toEqual([10, 11, 12]);
    expect(linesBetween(-180, 180, 0.001)).toHaveLength(100);
    expect(lineLabel(59.75, 1 / 12, "N", "S")).toBe("59°45′N");
    expect(lineLabel(-21.3083333, 1 / 120, "E", "W")).toBe("21°18.5′W");
    expect(lineLabel(60, 1 / 60, "N", "S")).toBe("60°00′N");
    expect(lineLabel(10, 5, "N", "S")).toBe("10°N");
  });
  it("has round range rings within its reach", () => {
    expect(ringRadii(1852 * 1.7).map((radius) => Math.round((radius / 1852) * 10) / 10)).toEqual([0.5, 1, 1.5]);
    expect(ringRadii(0)).toEqual([]);
  });
  it("takes the raster charts of this server, and none from elsewhere", () => {
    const charts = chartsOf(
      {
        a: { type: "tilelayer", url: "/charts/a/{z}/{x}/{y}.png", minzoom: 4, maxzoom: 15, bounds: [20, 59, 22, 60], format: "png" },
        b: { type: "TMS", url: "http://here:3000/b", format: "png" },
        c: { type: "tilelayer", url: "https://tiles.example.org/{z}/{x}/{y}.png" },
        d: { type: "tilelayer", url: "//tiles.example.org/{z}/{x}/{y}.png" },
        e: { type: "mapboxstyle", url: "/style.json" },
        f: 7,
      },
      "http://here:3000",
    );
    expect(charts.map(({ url, tms }) => [url, tms])).toEqual([
      ["/charts/a/{z}/{x}/{y}.png", false],
      ["http://here:3000/b/{z}/{x}/{y}", true],
    ]);
    expect(charts[0]).toMatchObject({ minZoom: 4, maxNativeZoom: 15, bounds: [[59, 20], [60, 22]] });
    expect(chartsOf([], "")).toEqual([]);
  });
});

it("pages follow each other in a circle", () => {
  expect(nextPage(["a", "b"], "a")).toBe("b");
  expect(nextPage(["a", "b"], "b")).toBe("a");
  expect(nextPage(["a", "b"], "gone")).toBe("a");
});
