import type { PathRow, Reading } from "../../signalk/vessel-model";
import { formatValue } from "../../units/format";
import type { UnitPreferences } from "../../units/preferences";
import { formatWith, unitOfPath } from "../../units/use-unit";

/** A value as people read it, and as it came. */
export interface ValueParts {
  text: string;
  units: string;
  /** Exactly as received. */
  si: string;
  /** The same, as short as six digits make it. */
  siShort: string;
  siUnits: string;
  /** A number that is read in another unit than it came in. */
  isConverted: boolean;
}

/** Both ways of writing a value of a path. */
export function partsOf({ path, meta }: Pick<PathRow, "path" | "meta">, value: unknown, preferences: UnitPreferences): ValueParts {
  const si = formatValue(path, value, meta, "si");
  const shown =
    typeof value === "number" && meta.units !== undefined
      ? formatWith(unitOfPath(preferences, path, meta.units), meta.units, value)
      : formatValue(path, value, meta, "sailor");
  return {
    text: shown.text,
    units: shown.units,
    si: si.text,
    siShort: typeof value === "number" ? String(Number(value.toPrecision(6))) : si.text,
    siUnits: si.units,
    isConverted: typeof value === "number" && shown.units !== si.units,
  };
}

/** More than this ago, the time of day says nothing, ms. */
const A_DAY = 86_400_000;

/** "2017-05-03" for a value that was made on another day; empty for one of today. */
export function dateOf({ timestamp, asOf, clockDiffers }: Reading, now: number): string {
  if (timestamp === undefined || (!clockDiffers && now - asOf < A_DAY) || Math.abs(now - timestamp) < A_DAY) return "";
  return new Date(timestamp).toISOString().slice(0, 10);
}
