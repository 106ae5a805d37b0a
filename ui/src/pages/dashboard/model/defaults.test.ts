import { describe, expect, it } from "vitest";
import { testSnapshot } from "../../../test-support";
import { defaultDashboard, defaultKey } from "./defaults";
import { overlaps } from "./grid";

const of = (values: Record<string, unknown>) => testSnapshot(Object.fromEntries(Object.entries(values).map(([path, value]) => [path, { value }])));
/** Kind and path of each widget, by page. */
const show = (values: Record<string, unknown>) =>
  Object.fromEntries(
    (defaultDashboard(of(values))?.pages ?? []).map((page) => [page.name, page.widgets.map(({ kind, settings }) => `${kind} ${settings.path ?? ""}`.trim())]),
  );

const boat = {
  "navigation.speedOverGround": 3,
  "navigation.speedThroughWater": 3,
  "navigation.headingMagnetic": 1,
  "navigation.headingTrue": 1.1,
  "navigation.position": { latitude: 60, longitude: 25 },
  "navigation.attitude": { roll: 0.1, pitch: 0 },
  "environment.wind.angleApparent": 0.5,
  "environment.wind.speedApparent": 7,
  "environment.depth.belowTransducer": 4,
  "environment.depth.belowKeel": 3,
  "electrical.batteries.house.capacity.stateOfCharge": 0.8,
  "electrical.batteries.house.voltage": 12.7,
  "tanks.fuel.0.currentLevel": 0.5,
  "tanks.freshWater.0.currentLevel": 0.7,
  "propulsion.port.revolutions": 20,
  "electrical.switches.anchorLight.state": 1,
};

describe("the default dashboard", () => {
  it("is none without data, and with what nobody looks at", () => {
    expect(defaultDashboard(of({}))).toBeUndefined();
    expect(defaultDashboard(of({ name: "Plaka", "notifications.a": { state: "normal" }, "design.length": { overall: 9 } }))).toBeUndefined();
  });

  it("has for a whole boat what each value is best seen with", () => {
    const pages = show(boat);
    expect(Object.keys(pages)).toEqual(["Sailing", "Systems"]);
    expect(pages.Sailing).toEqual(
      expect.arrayContaining([
        "wind",
        "compass navigation.headingTrue",
        "numeric navigation.speedOverGround",
        "numeric navigation.speedThroughWater",
        "numeric environment.depth.belowKeel",
        "ais",
        "attitude navigation.attitude",
        "text navigation.position",
        "trend environment.depth.belowKeel",
        "trend environment.wind.speedApparent",
      ]),
    );
    expect(pages.Systems).toEqual(
      expect.arrayContaining([
        "level electrical.batteries.house.capacity.stateOfCharge",
        "level tanks.fuel.0.currentLevel",
        "level tanks.freshWater.0.currentLevel",
        "gauge electrical.batteries.house.voltage",
        "gauge propulsion.port.revolutions",
        "switch electrical.switches.anchorLight.state",
      ]),
    );
  });

  it("has nothing without its data", () => {
    expect(show({ "environment.depth.belowTransducer": 4 })).toEqual({
      Sailing: ["numeric environment.depth.belowTransducer", "trend environment.depth.belowTransducer"],
    });
    expect(show({ "navigation.position": null, "tanks.fuel.1.currentLevel": 0.5 })).toEqual({ Systems: ["level tanks.fuel.1.currentLevel"] });
  });

  it("shows something of a boat with none of the usual paths", () => {
    expect(show({ "steering.rudderAngle": 0.1, "navigation.state": "moored" })).toEqual({
      Values: ["text navigation.state", "numeric steering.rudderAngle"],
    });
  });

  it("never lets widgets overlap, and keeps within bounds", () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`tanks.fuel.${index}.currentLevel`, 0.5]));
    for (const { widgets } of defaultDashboard(of({ ...boat, ...many }))?.pages ?? []) {
      expect(widgets.length).toBeLessThanOrEqual(60);
      for (const a of widgets) for (const b of widgets) expect(a === b || !overlaps(a, b)).toBe(true);
    }
  });

  it("has a key that changes only with what is shown", () => {
    expect(defaultKey(of(boat))).toBe(defaultKey(of({ ...boat, "navigation.speedOverGround": 9, "navigation.gnss.satellites": 9 })));
    expect(defaultKey(of(boat))).not.toBe(defaultKey(of({ ...boat, "tanks.fuel.1.currentLevel": 1 })));
  });
});
