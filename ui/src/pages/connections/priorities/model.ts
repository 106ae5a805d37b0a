import type { Priorities, PriorityGroup, ReconciledGroup, SourcePriority } from "../../../api/sources";

/** All that the page changes, together. */
export interface Draft {
  priorities: Priorities;
  /** What people call the sources. */
  aliases: Readonly<Record<string, string>>;
}

/** ms that a source may be silent before the next one of its group speaks, unless something else is set (signalk-v1 §9). */
export const FALLBACK = 15_000;
/** An override that lets every source pass. */
const EVERYBODY = "*";

/** How one path is judged, apart from its group. */
export type Rule = { mode: "everybody" } | { mode: "ranked"; sources: readonly RankedSource[] };

export interface RankedSource {
  source: string;
  /** Seconds of silence of the better ones after which it speaks. */
  seconds: number;
  /** It never speaks. */
  never: boolean;
}

/** Moves an entry to another place of its list. */
export function move<T>(list: readonly T[], from: number, to: number): T[] {
  const moved = [...list];
  const [entry] = moved.splice(from, 1);
  if (entry !== undefined) moved.splice(Math.max(0, Math.min(to, moved.length)), 0, entry);
  return moved;
}

/** At which place among others something is that lies at a height of the screen: below those whose middle is above it. */
export function placeAt(others: readonly { top: number; bottom: number }[], height: number): number {
  return others.filter(({ top, bottom }) => (top + bottom) / 2 < height).length;
}

/** Changes a group, by its place: its name may be that of another one while it is typed. */
export function changeGroup(draft: Draft, at: number, change: (group: PriorityGroup) => PriorityGroup): Draft {
  const groups = draft.priorities.groups.map((group, index) => (index === at ? change(group) : group));
  return { ...draft, priorities: { ...draft.priorities, groups } };
}

export function removeGroup(draft: Draft, at: number): Draft {
  const groups = draft.priorities.groups.filter((_, index) => index !== at);
  return { ...draft, priorities: { ...draft.priorities, groups } };
}

/** Makes a group of what was suggested. Sources that are in another group stay there: a source may be in one only. */
export function addGroup(draft: Draft, suggestion: ReconciledGroup): Draft {
  const taken = new Set(draft.priorities.groups.filter(({ inactive }) => inactive !== true).flatMap(({ sources }) => sources));
  const names = draft.priorities.groups.map(({ id }) => id);
  const group: PriorityGroup = {
    id: freeName(nameFor(suggestion.paths), names),
    sources: suggestion.sources.filter((source) => !taken.has(source)),
  };
  return { ...draft, priorities: { ...draft.priorities, groups: [...draft.priorities.groups, group] } };
}

/** Groups that could be made, and sources that could join one: what is not in the draft yet. */
export function suggestions(draft: Draft, found: readonly ReconciledGroup[]): { groups: ReconciledGroup[]; newcomers: Map<string, string[]> } {
  const groups: ReconciledGroup[] = [];
  const newcomers = new Map<string, string[]>();
  const all = draft.priorities.groups;
  for (const one of found) {
    const home = all.find(({ sources }) => sources.some((source) => one.sources.includes(source)));
    if (home === undefined) {
      groups.push(one);
      continue;
    }
    const missing = one.sources.filter((source) => !all.some(({ sources }) => sources.includes(source)));
    if (missing.length > 0) newcomers.set(home.id, [...(newcomers.get(home.id) ?? []), ...missing]);
  }
  return { groups, newcomers };
}

/** What sources that share these paths are about. */
export function nameFor(paths: readonly string[]): string {
  const has = (part: string) => paths.some((path) => path.includes(part));
  if (has("navigation.position")) return "Position";
  if (has("environment.wind")) return "Wind";
  if (has("environment.depth")) return "Depth";
  if (has("navigation.heading")) return "Heading";
  if (has("navigation.attitude")) return "Attitude";
  if (has("speedThroughWater")) return "Log";
  const last = paths[0]?.split(".").at(-1);
  return last === undefined ? "Group" : last.charAt(0).toUpperCase() + last.slice(1);
}

export function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  for (let number = 2; ; number += 1) {
    const next = `${name} ${number}`;
    if (!taken.includes(next)) return next;
  }
}

/** The rule that an override is. */
export function ruleOf(entries: readonly SourcePriority[]): Rule {
  if (entries.length === 1 && entries[0]?.sourceRef === EVERYBODY) return { mode: "everybody" };
  return {
    mode: "ranked",
    sources: entries.map(({ sourceRef, timeout }) => {
      const ms = Number(timeout);
      return { source: sourceRef, seconds: ms > 0 ? ms / 1_000 : 0, never: ms < 0 };
    }),
  };
}

/** The override that a rule is. */
export function entriesOf(rule: Rule): SourcePriority[] {
  if (rule.mode === "everybody") return [{ sourceRef: EVERYBODY, timeout: 0 }];
  return rule.sources.map(({ source, seconds, never }) => ({ sourceRef: source, timeout: never ? -1 : Math.round(seconds * 1_000) }));
}

/** A rule to begin with: the sources in the order of the group that they are in, each with the usual time. */
export function newRule(sources: readonly string[], groups: readonly PriorityGroup[], fallback: number): Rule {
  const order = groups.flatMap((group) => group.sources);
  const rank = (source: string) => (order.includes(source) ? order.indexOf(source) : order.length);
  const sorted = [...sources].sort((one, other) => rank(one) - rank(other) || one.localeCompare(other));
  return { mode: "ranked", sources: sorted.map((source, index) => ({ source, seconds: index === 0 ? 0 : fallback / 1_000, never: false })) };
}

/** Sets the rule of a path; without one its group counts. */
export function setRule(draft: Draft, path: string, rule: Rule | undefined): Draft {
  const { [path]: _, ...others } = draft.priorities.overrides;
  const overrides = rule === undefined ? others : { ...draft.priorities.overrides, [path]: entriesOf(rule) };
  return { ...draft, priorities: { ...draft.priorities, overrides } };
}

/** What is wrong with the draft, in words; undefined when it can be saved. */
export function problemOf({ priorities }: Draft): string | undefined {
  const names = new Set<string>();
  for (const { id, sources, inactive } of priorities.groups) {
    if (id.trim() === "") return "A group has no name.";
    if (names.has(id)) return `Two groups are called ${id}.`;
    names.add(id);
    if (inactive === true) continue;
    for (const source of sources) {
      const other = priorities.groups.find((group) => group.id !== id && group.inactive !== true && group.sources.includes(source));
      if (other !== undefined) return `${source} is in the groups ${id} and ${other.id}. Remove it from one of them.`;
    }
  }
  return undefined;
}
