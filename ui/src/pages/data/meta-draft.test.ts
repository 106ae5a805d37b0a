import { expect, it } from "vitest";
import { testRow } from "../../test-support";
import { defaultPreferences } from "../../units/preferences";
import { unitOfPath } from "../../units/use-unit";
import { changesOf, draftOf, editorUnit, isFaulty, problemOf, timeoutProblem, zonesOf, type ZoneDraft } from "./meta-draft";

const speed = (meta: object) => testRow("navigation.speedOverGround", 1, { meta: { units: "m/s", ...meta } }).meta;
const knots = unitOfPath(defaultPreferences, "navigation.speedOverGround", "m/s");
const zone = (change: Partial<ZoneDraft>): ZoneDraft => ({ key: 9, state: "warn", lower: "", upper: "", message: "", saved: {}, ...change });

it("nothing changes what is not touched, to the last digit", () => {
  const meta = speed({ zones: [{ lower: 1.23456789012, state: "alarm", message: "x", colour: "red" }], timeout: 5 });
  expect(changesOf(draftOf(meta, knots), meta, knots)).toEqual([]);
});

it("bounds are typed in the unit of the person and saved in SI; what is not known stays", () => {
  const meta = speed({ zones: [{ lower: 1.23456789012, state: "alarm", colour: "red" }] });
  const draft = draftOf(meta, knots);
  expect(draft.zones[0]?.lower).toBe("2.39981");
  const [saved] = draft.zones;
  const changed = { ...draft, zones: [{ ...(saved as ZoneDraft), upper: "10,5" }, zone({ lower: "20", message: " fast " })] };
  expect(changesOf(changed, meta, knots)).toEqual([
    [
      "zones",
      [
        { colour: "red", state: "alarm", lower: 1.23456789012, upper: knots.toSi(10.5) },
        { state: "warn", lower: knots.toSi(20), message: "fast" },
      ],
    ],
  ]);
});

it("sends each field that changed, and how it sounds before what raises it", () => {
  const meta = speed({ displayName: "SOG", timeout: 5, alarmMethod: ["visual", "sound"] });
  const draft = { ...draftOf(meta, knots), displayName: "", description: "fast", timeout: "", sounds: ["warn"], zones: [zone({ lower: "1" })] };
  expect(changesOf(draft, meta, knots)).toEqual([
    ["displayName", null],
    ["description", "fast"],
    ["timeout", null],
    ["warnMethod", ["visual", "sound"]],
    ["alarmMethod", ["visual"]],
    ["zones", [{ state: "warn", lower: knots.toSi(1) }]],
  ]);
});

it("says what is wrong with a zone", () => {
  expect(problemOf(zone({ lower: "x" }))).toContain("numbers");
  expect(problemOf(zone({}))).toContain("from where");
  expect(problemOf(zone({ lower: "5", upper: "5" }))).toContain("less");
  expect(problemOf(zone({ lower: "-5", upper: "5" }))).toBeUndefined();
  const draft = draftOf(speed({}), knots);
  expect(isFaulty(draft)).toBe(false);
  expect(isFaulty({ ...draft, zones: [zone({})] })).toBe(true);
  expect(timeoutProblem({ ...draft, timeout: "soon" })).toContain("Seconds");
  expect(timeoutProblem({ ...draft, timeout: "-1" })).toContain("Seconds");
});

it("shows what is typed as zones at once", () => {
  const draft = { ...draftOf(speed({}), knots), zones: [zone({ lower: "1", upper: "zwei" })] };
  expect(zonesOf(draft, knots)).toEqual([{ lower: knots.toSi(1), upper: undefined, state: "warn", message: "" }]);
});

it("falls back to SI where the unit would lose a bound, as a compass does a full circle", () => {
  const meta = testRow("navigation.headingTrue", 1, { meta: { units: "rad", zones: [{ lower: 5, upper: 2 * Math.PI, state: "warn" }] } }).meta;
  const compass = unitOfPath(defaultPreferences, "navigation.headingTrue", "rad");
  expect(editorUnit(compass, meta).symbol).toBe("rad");
  expect(editorUnit(compass, { ...meta, zones: [] })).toBe(compass);
});
