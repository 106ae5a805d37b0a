/**
 * In which units a person reads what. Signal K carries SI only; a category is a kind of quantity that is read in one
 * unit, such as depths.
 */
import { isObject } from "../signalk/frames";
import { CELSIUS, KNOTS, linear, METRES, NAUTICAL_MILES, type DisplayUnit } from "./convert";

const FOOT = 0.3048;
const FAHRENHEIT: DisplayUnit = {
  symbol: "°F",
  decimals: 1,
  fromSi: (kelvin) => ((kelvin - 273.15) * 9) / 5 + 32,
  toSi: (fahrenheit) => ((fahrenheit - 32) * 5) / 9 + 273.15,
};
const KELVIN = linear("K", 1, 1);
const METRES_PER_SECOND = linear("m/s", 1, 1);
const KMH = linear("km/h", 1, 3.6);
const MPH = linear("mph", 1, 3600 / 1609.344);
const FEET = linear("ft", 1, 1 / FOOT);
const FATHOMS = linear("fm", 1, 1 / (6 * FOOT));
const KILOMETRES = linear("km", 2, 1e-3);
const MILES = linear("mi", 2, 1 / 1609.344);
const HPA = linear("hPa", 1, 1e-2);
const PSI = linear("psi", 1, 1 / 6894.757);

/** Beaufort has no exact way back: the middle of the force. */
const BEAUFORT: DisplayUnit = {
  symbol: "Bft",
  decimals: 0,
  fromSi: (speed) => Math.min(12, Math.round((Math.max(0, speed) / 0.836) ** (2 / 3))),
  toSi: (force) => 0.836 * force ** 1.5,
};

export interface UnitCategory {
  label: string;
  siUnit: string;
  /** By the name that is kept in preferences; the first is that of the nautical preset. */
  units: Readonly<Record<string, DisplayUnit>>;
}

export const unitCategories = {
  boatSpeed: { label: "Boat speed", siUnit: "m/s", units: { kn: KNOTS, "km/h": KMH, "m/s": METRES_PER_SECOND, mph: MPH } },
  windSpeed: {
    label: "Wind speed",
    siUnit: "m/s",
    units: { kn: KNOTS, "m/s": METRES_PER_SECOND, "km/h": KMH, mph: MPH, Bft: BEAUFORT },
  },
  depth: { label: "Depth", siUnit: "m", units: { m: METRES, ft: FEET, fm: FATHOMS } },
  distance: { label: "Distance", siUnit: "m", units: { NM: NAUTICAL_MILES, km: KILOMETRES, mi: MILES } },
  length: { label: "Length and height", siUnit: "m", units: { m: METRES, ft: FEET } },
  temperature: { label: "Temperature", siUnit: "K", units: { "°C": CELSIUS, "°F": FAHRENHEIT, K: KELVIN } },
  airPressure: {
    label: "Air pressure",
    siUnit: "Pa",
    units: { hPa: HPA, mbar: linear("mbar", 1, 1e-2), inHg: linear("inHg", 2, 1 / 3386.389) },
  },
  pressure: { label: "Pressure", siUnit: "Pa", units: { bar: linear("bar", 2, 1e-5), kPa: linear("kPa", 1, 1e-3), psi: PSI } },
  volume: {
    label: "Volume",
    siUnit: "m3",
    units: { L: linear("L", 1, 1000), "m³": linear("m³", 3, 1), gal: linear("gal", 1, 264.172), "gal UK": linear("gal UK", 1, 219.969) },
  },
  flow: {
    label: "Fuel and water flow",
    siUnit: "m3/s",
    units: { "L/h": linear("L/h", 1, 3.6e6), "gal/h": linear("gal/h", 1, 951_019.4) },
  },
  energy: { label: "Energy", siUnit: "J", units: { kWh: linear("kWh", 2, 1 / 3.6e6), MJ: linear("MJ", 2, 1e-6) } },
} as const satisfies Record<string, UnitCategory>;

export type CategoryId = keyof typeof unitCategories;
export const categoryIds = Object.keys(unitCategories) as CategoryId[];

export const presets = {
  nautical: { label: "Nautical", units: {} },
  metric: { label: "Metric", units: { boatSpeed: "km/h", windSpeed: "m/s", distance: "km" } },
  imperial: {
    label: "Imperial",
    units: {
      windSpeed: "mph",
      depth: "ft",
      length: "ft",
      temperature: "°F",
      airPressure: "inHg",
      pressure: "psi",
      volume: "gal",
      flow: "gal/h",
    },
  },
} as const satisfies Record<string, { label: string; units: Partial<Record<CategoryId, string>> }>;

export type PresetId = keyof typeof presets;
export const presetIds = Object.keys(presets) as PresetId[];

export interface UnitPreferences {
  preset: PresetId;
  /** Units that are not those of the preset. */
  own: Partial<Record<CategoryId, string>>;
}

export const defaultPreferences: UnitPreferences = { preset: "nautical", own: {} };

/** Preferences from whatever was kept; what does not fit is left out. */
export function parsePreferences(data: unknown): UnitPreferences {
  if (!isObject(data)) return defaultPreferences;
  const preset = presetIds.find((id) => id === data.preset) ?? defaultPreferences.preset;
  const own: UnitPreferences["own"] = {};
  if (isObject(data.own)) {
    for (const id of categoryIds) {
      const name = data.own[id];
      if (typeof name === "string" && Object.hasOwn(unitCategories[id].units, name)) own[id] = name;
    }
  }
  return { preset, own };
}

const byPath: readonly { siUnit: string; path: RegExp; category: CategoryId }[] = [
  { siUnit: "m/s", path: /(^|\.)wind\.|gust/i, category: "windSpeed" },
  { siUnit: "m/s", path: /./, category: "boatSpeed" },
  { siUnit: "m", path: /depth|belowKeel|belowTransducer|belowSurface|surfaceTo|draft/i, category: "depth" },
  { siUnit: "m", path: /(distance|crossTrackError|range)[^.]*$|(^|\.)(log|logTrip|log\.trip|trip\.log)$|^navigation\.(trip|log)/i, category: "distance" },
  { siUnit: "m", path: /./, category: "length" },
  { siUnit: "K", path: /./, category: "temperature" },
  { siUnit: "Pa", path: /^environment\./, category: "airPressure" },
  { siUnit: "Pa", path: /./, category: "pressure" },
  { siUnit: "m3", path: /./, category: "volume" },
  { siUnit: "m3/s", path: /./, category: "flow" },
  { siUnit: "J", path: /./, category: "energy" },
];

/** The kind of quantity of a path; undefined for what everybody reads in the same unit. */
export function categoryOf(path: string, siUnit: string | undefined): CategoryId | undefined {
  return byPath.find((rule) => rule.siUnit === siUnit && rule.path.test(path))?.category;
}

/** The name of the unit in which a category is read. */
export function unitName(preferences: UnitPreferences, category: CategoryId): string {
  const ofPreset: Partial<Record<CategoryId, string>> = presets[preferences.preset].units;
  return preferences.own[category] ?? ofPreset[category] ?? (Object.keys(unitCategories[category].units)[0] as string);
}

export function unitOf(preferences: UnitPreferences, category: CategoryId): DisplayUnit {
  const units: Readonly<Record<string, DisplayUnit>> = unitCategories[category].units;
  return units[unitName(preferences, category)] ?? (Object.values(units)[0] as DisplayUnit);
}
