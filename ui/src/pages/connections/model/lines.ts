import type { LastLine } from "../../../api/connections";

/** Lines that the page keeps. */
export const KEPT_LINES = 200;

export interface SeenLine extends LastLine {
  /** Counts up. */
  number: number;
  /** Lines before this one went by unseen. */
  gap: boolean;
}

/** What has been seen, with the server's window of the last lines added: each line once, the oldest first. */
export function addLines(seen: readonly SeenLine[], window: readonly LastLine[]): readonly SeenLine[] {
  const overlap = overlapOf(seen, window);
  if (overlap === window.length) return seen;
  let number = seen.at(-1)?.number ?? 0;
  const fresh = window.slice(overlap).map((line, index): SeenLine => {
    number += 1;
    return { ...line, number, gap: index === 0 && overlap === 0 && seen.length > 0 };
  });
  return [...seen, ...fresh].slice(-KEPT_LINES);
}

/** How many lines at the end of the one are those at the beginning of the other. */
function overlapOf(seen: readonly LastLine[], window: readonly LastLine[]): number {
  for (let count = Math.min(seen.length, window.length); count > 0; count -= 1) {
    const start = seen.length - count;
    if (window.slice(0, count).every((line, index) => isSame(line, seen[start + index]))) return count;
  }
  return 0;
}

function isSame(one: LastLine, other: LastLine | undefined): boolean {
  return other !== undefined && one.at === other.at && one.line === other.line;
}
