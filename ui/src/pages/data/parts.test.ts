import { expect, it } from "vitest";
import { testRow, TEST_TIME } from "../../test-support";
import { defaultPreferences } from "../../units/preferences";
import { dateOf, partsOf } from "./parts";

const parts = (path: string, value: unknown, meta?: object) => partsOf(testRow(path, value, meta === undefined ? {} : { meta }), value, defaultPreferences);

it("gives the unit of the person and the SI value beside it", () => {
  expect(parts("navigation.speedOverGround", 3.24, { units: "m/s" })).toEqual({
    text: "6.3",
    units: "kn",
    si: "3.24",
    siShort: "3.24",
    siUnits: "m/s",
    isConverted: true,
  });
});

it("converts nothing that has no other unit", () => {
  expect(parts("environment.depth.belowKeel", 3.456, { units: "m" })).toMatchObject({ text: "3.5", si: "3.456", isConverted: false });
  expect(parts("a.count", 7)).toMatchObject({ text: "7", units: "", isConverted: false });
  expect(parts("environment.outside.pressure", 101268.00000000001, { units: "Pa" })).toMatchObject({ si: "101268.00000000001", siShort: "101268" });
  expect(parts("a.b", null)).toMatchObject({ text: "—", isConverted: false });
});

it("makes objects readable", () => {
  expect(parts("navigation.position", { latitude: 60.125, longitude: 24.5 }).text).toBe("60°07.500′ N  024°30.000′ E");
});

it("dates what is not of today", () => {
  const { latest } = testRow("a.b", 1);
  const at = (timestamp: number | undefined, clockDiffers = false) => dateOf({ ...latest, timestamp, clockDiffers }, TEST_TIME + 1_000);
  expect(at(undefined)).toBe("");
  expect(at(TEST_TIME)).toBe("");
  expect(at(Date.UTC(2017, 4, 3), true)).toBe("2017-05-03");
  expect(dateOf({ ...latest, timestamp: TEST_TIME }, TEST_TIME + 2 * 86_400_000)).toBe("2026-06-01");
});
