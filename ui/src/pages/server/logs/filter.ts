/** Which lines of the log are shown. */
import type { LogLine } from "../../../state/logs";

export const levels = ["all", "info", "warn", "error"] as const;
export type Shown = (typeof levels)[number];

export const levelLabels: Readonly<Record<Shown, string>> = {
  all: "Everything",
  info: "News and worse",
  warn: "Warnings and errors",
  error: "Errors",
};

const ranks: Readonly<Record<string, number>> = { TRACE: 0, DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3 };
const least: Readonly<Record<Shown, number>> = { all: 0, info: 1, warn: 2, error: 3 };

/** Lines of at least a level that have all words of the search, in any order and case. */
export function filterLines(lines: readonly LogLine[], shown: Shown, search: string): readonly LogLine[] {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (shown === "all" && words.length === 0) return lines;
  return lines.filter((line) => {
    const rank = line.isError ? 3 : (ranks[line.level ?? "INFO"] ?? 1);
    if (rank < least[shown]) return false;
    const text = line.text.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The lines as a file. */
export function logText(lines: readonly LogLine[]): string {
  return lines.map(({ time, text }) => `${time} ${text}\n`).join("");
}

/** `windlass-log-2026-05-01T12-30.txt` */
export function logName(now: Date): string {
  return `windlass-log-${now.toISOString().slice(0, 16).replace(":", "-")}.txt`;
}

/** The patterns of a `DEBUG` value, each once. */
export function patternsOf(debug: string): string[] {
  return [...new Set(debug.split(/[\s,]+/).filter((word) => word !== ""))];
}
