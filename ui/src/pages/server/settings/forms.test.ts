import { expect, test } from "vitest";
import { linear } from "../../../units/convert";
import { settingsChanges, settingsForm, settingsProblems } from "./fields";
import { changesOf, formOf, lengthKeys, parseNumber, problemsOf, shipTypeChoices, type LengthUnits } from "./vessel";

const units = (symbol: string, factor: number): LengthUnits => {
  const { fromSi, toSi } = linear(symbol, 1, factor);
  return Object.fromEntries(lengthKeys.map((key) => [key, { symbol, convert: fromSi, toSi }])) as unknown as LengthUnits;
};
const metres = units("m", 1);
const feet = units("ft", 1 / 0.3048);

test("a ship is shown in the units of the person and sent in metres", () => {
  const before = formOf({ name: "Aurora", length: 12, draft: 1.8, aisShipType: 36 }, feet);
  expect([before.name, before.length, before.draft, before.beam, before.aisShipType]).toEqual(["Aurora", "39.37", "5.906", "", "36"]);
  const form = { ...before, name: " Borealis ", length: "40", draft: "", beam: "13,1", aisShipType: "37" };
  expect(changesOf(before, form, feet)).toEqual({ name: "Borealis", length: 12.192, draft: null, beam: 3.9929, aisShipType: 37 });
  expect(changesOf(before, before, feet)).toEqual({});
});

test("what can't be is said beside its field", () => {
  const form = formOf({}, metres);
  expect(problemsOf(form, metres)).toEqual({});
  const bad = { ...form, mmsi: "12345678", length: "long", beam: "-1", draft: "2000", gpsFromCenter: "-0.5", name: "x".repeat(201) };
  expect(Object.keys(problemsOf(bad, metres)).sort()).toEqual(["beam", "draft", "length", "mmsi", "name"]);
});

test("numbers are typed in many ways", () => {
  expect(["1.5", "1,5", " 2 ", "−3", "-.5", "1e3", "", "1.2.3"].map(parseNumber)).toEqual([1.5, 1.5, 2, -3, -0.5, undefined, undefined, undefined]);
});

test("a rare kind of ship can be kept", () => {
  expect(shipTypeChoices("36").some(({ label }) => label.startsWith("AIS"))).toBe(false);
  expect(shipTypeChoices("58").at(-1)).toEqual({ value: "58", label: "AIS type 58" });
});

const settings = {
  options: { mdns: true, wsPingInterval: 30_000 },
  interfaces: { tcp: true, "nmea-tcp": false },
  port: 3000,
  sslport: 3443,
  pruneContextsMinutes: 60,
  staleness: { enforceDataTimeouts: false, defaultTimeout: 60 },
};

test("settings become a form, without what a server does not have", () => {
  const form = settingsForm(settings);
  expect(form["options.wsPingInterval"]).toBe("30");
  expect(form["interfaces.nmea-tcp"]).toBe(false);
  expect(form["interfaces.wasm"]).toBeUndefined();
  expect(settingsForm({ options: { wsPingInterval: false } })["options.wsPingInterval"]).toBe("0");
  expect(settingsProblems(form)).toEqual({});
});

test("only what was changed is sent", () => {
  const form = settingsForm(settings);
  expect(settingsChanges(form, form)).toEqual({ options: {} });
  const changed = { ...form, port: "3001", "options.mdns": false, "options.wsPingInterval": "0", "staleness.defaultTimeout": "90" };
  expect(settingsChanges(form, changed)).toEqual({
    options: { mdns: false, wsPingInterval: false },
    port: 3001,
    staleness: { defaultTimeout: 90 },
  });
});

test("settings that can't be are refused in the form", () => {
  const form = settingsForm(settings);
  expect(settingsProblems({ ...form, port: "0", pruneContextsMinutes: "soon" })).toEqual({ port: "From 1 to 65535.", pruneContextsMinutes: "Type a number." });
  expect(Object.keys(settingsProblems({ ...form, port: "3443" }))).toEqual(["sslport"]);
  expect(Object.keys(settingsProblems({ ...form, port: "30.5" }))).toEqual(["port"]);
  expect(settingsProblems({ ...form, "options.wsPingInterval": "0" })).toEqual({});
  expect(settingsProblems({ ...form, "options.wsPingInterval": "0.5" })).toEqual({ "options.wsPingInterval": "0, or from 1 to 86400." });
});
