import type { Limit } from "../../../api/plugins";
import { formatBytes, formatCount, formatRate, formatShare } from "./costs";

/** One limit as it is shown. */
export interface LimitRow {
  name: string;
  title: string;
  /** What happens when it wants more. */
  hint: string;
  used: string;
  limit: string;
  /** 0 to 1; how full the bar is. */
  part: number;
  exceeded: number;
}

interface Kind {
  title: string;
  hint: string;
  format: (value: number) => string;
}

const milliseconds = (value: number) => {
  if (value >= 1_000) return `${Number((value / 1_000).toFixed(1))} s`;
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ms`;
};

const kinds: Readonly<Record<string, Kind>> = {
  cpuShare: { title: "Processor, of one core", hint: "It is slowed down", format: formatShare },
  memoryBytes: { title: "Memory", hint: "It crashes and is started again", format: formatBytes },
  callMs: { title: "Longest call", hint: "The call is ended, and the plugin started again", format: milliseconds },
  emittedDeltasPerSecond: { title: "Deltas it sends in a second", hint: "Further ones are dropped", format: formatRate },
  fileBytes: { title: "Its files", hint: "Writing fails", format: formatBytes },
  files: { title: "Number of its files", hint: "No more are made", format: formatCount },
  answerBytes: { title: "Largest answer", hint: "The request fails", format: formatBytes },
  sockets: { title: "Open connections", hint: "No more are opened", format: formatCount },
  fetchesPerMinute: { title: "Requests over the network in a minute", hint: "Further ones fail", format: formatCount },
  logLinesPerSecond: { title: "Lines it logs in a second", hint: "Further ones are dropped", format: formatCount },
  tableElements: { title: "Table entries of its module", hint: "It gets no more", format: formatCount },
};

/** The limits in an order that puts first what matters most; what this page does not know comes last. */
export function limitRows(limits: Readonly<Record<string, Limit>>): LimitRow[] {
  const order = Object.keys(kinds);
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return Object.entries(limits)
    .sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b))
    .map(([name, { limit, used, exceeded }]) => {
      const { title, hint, format } = kinds[name] ?? { title: name, hint: "", format: formatCount };
      // Calls have a deadline by kind; the shortest is the one that a plugin meets first.
      const most = typeof limit === "number" ? limit : Math.max(...Object.values(limit).map(Number));
      const part = most > 0 ? Math.min(1, used / most) : 0;
      return { name, title, hint, used: format(used), limit: format(most), part, exceeded };
    });
}
