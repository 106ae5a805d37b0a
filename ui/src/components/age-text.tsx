import { formatAge, freshness } from "../signalk/age";
import type { PathRow, Reading } from "../signalk/vessel-model";
import { useTimed } from "../state/hooks";

/** How old a reading is, ticking, with its freshness as a colour and as a word for those who can't see it. */
export function AgeText({ row, reading }: { row: PathRow; reading: Reading }) {
  const text = useTimed((now) => formatAge(now - reading.asOf));
  const fresh = useTimed((now) => freshness(row, now - reading.asOf));
  return (
    <span className="age" data-freshness={fresh} title={timeTitle(reading)}>
      {text}
    </span>
  );
}

function timeTitle(reading: Reading): string | undefined {
  return reading.timestamp === undefined ? undefined : `Time of the value: ${new Date(reading.timestamp).toISOString()}`;
}
