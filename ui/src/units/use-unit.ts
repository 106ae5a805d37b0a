import { useMemo } from "react";
import { formatDuration } from "../signalk/age";
import { useLive, useMeta, useStore } from "../state/hooks";
import { displayUnit, formatIn, type DisplayUnit } from "./convert";
import { NOTHING, type Formatted } from "./format";
import { categoryOf, unitOf, type CategoryId, type UnitPreferences } from "./preferences";

/** How values of a path are shown to whoever sits here. */
export interface Unit {
  /** `kn`; empty for a number without a unit. */
  symbol: string;
  decimals: number;
  category: CategoryId | undefined;
  /** From SI to what is shown. */
  convert(si: number): number;
  /** From what is shown, as typed into a form, to SI. */
  toSi(shown: number): number;
  /** The number alone: `6.3`, `045`, `—` for anything that is no number. */
  format(si: unknown): string;
}

/** The unit of a path, by the preferences of the person. `siUnit` is what its metadata says. */
export function unitOfPath(preferences: UnitPreferences, path: string, siUnit: string | undefined): Unit {
  const category = categoryOf(path, siUnit);
  const display: DisplayUnit | undefined =
    category === undefined ? displayUnit(path, siUnit, 0) : unitOf(preferences, category);
  const decimals = display?.decimals ?? 2;
  const unit = display ?? plain(siUnit ?? "");
  return {
    symbol: unit.symbol,
    decimals,
    category,
    convert: unit.fromSi,
    toSi: unit.toSi,
    format: (si) => (typeof si !== "number" || !Number.isFinite(si) ? NOTHING : formatIn(unit, si)),
  };
}

/** The unit preferences in force. */
export function useUnitPreferences(): UnitPreferences {
  return useStore(useLive().units);
}

/** The unit in which a path is shown. Subscribes to the path for its metadata. */
export function useUnit(path: string, context?: string): Unit {
  const preferences = useUnitPreferences();
  const { units } = useMeta(path, context);
  return useMemo(() => unitOfPath(preferences, path, units), [preferences, path, units]);
}

/** Number and unit of a value for the screen; durations in words. */
export function formatWith(unit: Unit, siUnit: string | undefined, value: unknown): Formatted {
  if (siUnit === "s" && typeof value === "number" && value >= 120) return { text: formatDuration(value), units: "" };
  return { text: unit.format(value), units: unit.symbol };
}

function plain(symbol: string): DisplayUnit {
  return { symbol, decimals: 2, fromSi: (value) => value, toSi: (value) => value };
}
