import type { Zone } from "../signalk/vessel-model";
import type { Unit } from "./use-unit";

/** Severity of a zone's state in words that the bar and the lists share. */
export const zoneStates = ["nominal", "normal", "alert", "warn", "alarm", "emergency"] as const;

/** "below 3.0 m", "from 3.0 to 5.0 m", "5.0 m and above": a zone in the unit of whoever reads it. */
export function zoneRange(zone: Zone, unit: Unit): string {
  const { lower, upper } = zone;
  const text = (si: number) => `${unit.format(si)}${unit.symbol === "" ? "" : ` ${unit.symbol}`}`;
  if (lower === undefined && upper === undefined) return "always";
  if (lower === undefined) return `below ${text(upper as number)}`;
  if (upper === undefined) return `${text(lower)} and above`;
  return `from ${text(lower)} to ${text(upper)}`;
}

/** The zone that a value is in: the first that has it (signalk-v1 §7.2). */
export function zoneOf(zones: readonly Zone[], value: unknown): Zone | undefined {
  if (typeof value !== "number") return undefined;
  return zones.find(({ lower, upper }) => (lower === undefined || value >= lower) && (upper === undefined || value < upper));
}

/** A part of the bar that shows zones; `start` and `width` are shares of it, 0 to 1. */
export interface ZoneSpan {
  start: number;
  width: number;
  /** Undefined where there is no zone. */
  zone: Zone | undefined;
}

export interface ZoneScale {
  spans: readonly ZoneSpan[];
  /** Where a value lies, 0 to 1; what is beyond the ends lies at them. */
  at(value: number): number;
}

/** Zones as parts of a bar. Open ends get a tenth of what is between the bounds; undefined when there are no bounds. */
export function zoneScale(zones: readonly Zone[]): ZoneScale | undefined {
  const bounds = [...new Set(zones.flatMap(({ lower, upper }) => [lower, upper]))]
    .filter((bound): bound is number => bound !== undefined)
    .sort((a, b) => a - b);
  const [first, last] = [bounds[0], bounds.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const margin = last > first ? (last - first) / 8 : Math.max(1, Math.abs(first) / 2);
  const edges = [first - margin, ...bounds, last + margin];
  const low = first - margin;
  const range = last + margin - low;
  const at = (value: number) => Math.min(1, Math.max(0, (value - low) / range));
  const spans = edges.slice(0, -1).map((edge, index): ZoneSpan => {
    const end = edges[index + 1] as number;
    return { start: at(edge), width: at(end) - at(edge), zone: zoneOf(zones, (edge + end) / 2) };
  });
  return { spans, at };
}
