import { NOTIFICATIONS } from "./signalk/notifications";
import type { PathRow } from "./signalk/vessel-model";

export interface ValueGroup {
  name: string;
  rows: readonly PathRow[];
}

/** What changes under way comes first, facts that never change come last, the rest by name between them. */
const first = ["navigation", "environment"];
const last = ["vessel", "communication", "design", "registrations"];

/** Rows that match the filter, by group; notifications are left out, they have their own section. */
export function groupRows(rows: readonly PathRow[], filter: string): ValueGroup[] {
  const matches = matcher(filter);
  const groups = new Map<string, PathRow[]>();
  for (const row of rows) {
    if (row.group === NOTIFICATIONS || !matches(row)) continue;
    const group = groups.get(row.group);
    if (group === undefined) groups.set(row.group, [row]);
    else group.push(row);
  }
  return [...groups]
    .map(([name, members]) => ({ name, rows: members }))
    .sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
}

function rank(group: string): number {
  if (first.includes(group)) return first.indexOf(group) - first.length;
  return last.indexOf(group) + 1;
}

/** A row matches when path, sources, description and display name together contain every word, in any case. */
export function matcher(filter: string): (row: PathRow) => boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return () => true;
  return (row) => {
    const text = [row.path, row.meta.displayName, row.meta.description, ...row.readings.map((r) => r.source)]
      .join(" ")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  };
}
