import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { PerformanceSample } from "../../../api/server";
import { useStore } from "../../../state/hooks";
import { displayMode } from "../../../theme/display";
import { columnsOf, summaryOf, type ChartInfo } from "./charts";

/** A quarter of an hour, s. */
const SPAN = 15 * 60;

/** Lines over the last quarter of an hour, with a legend in words; only the data are renewed. */
export function TimeChart({ info, samples }: { info: ChartInfo; samples: readonly PerformanceSample[] }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const data = useRef<UPlot.AlignedData>([[]]);
  const mode = useStore(displayMode);
  data.current = columnsOf(info, samples) as UPlot.AlignedData;

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const chart = new UPlot(optionsFor(element, info), data.current, element);
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize(sizeOf(element)));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = undefined;
    };
    // The colours are those of the mode.
  }, [info, mode]);
  useEffect(() => plot.current?.setData(data.current), [samples]);

  const summaries = info.lines.map((line) => ({ line, ...summaryOf(line, samples, info.decimals) }));
  const words = summaries.map(({ line, now, most }) => `${line.label} ${now}, at most ${most}`).join("; ");
  return (
    <section className="page-card time-chart" aria-labelledby={`chart-${info.key}`} data-testid={`chart-${info.key}`}>
      <h3 id={`chart-${info.key}`}>
        {info.title} <span className="muted">{info.unit}</span>
      </h3>
      <div ref={box} className="time-chart-plot" role="img" aria-label={`${info.title}, ${info.unit}, last 15 minutes: ${words}`} />
      <ul className="time-chart-legend">
        {summaries.map(({ line, now }, index) => (
          <li key={line.label}>
            <svg width="28" height="10" aria-hidden="true">
              <line x1="0" y1="5" x2="28" y2="5" className={`legend-line legend-line-${index}`} />
            </svg>
            <span>
              <strong>{line.label}</strong> <span className="number">{now}</span>
              <span className="muted"> – {line.meaning}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function optionsFor(element: HTMLElement, info: ChartInfo): UPlot.Options {
  const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
  const axis: UPlot.Axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const styles: UPlot.Series[] = [
    { stroke: colour("--accent"), width: 2, fill: colour("--accent-soft"), points: { show: false } },
    { stroke: colour("--caution"), width: 2, dash: [6, 4], points: { show: false } },
  ];
  return {
    ...sizeOf(element),
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: {
      x: { range: (_, from, to) => [Math.min(from, to - SPAN), to] },
      y: { range: (_, __, to) => [0, Math.max(info.atLeast, to * 1.15)] },
    },
    axes: [
      { ...axis, size: 26, space: 70, values: (_, splits) => splits.map(clock) },
      { ...axis, size: 52, space: 32, values: (_, splits) => splits.map((value) => String(value)) },
    ],
    series: [{}, ...styles.slice(0, info.lines.length)],
  };
}

function clock(seconds: number): string {
  const time = new Date(seconds * 1000);
  return `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: Math.max(80, element.clientWidth), height: Math.max(60, element.clientHeight) };
}
