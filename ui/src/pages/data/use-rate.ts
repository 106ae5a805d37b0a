import { useRef } from "react";
import { useTimed } from "../../state/hooks";
import { formatRate, RateMeter } from "./rate";

/** How often `count` goes up, as text, looked at once a second. With a `limit`, more can't be seen. */
export function useRate(count: number, limit?: number): string {
  const meter = useRef<RateMeter>(undefined);
  meter.current ??= new RateMeter();
  const { current } = meter;
  const latest = useRef(count);
  latest.current = count;
  return useTimed((now) => formatRate(current.look(now, latest.current), limit));
}
