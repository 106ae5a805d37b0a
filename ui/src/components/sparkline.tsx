import { memo } from "react";

const WIDTH = 100;
const HEIGHT = 28;

/** A line through the values from the oldest at the left to the newest at the right, on a scale from 0. */
export const Sparkline = memo(function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  if (values.length < 2) return null;
  const line = sparklinePoints(values, WIDTH, HEIGHT);
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
      <polyline points={line} />
    </svg>
  );
});

/** SVG points of `values`; a margin of one unit keeps the line inside the box. */
export function sparklinePoints(values: readonly number[], width: number, height: number): string {
  const top = Math.max(...values, Number.MIN_VALUE);
  const step = width / (values.length - 1);
  return values
    .map((value, index) => {
      const y = height - 1 - (Math.max(0, value) / top) * (height - 2);
      return `${round(index * step)},${round(y)}`;
    })
    .join(" ");
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
