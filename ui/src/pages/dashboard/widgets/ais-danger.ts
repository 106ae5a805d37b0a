import type { AisTarget } from "../../../state/ais";

/** Closer than this is close, m, … */
const CLOSE = 1_852;
/** … when it is sooner than this, s. */
const SOON = 30 * 60;

/** Whether a vessel under way will come close soon. */
export function isClose({ approach, speedOverGround }: AisTarget): boolean {
  if (approach?.tcpa === undefined || (speedOverGround ?? 0) < 0.2) return false;
  return approach.tcpa > 0 && approach.tcpa < SOON && approach.cpa < CLOSE;
}

/** Those that come close first, the soonest of them at the top; then by distance. */
export function byDanger(targets: readonly AisTarget[]): AisTarget[] {
  return [...targets].sort((a, b) => {
    const close = Number(isClose(b)) - Number(isClose(a));
    if (close !== 0) return close;
    if (isClose(a)) return (a.approach?.tcpa ?? 0) - (b.approach?.tcpa ?? 0);
    return (a.approach?.distance ?? Number.POSITIVE_INFINITY) - (b.approach?.distance ?? Number.POSITIVE_INFINITY);
  });
}

/** What to call a target on the radio, or at least to tell it from others. */
export function nameOf({ name, callsign, mmsi, context }: AisTarget): string {
  return name ?? callsign ?? (mmsi === undefined ? context.slice(context.indexOf(".") + 1) : `MMSI ${mmsi}`);
}
