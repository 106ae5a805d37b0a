/** A line of the list: a group that opens and closes, or a path. */
export type Item =
  | { kind: "group"; key: string; path: string; label: string; depth: number; count: number; isOpen: boolean }
  | { kind: "path"; key: string; path: string; label: string; depth: number };

/** Each path as a line of its own. */
export function flatItems(paths: readonly string[]): Item[] {
  return paths.map((path) => ({ kind: "path", key: path, path, label: path, depth: 0 }));
}

/**
 * Paths, which are sorted, as a tree: what begins alike is in a group, and groups without a choice are one. What is
 * below a closed group is left out.
 */
export function treeItems(paths: readonly string[], closed: ReadonlySet<string>): Item[] {
  const items: Item[] = [];
  addRange(items, paths, 0, paths.length, 0, 0, closed);
  return items;
}

/** Groups of all depths, to close them all. */
export function groupsOf(paths: readonly string[]): string[] {
  return treeItems(paths, new Set()).flatMap((item) => (item.kind === "group" ? [item.path] : []));
}

/** The paths from `from` to `to` have their first `known` characters in common. */
function addRange(items: Item[], paths: readonly string[], from: number, to: number, known: number, depth: number, closed: ReadonlySet<string>): void {
  for (let index = from; index < to; ) {
    const path = paths[index] as string;
    const end = endOfGroup(paths, index, to, known);
    if (end - index < 2) {
      items.push({ kind: "path", key: path, path, label: path.slice(known), depth });
      index += 1;
      continue;
    }
    const group = commonGroup(path, paths[end - 1] as string);
    const isOpen = !closed.has(group);
    items.push({ kind: "group", key: `${group}.`, path: group, label: group.slice(known), depth, count: end - index, isOpen });
    if (isOpen) addRange(items, paths, index, end, group.length + 1, depth + 1, closed);
    index = end;
  }
}

/** Where the paths end that have their next segment in common with the one at `index`, if it is not their last. */
function endOfGroup(paths: readonly string[], index: number, to: number, known: number): number {
  const path = paths[index] as string;
  const dot = path.indexOf(".", known);
  if (dot < 0) return index + 1;
  const prefix = path.slice(0, dot + 1);
  let end = index + 1;
  while (end < to && (paths[end] as string).startsWith(prefix)) end += 1;
  return end;
}

/** The segments that two paths begin with; of sorted paths that all between them begin with. */
function commonGroup(a: string, b: string): string {
  let end = 0;
  for (let index = 0; index < a.length && a[index] === b[index]; index += 1) if (a[index] === ".") end = index;
  return a.slice(0, end);
}
