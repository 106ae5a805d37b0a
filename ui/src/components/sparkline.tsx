import { memo, useEffect, useRef } from "react";

export interface SparklineProps {
  /** Oldest first, evenly spaced. */
  values: readonly number[];
  /** What it shows, for those who can't see it. */
  label: string;
  /** The scale reaches down to this at least: 0 where small changes of a rate are nothing to show large. */
  floor?: number;
  width?: number;
  height?: number;
}

/** A small line on its own scale, from the oldest at the left to the newest at the right. Cheap enough for a table. */
export const Sparkline = memo(function Sparkline({ values, label, floor, width = 96, height = 28 }: SparklineProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (element === null || context === null || context === undefined) return;
    const ratio = window.devicePixelRatio || 1;
    element.width = width * ratio;
    element.height = height * ratio;
    context.scale(ratio, ratio);
    context.clearRect(0, 0, width, height);
    context.strokeStyle = getComputedStyle(element).color;
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    context.beginPath();
    for (const [x, y] of sparklineXy(values, width, height, floor)) context.lineTo(x, y);
    context.stroke();
  }, [values, width, height, floor]);
  return <canvas ref={canvas} className="sparkline-canvas" role="img" aria-label={label} style={{ width, height }} />;
});

/** Points in the box with a margin of a pixel; a line in the middle, or at the floor, when all values are the same. */
export function sparklineXy(values: readonly number[], width: number, height: number, floor = Number.POSITIVE_INFINITY): [number, number][] {
  if (values.length < 2) return [];
  let low = floor;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const range = high - low;
  return values.map((value, index) => [
    1 + (index * (width - 2)) / (values.length - 1),
    range === 0 && low !== floor ? height / 2 : height - 1 - ((value - low) / (range || 1)) * (height - 2),
  ]);
}
