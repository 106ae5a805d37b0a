import { describe, expect, it } from "vitest";
import { displayUnit, formatIn, signed } from "./convert";

function show(path: string, units: string, value: number): string {
  const unit = displayUnit(path, units, value);
  return unit === undefined ? "none" : `${formatIn(unit, value)} ${unit.symbol}`;
}

describe("sailor's units", () => {
  it.each([
    ["navigation.speedOverGround", "m/s", 1852 / 3600, "1.0 kn"],
    ["environment.depth.belowKeel", "m", 8.44, "8.4 m"],
    ["environment.water.temperature", "K", 288.15, "15.0 °C"],
    ["environment.outside.pressure", "Pa", 101_325, "1013.3 hPa"],
    ["propulsion.port.oilPressure", "Pa", 320_000, "3.20 bar"],
    ["propulsion.port.revolutions", "Hz", 30, "1800 rpm"],
    ["electrical.ac.frequency", "Hz", 50, "50.0 Hz"],
    ["tanks.fuel.0.currentLevel", "ratio", 0.625, "62.5 %"],
    ["tanks.fuel.0.capacity", "m3", 0.25, "250.0 L"],
    ["propulsion.port.fuel.rate", "m3/s", 1 / 3.6e6, "1.0 L/h"],
    ["electrical.batteries.house.capacity.dischargeSinceFull", "C", 3600, "1.0 Ah"],
    ["electrical.batteries.house.capacity.actual", "J", 3.6e6, "1.00 kWh"],
    ["navigation.log", "m", 18_520, "10.00 NM"],
    ["navigation.courseRhumbline.nextPoint.distance", "m", 1_000, "1000.0 m"],
    ["navigation.courseRhumbline.nextPoint.distance", "m", 3_704, "2.00 NM"],
    ["navigation.rateOfTurn", "rad/s", Math.PI / 180, "60.0 °/min"],
    ["navigation.headingTrue", "rad", Math.PI / 4, "045 °"],
    ["navigation.courseOverGroundTrue", "rad", -Math.PI / 2, "270 °"],
    ["navigation.headingTrue", "rad", 2 * Math.PI - 1e-6, "000 °"],
    ["environment.wind.directionTrue", "rad", 1, "057 °"],
    ["environment.wind.angleApparent", "rad", -0.5, "−28.6 °"],
    ["environment.wind.angleApparent", "rad", -1e-6, "0.0 °"],
    ["a.b", "furlong", 1, "none"],
    ["a.b", "constructor", 1, "none"],
  ])("%s: %s %d is %s", (path, units, value, expected) => expect(show(path, units, value)).toBe(expected));

  it("are unknown where the SI unit is", () => {
    expect(displayUnit("navigation.headingTrue", undefined, 1)).toBeUndefined();
  });
});

it.each([
  ["-1.5", "−1.5"],
  ["-0.0", "0.0"],
  ["2", "2"],
])("signed(%s) is %s", (text, expected) => expect(signed(text)).toBe(expected));
