import { expect, it } from "vitest";
import { categoryIds, categoryOf, defaultPreferences, parsePreferences, presetIds, unitCategories, unitName, unitOf } from "./preferences";
import { unitOfPath } from "./use-unit";

it.each([
  ["navigation.speedOverGround", "m/s", "boatSpeed"],
  ["environment.wind.speedApparent", "m/s", "windSpeed"],
  ["environment.depth.belowKeel", "m", "depth"],
  ["navigation.courseGreatCircle.nextPoint.distance", "m", "distance"],
  ["navigation.trip.log", "m", "distance"],
  ["navigation.log", "m", "distance"],
  ["design.airHeight", "m", "length"],
  ["environment.water.temperature", "K", "temperature"],
  ["environment.outside.pressure", "Pa", "airPressure"],
  ["propulsion.main.oilPressure", "Pa", "pressure"],
  ["navigation.headingTrue", "rad", undefined],
  ["navigation.speedOverGround", undefined, undefined],
])("%s in %s is a %s", (path, unit, category) => expect(categoryOf(path, unit)).toBe(category));

it("every unit leads to SI and back", () => {
  for (const id of categoryIds) {
    for (const [name, unit] of Object.entries(unitCategories[id].units)) {
      if (name === "Bft") continue;
      expect(unit.toSi(unit.fromSi(123.4)), `${id} ${name}`).toBeCloseTo(123.4, 6);
    }
  }
});

it("every preset names units that exist", () => {
  for (const preset of presetIds) {
    for (const id of categoryIds) {
      expect(Object.keys(unitCategories[id].units)).toContain(unitName({ preset, own: {} }, id));
    }
  }
});

it("a unit of one's own wins over the preset", () => {
  const preferences = parsePreferences({ preset: "imperial", own: { depth: "fm", windSpeed: "parsec", x: 1 } });
  expect(preferences).toEqual({ preset: "imperial", own: { depth: "fm" } });
  expect(unitOf(preferences, "depth").symbol).toBe("fm");
  expect(unitOf(preferences, "temperature").symbol).toBe("°F");
  expect(parsePreferences("x")).toEqual(defaultPreferences);
});

it("shows and reads values of a path", () => {
  const depth = unitOfPath({ preset: "imperial", own: {} }, "environment.depth.belowKeel", "m");
  expect([depth.format(10), depth.symbol]).toEqual(["32.8", "ft"]);
  expect(depth.toSi(32.808399)).toBeCloseTo(10, 5);
  expect(unitOfPath(defaultPreferences, "navigation.headingTrue", "rad").format(Math.PI / 4)).toBe("045");
  const bare = unitOfPath(defaultPreferences, "a.b", undefined);
  expect([bare.format(1.234), bare.symbol, bare.format("x"), bare.format(null)]).toEqual(["1.23", "", "—", "—"]);
  const wind = unitOfPath({ preset: "nautical", own: { windSpeed: "Bft" } }, "environment.wind.speedTrue", "m/s");
  expect([0, 5, 10, 40].map((speed) => wind.format(speed))).toEqual(["0", "3", "5", "12"]);
});
