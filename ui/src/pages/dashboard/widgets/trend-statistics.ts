import type { TrendPoint } from "../../../state/trends";

export interface TrendStatistics {
  min: number;
  max: number;
  average: number;
}

/** Undefined without points. The average is over time: each value counts until the next one came. */
export function statisticsOf(points: readonly TrendPoint[]): TrendStatistics | undefined {
  const last = points.at(-1);
  if (last === undefined) return undefined;
  let min = last.value;
  let max = last.value;
  let area = 0;
  let time = 0;
  points.forEach(({ time: at, value }, index) => {
    min = Math.min(min, value);
    max = Math.max(max, value);
    const next = points[index + 1];
    if (next === undefined) return;
    area += value * (next.time - at);
    time += next.time - at;
  });
  return { min, max, average: time > 0 ? area / time : last.value };
}
