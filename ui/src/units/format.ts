import { formatDuration } from "../signalk/age";
import { asNumber, isObject, type JsonObject } from "../signalk/frames";
import type { Meta } from "../signalk/vessel-model";
import { displayUnit, formatIn, signed } from "./convert";
import { formatLatitude, formatLongitude } from "./position";

/** Sailor's units, or the SI values exactly as received. */
export type UnitMode = "sailor" | "si";

export interface Formatted {
  text: string;
  units: string;
}

export const NOTHING = "—";
/** A value can be a text of a megabyte; a cell need not. */
const MAX_TEXT = 160;
const MAX_ITEMS = 8;
const MAX_DEPTH = 2;
/** Signal K writes times as RFC 3339 text. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/** Any value of a path as text and unit. */
export function formatValue(path: string, value: unknown, meta: Meta, mode: UnitMode): Formatted {
  if (typeof value === "number") return formatNumber(path, value, meta.units, mode);
  if (isObject(value)) return { text: formatObject(path, value, meta, mode, 0), units: "" };
  return { text: formatPlain(path, value, meta, mode, 0), units: "" };
}

export function formatNumber(path: string, value: number, siUnit: string | undefined, mode: UnitMode): Formatted {
  if (mode === "si") return { text: String(value), units: siUnit ?? "" };
  if (siUnit === "s") return formatSeconds(value);
  const unit = displayUnit(path, siUnit, value);
  if (unit === undefined) return { text: signed(trimmed(value)), units: siUnit ?? "" };
  return { text: formatIn(unit, value), units: unit.symbol };
}

function formatSeconds(value: number): Formatted {
  if (Math.abs(value) < 120) return { text: signed(trimmed(value)), units: "s" };
  return { text: (value < 0 ? "\u2212" : "") + formatDuration(Math.abs(value)), units: "" };
}

function formatPlain(path: string, value: unknown, meta: Meta, mode: UnitMode, depth: number): string {
  if (value === null || value === undefined) return NOTHING;
  if (typeof value === "string") return formatText(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "number") {
    const { text, units } = formatNumber(path, value, meta.units, mode);
    return withUnit(text, units);
  }
  if (Array.isArray(value)) return formatArray(path, value, meta, mode, depth);
  if (isObject(value)) return formatObject(path, value, meta, mode, depth);
  return String(value);
}

function formatText(text: string): string {
  if (text === "") return "(empty text)";
  if (ISO_TIME.test(text)) return formatInstant(text);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
}

/** "2026-11-21 10:26:53 UTC". */
function formatInstant(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  return `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function formatArray(path: string, items: readonly unknown[], meta: Meta, mode: UnitMode, depth: number): string {
  if (items.length === 0) return "(empty list)";
  const nested = items.some((item) => typeof item === "object" && item !== null);
  if (nested && depth > 0) return items.length === 1 ? "1 item" : `${items.length} items`;
  const shown = items.slice(0, MAX_ITEMS).map((item) => formatPlain(path, item, meta, mode, depth + 1));
  const more = items.length - shown.length;
  return shown.join(", ") + (more > 0 ? `, and ${more} more` : "");
}

function formatObject(path: string, value: JsonObject, meta: Meta, mode: UnitMode, depth: number): string {
  const position = mode === "sailor" ? formatPosition(value) : undefined;
  if (position !== undefined) return position;
  const entries = Object.entries(value);
  if (entries.length === 0) return "(empty)";
  if (depth >= MAX_DEPTH) return entries.length === 1 ? "1 entry" : `${entries.length} entries`;
  const shown = entries.slice(0, MAX_ITEMS).map(([name, member]) => {
    const memberMeta: Meta = { ...meta, units: memberUnits(path, name, meta) };
    const text = formatPlain(`${path}.${name}`, member, memberMeta, mode, depth + 1);
    return `${words(name)} ${text}`;
  });
  const more = entries.length - shown.length;
  return shown.join(" · ") + (more > 0 ? ` · and ${more} more` : "");
}

/** Objects that every installation has and whose metadata often lacks the units of the members. */
const wellKnownUnits: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "navigation.attitude": { roll: "rad", pitch: "rad", yaw: "rad" },
  "navigation.position": { latitude: "deg", longitude: "deg", altitude: "m" },
  "environment.current": { drift: "m/s", setTrue: "rad", setMagnetic: "rad" },
};

function memberUnits(path: string, name: string, meta: Meta): string | undefined {
  const wellKnown = Object.hasOwn(wellKnownUnits, path) ? wellKnownUnits[path] : undefined;
  return meta.propertyUnits.get(name) ?? (wellKnown && Object.hasOwn(wellKnown, name) ? wellKnown[name] : undefined);
}

/** Latitude and longitude as on a chart, for any object that has both. */
export function formatPosition(value: JsonObject): string | undefined {
  const latitude = asNumber(value.latitude);
  const longitude = asNumber(value.longitude);
  if (latitude === undefined || longitude === undefined) return undefined;
  const altitude = asNumber(value.altitude);
  const place = `${formatLatitude(latitude)}  ${formatLongitude(longitude)}`;
  return altitude === undefined ? place : `${place} · altitude ${signed(altitude.toFixed(1))} m`;
}

function withUnit(text: string, units: string): string {
  if (units === "") return text;
  return units.startsWith("°") && !units.startsWith("°C") ? text + units : `${text} ${units}`;
}

/** Up to four decimals, without trailing zeros; very large or small numbers stay exact. */
function trimmed(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return String(value);
  return String(Number(value.toFixed(4)));
}

/** "setTrue" reads "set true". */
function words(name: string): string {
  return name.replace(/([a-z\d])([A-Z])/g, (_, before: string, letter: string) => `${before} ${letter.toLowerCase()}`);
}
