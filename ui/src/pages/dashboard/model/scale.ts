/** The scale of gauges and bars, and what zones say about a value. Everything SI. */
import { asNumber, isObject } from "../../../signalk/frames";
import type { Meta, Zone } from "../../../signalk/vessel-model";
import type { Tone } from "../../../components/state-badge";
import type { WidgetSettings } from "./types";

export interface Scale {
  min: number;
  max: number;
}

/** Usual ranges by path and SI unit; the first that fits. */
const usual: readonly { units: string; path: RegExp; scale: Scale }[] = [
  { units: "m/s", path: /wind/i, scale: { min: 0, max: 20.5778 } },
  { units: "m/s", path: /./, scale: { min: 0, max: 7.7167 } },
  { units: "m", path: /depth|below/i, scale: { min: 0, max: 50 } },
  { units: "V", path: /./, scale: { min: 10, max: 15 } },
  { units: "A", path: /./, scale: { min: -50, max: 50 } },
  { units: "ratio", path: /./, scale: { min: 0, max: 1 } },
  { units: "Hz", path: /./, scale: { min: 0, max: 4000 / 60 } },
  { units: "K", path: /propulsion/, scale: { min: 273.15, max: 393.15 } },
  { units: "K", path: /./, scale: { min: 263.15, max: 313.15 } },
  { units: "Pa", path: /^environment/, scale: { min: 96_000, max: 105_000 } },
  { units: "Pa", path: /./, scale: { min: 0, max: 600_000 } },
  { units: "rad", path: /rudder/i, scale: { min: -0.7854, max: 0.7854 } },
  { units: "rad", path: /roll|pitch|angle/i, scale: { min: -Math.PI, max: Math.PI } },
  { units: "rad", path: /./, scale: { min: 0, max: 2 * Math.PI } },
];

/**
 * From the settings; else what the metadata says (`displayScale`); else what holds the zones; else what is usual for
 * the quantity; else the value itself, rounded up.
 */
export function scaleOf(path: string, meta: Meta, settings: WidgetSettings, value: number | undefined): Scale {
  const display = isObject(meta.raw.displayScale) ? meta.raw.displayScale : {};
  const known = usual.find((rule) => rule.units === meta.units && rule.path.test(path))?.scale;
  const edges = meta.zones.flatMap((zone) => [zone.lower, zone.upper]).filter((edge) => edge !== undefined);
  const [low, high] = [Math.min(...edges), Math.max(...edges)];
  const ofZones = edges.length >= 2 && high > low ? { min: Math.min(low, known?.min ?? low), max: high + (high - low) * 0.25 } : undefined;
  const base = ofZones ?? known ?? { min: 0 - roundUp(-(value ?? 0)), max: roundUp(Math.max(value ?? 0, 1)) };
  const min = settings.min ?? asNumber(display.lower) ?? base.min;
  const max = settings.max ?? asNumber(display.upper) ?? base.max;
  return max > min ? { min, max } : { min, max: min + 1 };
}

/** How far a value is along the scale, 0 to 1; at its ends beyond it. */
export function shareOf({ min, max }: Scale, value: number): number {
  return Math.min(1, Math.max(0, (value - min) / (max - min)));
}

/** The zone a value is in: of several the first (signalk-v1 §7.2). Zones without limits hold for every value. */
export function zoneOf(zones: readonly Zone[], value: unknown): Zone | undefined {
  const number = asNumber(value);
  if (number === undefined) return undefined;
  return zones.find((zone) => (zone.lower === undefined || number >= zone.lower) && (zone.upper === undefined || number < zone.upper));
}

/** The colour of a zone or notification state. */
export function toneOfState(state: string): Tone {
  if (state === "emergency") return "severe";
  if (state === "alarm") return "bad";
  if (state === "warn" || state === "alert") return "caution";
  return state === "nominal" || state === "normal" ? "good" : "plain";
}

/** Parts of the scale that zones colour, as shares of it. */
export function zoneSpans(scale: Scale, zones: readonly Zone[]): { from: number; to: number; tone: Tone }[] {
  return zones.flatMap((zone) => {
    const from = zone.lower === undefined ? 0 : shareOf(scale, zone.lower);
    const to = zone.upper === undefined ? 1 : shareOf(scale, zone.upper);
    return to > from ? [{ from, to, tone: toneOfState(zone.state) }] : [];
  });
}

/** 1, 2, 5, 10, 20 …: the next one that is not below. 0 for what is not above 0. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value * (1 - 1e-9)) ?? 10;
  return step * power;
}
