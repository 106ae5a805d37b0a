import { describe, expect, it } from "vitest";
import { testRow } from "../test-support";
import { formatValue, type UnitMode } from "./format";

function show(path: string, value: unknown, meta: object = {}, mode: UnitMode = "sailor"): string {
  const formatted = formatValue(path, value, testRow(path, value, { meta }).meta, mode);
  return `${formatted.text} ${formatted.units}`.trim();
}

describe("plain values", () => {
  it.each([
    [null, "—"],
    ["sailing", "sailing"],
    ["", "(empty text)"],
    [true, "true"],
    ["2026-11-21T10:26:53.123Z", "2026-11-21 10:26:53 UTC"],
    [[], "(empty list)"],
    [[1, "two", null], "1, two, —"],
    [3.14159265, "3.1416"],
    [-2, "−2"],
    [0.00001, "0.00001"],
  ])("%j is %s", (value, expected) => expect(show("a.b", value)).toBe(expected));

  it("cuts a text of a megabyte short and says so", () => {
    const text = show("a.b", "x".repeat(1_000_000));
    expect(text.length).toBeLessThan(200);
    expect(text).toContain("(1000000 characters)");
  });

  it("shows long durations in words and short ones in seconds", () => {
    expect(show("a.b", 42.5, { units: "s" })).toBe("42.5 s");
    expect(show("propulsion.port.runTime", 8_040, { units: "s" })).toBe("2 h 14 min");
  });
});

describe("raw values", () => {
  it("are the number as received and its SI unit", () => {
    expect(show("navigation.speedOverGround", 3.143256351847165, { units: "m/s" }, "si")).toBe("3.143256351847165 m/s");
  });

  it("keep an unknown unit in both modes", () => {
    expect(show("a.b", 2, { units: "furlong" })).toBe("2 furlong");
    expect(show("a.b", 2, { units: "furlong" }, "si")).toBe("2 furlong");
  });
});

describe("objects", () => {
  const position = { latitude: 60.1252, longitude: 24.97271 };

  it("a position reads as on a chart", () => {
    expect(show("navigation.position", position)).toBe("60°07.512′ N  024°58.363′ E");
    expect(show("navigation.position", { ...position, altitude: 2 })).toContain("altitude 2.0 m");
    expect(show("navigation.position", position, {}, "si")).toBe("latitude 60.1252 deg · longitude 24.97271 deg");
  });

  it("a position without numbers still shows what it has", () => {
    expect(show("navigation.position", { latitude: null, longitude: null })).toBe("latitude — · longitude —");
  });

  it("an attitude is in degrees even without metadata", () => {
    expect(show("navigation.attitude", { roll: 0.1, pitch: -0.02, yaw: 0 })).toBe("roll 5.7° · pitch −1.1° · yaw 0.0°");
  });

  it("a current has speed and direction", () => {
    expect(show("environment.current", { drift: 0.5144444, setTrue: 2.1, setMagnetic: null })).toBe(
      "drift 1.0 kn · set true 120° · set magnetic —",
    );
  });

  it("members follow the units of the metadata", () => {
    expect(show("design.length", { overall: 12.5 }, { properties: { overall: { units: "m" } } })).toBe("overall 12.5 m");
  });

  it("of many members or levels stay short", () => {
    expect(show("a.b", { satellites: [{ id: 1 }, { id: 2 }], count: 2 })).toBe("satellites 2 items · count 2");
    expect(show("a.b", { a: { b: { c: 1 } } })).toBe("a b 1 entry");
    expect(show("a.b", Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`k${i}`, i])))).toContain("and 4 more");
  });
});
