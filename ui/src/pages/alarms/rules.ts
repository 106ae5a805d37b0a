import { isObject, type JsonObject } from "../../signalk/frames";
import { parseMeta, type Meta } from "../../signalk/vessel-model";

/** A path that may raise alarms. */
export interface Rule {
  path: string;
  meta: Meta;
}

/** Keys of a node that are no part of a path. */
const RESERVED: ReadonlySet<string> = new Set(["meta", "value", "values", "$source", "source", "timestamp", "sentence", "pgn"]);
const MAX_DEPTH = 30;

/** The paths of a vessel's tree (signalk-v1 §4) that have zones, by path. */
export function rulesOf(tree: unknown): Rule[] {
  const rules: Rule[] = [];
  if (isObject(tree)) collect(rules, tree, []);
  return rules.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function collect(rules: Rule[], node: JsonObject, path: readonly string[]): void {
  if (isObject(node.meta)) {
    const meta = parseMeta(node.meta);
    if (meta.zones.length > 0) rules.push({ path: path.join("."), meta });
  }
  if (path.length >= MAX_DEPTH) return;
  for (const [name, child] of Object.entries(node)) {
    if (!RESERVED.has(name) && isObject(child)) collect(rules, child, [...path, name]);
  }
}
