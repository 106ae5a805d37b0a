/**
 * From SI, which is all Signal K carries, to the units sailors read.
 */

export interface DisplayUnit {
  symbol: string;
  decimals: number;
  fromSi: (value: number) => number;
  toSi: (value: number) => number;
  /** Compass angles are written 000° to 360°. */
  compass?: true;
}

export const linear = (symbol: string, decimals: number, factor: number): DisplayUnit => ({
  symbol,
  decimals,
  fromSi: (value) => value * factor,
  toSi: (value) => value / factor,
});

export const KNOTS = linear("kn", 1, 3600 / 1852);
export const METRES = linear("m", 1, 1);
export const CELSIUS: DisplayUnit = {
  symbol: "°C",
  decimals: 1,
  fromSi: (kelvin) => kelvin - 273.15,
  toSi: (celsius) => celsius + 273.15,
};
export const DEGREES = linear("°", 1, 180 / Math.PI);
export const COMPASS: DisplayUnit = {
  symbol: "°",
  decimals: 0,
  compass: true,
  fromSi: (radians) => {
    const degrees = (radians * 180) / Math.PI;
    return ((degrees % 360) + 360) % 360;
  },
  toSi: (degrees) => (degrees * Math.PI) / 180,
};
export const NAUTICAL_MILES = linear("NM", 2, 1 / 1852);

const bySiUnit: Readonly<Record<string, DisplayUnit>> = {
  "m/s": KNOTS,
  m: METRES,
  rad: DEGREES,
  "rad/s": linear("°/s", 1, 180 / Math.PI),
  K: CELSIUS,
  Pa: linear("bar", 2, 1e-5),
  ratio: linear("%", 1, 100),
  Hz: linear("Hz", 1, 1),
  V: linear("V", 2, 1),
  A: linear("A", 1, 1),
  W: linear("W", 0, 1),
  J: linear("kWh", 2, 1 / 3.6e6),
  C: linear("Ah", 1, 1 / 3600),
  m3: linear("L", 1, 1000),
  "m3/s": linear("L/h", 1, 3.6e6),
  m2: linear("m²", 1, 1),
  kg: linear("kg", 1, 1),
  "kg/m3": linear("kg/m³", 2, 1),
  "Pa/s": linear("hPa/h", 1, 36),
  Lux: linear("lx", 0, 1),
  deg: linear("°", 4, 1),
};

/** Paths whose quantity is usually read in something else than its unit suggests; first match wins. */
const byPath: readonly { units: string; path: RegExp; unit: DisplayUnit }[] = [
  { units: "rad", path: /(heading|course|bearing|direction|track|\.set)[^.]*$/i, unit: COMPASS },
  { units: "rad/s", path: /rateOfTurn$/, unit: linear("°/min", 1, (180 / Math.PI) * 60) },
  { units: "Pa", path: /^environment\./, unit: linear("hPa", 1, 0.01) },
  { units: "Hz", path: /revolutions$/, unit: linear("rpm", 0, 60) },
  { units: "m", path: /(^|\.)log$/, unit: NAUTICAL_MILES },
];

/** Longer distances are read in nautical miles, m. */
const DISTANCE = /(distance|crossTrackError|radius)[^.]*$/i;
const NAUTICAL_FROM = 1852;

/**
 * The unit in which a value of `path` is shown. Undefined when the SI unit is
 * unknown: then the number is shown as it is.
 */
export function displayUnit(path: string, siUnit: string | undefined, value: number): DisplayUnit | undefined {
  if (siUnit === undefined) return undefined;
  for (const special of byPath) {
    if (special.units === siUnit && special.path.test(path)) return special.unit;
  }
  if (siUnit === "m" && DISTANCE.test(path) && Math.abs(value) >= NAUTICAL_FROM) return NAUTICAL_MILES;
  return Object.hasOwn(bySiUnit, siUnit) ? bySiUnit[siUnit] : undefined;
}

/** The number alone: "6.3", "045", "−12.0". */
export function formatIn(unit: DisplayUnit, si: number): string {
  const value = unit.fromSi(si);
  if (unit.compass) {
    const rounded = Number(value.toFixed(unit.decimals)) % 360;
    return String(rounded).padStart(3, "0");
  }
  return signed(value.toFixed(unit.decimals));
}

/** A real minus sign, and no "-0.0". */
export function signed(text: string): string {
  if (!text.startsWith("-")) return text;
  return Number(text) === 0 ? text.slice(1) : `\u2212${text.slice(1)}`;
}
