/** What the charts of the last quarter of an hour show. */
import type { PerformanceSample } from "../../../api/server";

export interface Line {
  label: string;
  /** What it is, for somebody who has never seen it. */
  meaning: string;
  of: (sample: PerformanceSample) => number | undefined;
}

export interface ChartInfo {
  key: string;
  title: string;
  unit: string;
  decimals: number;
  /** Two at most: they differ in their dashes too. */
  lines: readonly [Line] | readonly [Line, Line];
  /** The scale reaches at least to here, so that noise does not fill it. */
  atLeast: number;
}

const percent = (share: number | undefined) => (share === undefined ? undefined : share * 100);
const megabytes = (bytes: number | undefined) => (bytes === undefined ? undefined : bytes / 1e6);

export const charts: readonly ChartInfo[] = [
  {
    key: "throughput",
    title: "Throughput",
    unit: "a second",
    decimals: 0,
    atLeast: 10,
    lines: [
      { label: "Deltas in", meaning: "what instruments, plugins and apps tell the server", of: (s) => s.deltasPerSecond },
      { label: "Frames out", meaning: "what is sent to displays and apps", of: (s) => s.framesPerSecond },
    ],
  },
  {
    key: "waiting",
    title: "Mailbox of the broker",
    unit: "batches",
    decimals: 0,
    atLeast: 8,
    lines: [{ label: "Waiting", meaning: "the most that waited to be passed on; 128 is full", of: (s) => s.mostWaiting }],
  },
  {
    key: "stalls",
    title: "Longest stall",
    unit: "ms",
    decimals: 0,
    atLeast: 100,
    lines: [
      { label: "Any thread", meaning: "how long a part of the server did not get the processor", of: (s) => s.longestStall },
      { label: "Longest work", meaning: "the longest time that one message took", of: (s) => s.longestHandler },
    ],
  },
  {
    key: "drops",
    title: "Drops",
    unit: "in 5 s",
    decimals: 0,
    atLeast: 5,
    lines: [
      { label: "Dropped", meaning: "data that was lost because too much came; should be zero", of: (s) => s.dropped },
      { label: "Skipped", meaning: "values that slow displays did not get because newer ones had come", of: (s) => s.conflated },
    ],
  },
  {
    key: "cpu",
    title: "Processor",
    unit: "% of one core",
    decimals: 0,
    atLeast: 20,
    lines: [
      { label: "Server", meaning: "everything it does, plugins too", of: (s) => percent(s.cpu) },
      { label: "Broker", meaning: "the part that passes data on; at 100 it can't do more", of: (s) => percent(s.brokerBusy) },
    ],
  },
  {
    key: "memory",
    title: "Memory",
    unit: "MB",
    decimals: 0,
    atLeast: 50,
    lines: [
      { label: "In use", meaning: "with the program itself", of: (s) => megabytes(s.residentBytes) },
      { label: "Own data", meaning: "what it has asked for; should not grow for days", of: (s) => megabytes(s.anonymousBytes) },
    ],
  },
];

/** Times in seconds and the values of each line: what the chart draws. */
export function columnsOf(info: ChartInfo, samples: readonly PerformanceSample[]): [number[], ...(number | null)[][]] {
  const times: number[] = [];
  const values: (number | null)[][] = info.lines.map(() => []);
  for (const sample of samples) {
    const time = Date.parse(sample.at) / 1000;
    if (!Number.isFinite(time)) continue;
    times.push(time);
    info.lines.forEach((line, index) => values[index]?.push(line.of(sample) ?? null));
  }
  return [times, ...values];
}

/** The last value and the greatest, in words: for the legend, and for who can't see the line. */
export function summaryOf(line: Line, samples: readonly PerformanceSample[], decimals: number): { now: string; most: string } {
  const values = samples.flatMap((sample) => line.of(sample) ?? []);
  const last = values.at(-1);
  if (last === undefined) return { now: "—", most: "—" };
  const text = (value: number) => Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? Math.max(decimals, 1) : decimals);
  return { now: text(last), most: text(Math.max(...values)) };
}
