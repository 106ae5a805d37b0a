/** Talkers that are one source together, by the name of the group. */
export type TalkerGroups = Record<string, readonly string[]>;

/** A group a line: `gnss: GP, GL`. */
export function formatGroups(groups: TalkerGroups): string {
  return Object.entries(groups)
    .map(([name, talkers]) => `${name}: ${Array.isArray(talkers) ? talkers.join(", ") : String(talkers)}`)
    .join("\n");
}

/** Undefined when a line is no group. */
export function parseGroups(text: string): TalkerGroups | undefined {
  const groups: TalkerGroups = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const [, name, rest] = /^\s*([\w-]+)\s*:(.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) return undefined;
    const talkers = rest.split(/[\s,]+/).filter(Boolean);
    if (talkers.length === 0) return undefined;
    groups[name] = talkers;
  }
  return groups;
}
