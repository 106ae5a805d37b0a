import type { PluginLogExcerpt, PluginLogLine } from "../../../api/plugins";

export const levels = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof levels)[number];
export const levelLabels: Readonly<Record<Level, string>> = {
  debug: "Everything",
  info: "Events and problems",
  warn: "Warnings and errors",
  error: "Errors only",
};

/** Lines that the page keeps. */
export const MAX_LINES = 2_000;

export interface PluginLog {
  lines: readonly PluginLogLine[];
  /** Number to ask on from. */
  last: number;
  /** Lines that nobody can show any more. */
  missed: number;
}

export const emptyLog: PluginLog = { lines: [], last: 0, missed: 0 };

/** The log with another excerpt at its end. One that begins anew, after a restart of the server, takes its place. */
export function append(log: PluginLog, { lines, last, missed }: PluginLogExcerpt): PluginLog {
  if (last < log.last) return { lines, last, missed };
  if (lines.length === 0 && missed === 0 && last === log.last) return log;
  const all = [...log.lines, ...lines];
  const excess = Math.max(0, all.length - MAX_LINES);
  return { lines: all.slice(excess), last, missed: log.missed + missed + excess };
}

/** The lines of a level or above. */
export function atLeast(lines: readonly PluginLogLine[], level: Level): readonly PluginLogLine[] {
  if (level === "debug") return lines;
  const rank = (name: string) => levels.indexOf(name as Level);
  return lines.filter((line) => rank(line.level) >= rank(level));
}
