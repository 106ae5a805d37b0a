import { useMemo } from "react";
import { formatIn, type DisplayUnit } from "../../../units/convert";
import { NOTHING } from "../../../units/format";
import { unitCategories } from "../../../units/preferences";
import { unitOfPath, useUnitPreferences, type Unit } from "../../../units/use-unit";
import { usePath, type PathView } from "../../../state/hooks";
import { labelOf } from "../model/labels";
import type { WidgetSettings } from "../model/types";

/** What a widget of one path shows. */
export interface WidgetValue extends PathView {
  title: string;
  unit: Unit;
  /** The value when it is a number, SI. */
  number: number | undefined;
}

/** The path of a widget with its unit, decimals and title as they are set. */
export function useWidgetValue(settings: WidgetSettings): WidgetValue {
  const path = settings.path ?? "";
  const view = usePath(path, { source: settings.source });
  const unit = useWidgetUnit(path, view.meta.units, settings);
  const number = typeof view.value === "number" && Number.isFinite(view.value) ? view.value : undefined;
  return { ...view, unit, number, title: settings.title ?? labelOf(path, view.meta.displayName) };
}

/** The unit of a path: that of the widget, else what the person prefers. */
export function useWidgetUnit(path: string, siUnit: string | undefined, { unit, decimals }: WidgetSettings): Unit {
  const preferences = useUnitPreferences();
  return useMemo(() => widgetUnit(unitOfPath(preferences, path, siUnit), unit, decimals), [preferences, path, siUnit, unit, decimals]);
}

/** A unit with another one of the same category, or other decimals, in its place. */
export function widgetUnit(base: Unit, name: string | undefined, decimals: number | undefined): Unit {
  const units: Readonly<Record<string, DisplayUnit>> = base.category === undefined ? {} : unitCategories[base.category].units;
  const own = name !== undefined && Object.hasOwn(units, name) ? units[name] : undefined;
  if (own === undefined && decimals === undefined) return base;
  const places = decimals ?? own?.decimals ?? base.decimals;
  const isCompass = own === undefined && base.symbol === "°" && base.format(0) === "000";
  const unit = {
    symbol: own?.symbol ?? base.symbol,
    decimals: places,
    fromSi: own?.fromSi ?? base.convert,
    toSi: own?.toSi ?? base.toSi,
    ...(isCompass ? { compass: true as const } : {}),
  };
  return {
    symbol: unit.symbol,
    decimals: places,
    category: base.category,
    convert: unit.fromSi,
    toSi: unit.toSi,
    format: (si) => (typeof si !== "number" || !Number.isFinite(si) ? NOTHING : formatIn(unit, si)),
  };
}
