import { describe, expect, it } from "vitest";
import { instruments, windSide } from "./instruments";
import { testSnapshot } from "./test-support";

const show = (values: Record<string, unknown>, mode: "sailor" | "si" = "sailor") =>
  instruments(
    testSnapshot(Object.fromEntries(Object.entries(values).map(([path, value]) => [path, { value }]))),
    mode,
  ).map((tile) => [tile.id, tile.lines.map((line) => `${line.text} ${line.units}`.trim()).join(" | "), tile.note]);

describe("instruments", () => {
  it("are none without data", () => expect(show({})).toEqual([]));

  it("show what the boat has, in sailor's units, without metadata", () => {
    expect(
      show({
        "navigation.speedOverGround": 1852 / 3600,
        "environment.depth.belowTransducer": 8.42,
        "navigation.headingMagnetic": Math.PI,
        "environment.wind.speedApparent": 5.144444,
        "environment.wind.angleApparent": -0.5,
        "environment.wind.speedTrue": 2,
        "environment.wind.directionTrue": 3.9,
        "navigation.position": { latitude: 60.1252, longitude: 24.97271 },
      }),
    ).toEqual([
      ["sog", "1.0 kn", undefined],
      ["depth", "8.4 m", "below transducer"],
      ["heading", "180 °", "magnetic"],
      ["wind-apparent", "10.0 kn", "29° port"],
      ["wind-true", "3.9 kn", "from 223° true"],
      ["position", "60°07.512′ N | 024°58.363′ E", undefined],
    ]);
  });

  it("show SI on request", () => {
    expect(show({ "navigation.speedOverGround": 3.1 }, "si")).toEqual([["sog", "3.1 m/s", undefined]]);
  });

  it("prefer a path that has a value to a better one that has none", () => {
    expect(show({ "navigation.headingTrue": null, "navigation.headingMagnetic": 0 })).toEqual([["heading", "000 °", "magnetic"]]);
    expect(show({ "navigation.headingTrue": null })).toEqual([["heading", "—", "true"]]);
  });
});

it.each([
  [0.5, "29° starboard"],
  [-0.5, "29° port"],
  [0.001, "ahead"],
  [Math.PI, "astern"],
  [(3 * Math.PI) / 2, "90° port"],
])("wind at %d rad is %s", (angle, text) => expect(windSide(angle)).toBe(text));
