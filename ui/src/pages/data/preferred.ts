import { isObject } from "../../signalk/frames";
import type { PathRow, Reading } from "../../signalk/vessel-model";

/**
 * The reading to show first: that of the source that the server prefers for the path, by what it says in its event
 * LIVEPREFERREDSOURCES; without a preference the last that came. `isPreferred` tells which it is.
 */
export function shownReading(row: PathRow, preferred: unknown): { reading: Reading; isPreferred: boolean } {
  const source = isObject(preferred) ? preferred[row.path] : undefined;
  const reading = row.readings.length < 2 ? undefined : row.readings.find((one) => one.source === source);
  return reading === undefined ? { reading: row.latest, isPreferred: false } : { reading, isPreferred: true };
}
