import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { TrendPoint } from "../../../state/trends";
import { displayMode } from "../../../theme/display";
import { useStore } from "../../../state/hooks";

interface ChartProps {
  points: readonly TrendPoint[];
  convert: (si: number) => number;
  decimals: number;
  label: string;
  /** Of the scale, SI. */
  min: number | undefined;
  max: number | undefined;
}

/** Distances between the times written below, s: none is shorter than what is written can tell apart. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** A line over time; only its data are renewed. */
export default function Chart({ points, convert, decimals, label, min, max }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const data = useRef<UPlot.AlignedData>([[], []]);
  const mode = useStore(displayMode);
  data.current = [points.map((point) => point.time / 1000), points.map((point) => convert(point.value))];
  const low = min === undefined ? undefined : convert(min);
  const high = max === undefined ? undefined : convert(max);

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const chart = new UPlot(optionsFor(element, decimals, low, high), data.current, element);
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize(sizeOf(element)));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = undefined;
    };
    // The colours are those of the mode.
  }, [decimals, low, high, mode]);
  useEffect(() => plot.current?.setData(data.current), [points, convert]);
  return <div ref={box} className="chart" role="img" aria-label={label} />;
}

function optionsFor(element: HTMLElement, decimals: number, low: number | undefined, high: number | undefined): UPlot.Options {
  const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
  const axis: UPlot.Axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  return {
    ...sizeOf(element),
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 28, 0, 0],
    scales: {
      y: {
        range: (_, from, to) => {
          const room = Math.max((to - from) * 0.1, 2 * 10 ** -decimals);
          return [low ?? from - room, high ?? to + room];
        },
      },
    },
    axes: [
      { ...axis, size: 26, space: 80, incrs: STEPS, values: (_, splits) => splits.map(clock) },
      { ...axis, size: 46, space: 32, values: (_, splits) => splits.map((value) => value.toFixed(decimals)) },
    ],
    series: [{}, { stroke: colour("--accent"), width: 2, fill: colour("--accent-soft"), fillTo: (u) => u.scales.y?.min ?? 0, points: { show: false } }],
  };
}

function clock(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (part: number) => String(part).padStart(2, "0");
  const minutes = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return time.getSeconds() === 0 ? minutes : `${minutes}:${two(time.getSeconds())}`;
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: Math.max(80, element.clientWidth), height: Math.max(60, element.clientHeight) };
}
