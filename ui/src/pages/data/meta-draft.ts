import { isObject, type JsonObject } from "../../signalk/frames";
import type { Meta, Zone } from "../../signalk/vessel-model";
import type { Unit } from "../../units/use-unit";

/** Metadata as it is typed into the form: numbers are texts, in the unit of the person. */
export interface MetaDraft {
  displayName: string;
  description: string;
  /** Seconds; empty: as for every other path. */
  timeout: string;
  zones: readonly ZoneDraft[];
  /** States that make a sound. */
  sounds: readonly string[];
}

export interface ZoneDraft {
  /** Stays the same while the zone is edited and moved. */
  key: number;
  state: string;
  lower: string;
  upper: string;
  message: string;
  /** What the server has: bounds that are not touched stay exactly as they are, and so does what this page does not know. */
  saved: JsonObject;
}

/** States that people want to be told of. */
export const alarmStates = ["alert", "warn", "alarm", "emergency"] as const;

/** The unit for the form: SI where a bound would not come back from the unit of the person as it was, as of a full circle. */
export function editorUnit(unit: Unit, meta: Meta): Unit {
  const bounds = meta.zones.flatMap(({ lower, upper }) => [lower, upper]).filter((bound) => bound !== undefined);
  const comesBack = (bound: number) => Math.abs(unit.toSi(unit.convert(bound)) - bound) <= 1e-6 * Math.max(1, Math.abs(bound));
  if (bounds.every(comesBack)) return unit;
  return { ...unit, symbol: meta.units ?? "", convert: (si) => si, toSi: (si) => si };
}

export function draftOf(meta: Meta, unit: Unit): MetaDraft {
  const saved = Array.isArray(meta.raw.zones) ? meta.raw.zones.filter(isObject) : [];
  return {
    displayName: meta.displayName ?? "",
    description: meta.description ?? "",
    timeout: meta.timeout === undefined ? "" : String(meta.timeout),
    zones: meta.zones.map((zone, key) => ({
      key,
      state: zone.state,
      lower: shown(zone.lower, unit),
      upper: shown(zone.upper, unit),
      message: zone.message,
      saved: saved[key] ?? {},
    })),
    sounds: alarmStates.filter((state) => methods(meta, state)?.includes("sound")),
  };
}

/** The zones that a draft stands for, SI; bounds that are no numbers count as open. */
export function zonesOf(draft: MetaDraft, unit: Unit): Zone[] {
  return draft.zones.map((zone) => ({
    lower: bound(zone, "lower", unit),
    upper: bound(zone, "upper", unit),
    state: zone.state,
    message: zone.message.trim(),
  }));
}

/** What is wrong with a zone, for the person who types; undefined when nothing is. */
export function problemOf(zone: ZoneDraft): string | undefined {
  const [lower, upper] = [parseNumber(zone.lower), parseNumber(zone.upper)];
  if (Number.isNaN(lower) || Number.isNaN(upper)) return "From and to are numbers, such as 3.5. Leave one empty for no limit.";
  if (lower === undefined && upper === undefined) return "Say from where, or up to where, this zone goes.";
  if (lower !== undefined && upper !== undefined && lower >= upper) return "From has to be less than to.";
  return undefined;
}

/** What is wrong with the timeout. */
export function timeoutProblem({ timeout }: MetaDraft): string | undefined {
  const seconds = parseNumber(timeout);
  return seconds === undefined || seconds >= 0 ? undefined : "Seconds, such as 30; 0 for a value that never grows old.";
}

export function isFaulty(draft: MetaDraft): boolean {
  return timeoutProblem(draft) !== undefined || draft.zones.some((zone) => problemOf(zone) !== undefined);
}

/** The fields of the metadata that saving changes, in the order in which to send them: how an alarm sounds comes before it is raised. */
export function changesOf(draft: MetaDraft, meta: Meta, unit: Unit): [string, unknown][] {
  const before = draftOf(meta, unit);
  const changes: [string, unknown][] = [];
  for (const key of ["displayName", "description"] as const) {
    if (draft[key] !== before[key]) changes.push([key, draft[key].trim() === "" ? null : draft[key].trim()]);
  }
  if (parseNumber(draft.timeout) !== parseNumber(before.timeout)) changes.push(["timeout", parseNumber(draft.timeout) ?? null]);
  for (const state of alarmStates) {
    const sounds = draft.sounds.includes(state);
    if (sounds !== before.sounds.includes(state)) changes.push([`${state}Method`, sounds ? ["visual", "sound"] : ["visual"]]);
  }
  const zones = savedZones(draft, unit);
  if (JSON.stringify(zones) !== JSON.stringify(savedZones(before, unit))) changes.push(["zones", zones]);
  return changes;
}

function savedZones(draft: MetaDraft, unit: Unit): JsonObject[] {
  const zones = zonesOf(draft, unit);
  return draft.zones.map(({ saved }, index) => {
    const { lower, upper, state, message } = zones[index] as Zone;
    const { lower: _lower, upper: _upper, message: _message, ...rest } = saved;
    return {
      ...rest,
      state,
      ...(lower === undefined ? {} : { lower }),
      ...(upper === undefined ? {} : { upper }),
      ...(message === "" ? {} : { message }),
    };
  });
}

function methods(meta: Meta, state: string): unknown[] | undefined {
  const value = meta.raw[`${state}Method`];
  return Array.isArray(value) ? value : undefined;
}

function bound(zone: ZoneDraft, end: "lower" | "upper", unit: Unit): number | undefined {
  const saved = zone.saved[end];
  if (typeof saved === "number" && zone[end] === shown(saved, unit)) return saved;
  const number = parseNumber(zone[end]);
  return number === undefined || Number.isNaN(number) ? undefined : unit.toSi(number);
}

function shown(si: number | undefined, unit: Unit): string {
  return si === undefined ? "" : String(Number(unit.convert(si).toPrecision(6)));
}

/** Undefined when empty; NaN for what is no number. */
function parseNumber(text: string): number | undefined {
  const trimmed = text.trim().replace(",", ".").replace("\u2212", "-");
  return trimmed === "" ? undefined : Number(trimmed);
}
