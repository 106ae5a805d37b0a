/**
 * Access rules as a person edits them, and as security.json has them (signalk-v1 §8.5). There each context has resources, and
 * each of them permissions; here every resource is a rule with its context.
 */
import type { Acl, AclPermission, AclResource } from "../../../api/security";

export interface Grant {
  subject: string;
  read: boolean;
  /** Send deltas with it. Includes reading. */
  write: boolean;
  put: boolean;
}

export interface Rule {
  /** A key for lists. */
  id: number;
  context: string;
  paths: string[];
  sources: string[];
  grants: Grant[];
}

/** Everybody, visitors included. */
export const EVERYBODY = "any";
/** Visitors who are not signed in. */
export const VISITOR = "AUTO";
export const OWN_SHIP = "vessels.self";

let lastId = 0;
const newId = () => (lastId += 1);

/** A rule by which everybody may do everything that their level allows. */
export function openRule(context = "*"): Rule {
  return { id: newId(), context, paths: ["*"], sources: [], grants: [{ subject: EVERYBODY, read: true, write: true, put: true }] };
}

/**
 * The rules that are missing for everything that no rule covers to be allowed. One is needed for each context: where one
 * fits, later ones are not looked at.
 */
export function missingOpenRules(rules: readonly Rule[]): Rule[] {
  const contexts = new Set([...rules.map(({ context }) => context.trim()), "*"]);
  const isOpen = (context: string) => rules.some((rule) => rule.context.trim() === context && rule.paths.includes("*"));
  return [...contexts].filter((context) => !isOpen(context)).map((context) => openRule(context));
}

/** A rule that lets everybody read some paths of own ship. */
export function newRule(): Rule {
  return { id: newId(), context: OWN_SHIP, paths: ["navigation.*"], sources: [], grants: [{ subject: EVERYBODY, read: true, write: false, put: false }] };
}

export function rulesOf(acls: readonly Acl[]): Rule[] {
  return acls.flatMap(({ context, resources }) =>
    resources.map((resource) => ({
      id: newId(),
      context,
      paths: [...(resource.paths ?? [])],
      sources: [...(resource.sources ?? [])],
      grants: grantsOf(resource.permissions),
    })),
  );
}

function grantsOf(permissions: readonly AclPermission[]): Grant[] {
  const grants = new Map<string, Grant>();
  for (const { subject, permission } of permissions) {
    const grant = grants.get(subject) ?? { subject, read: false, write: false, put: false };
    if (permission === "read") grant.read = true;
    if (permission === "write") grant.read = grant.write = true;
    if (permission === "put") grant.put = true;
    grants.set(subject, grant);
  }
  return [...grants.values()];
}

/** As security.json has them: the rules of a context together, in the order in which they stand. */
export function aclsOf(rules: readonly Rule[]): Acl[] {
  const acls = new Map<string, AclResource[]>();
  for (const { context, paths, sources, grants } of rules) {
    const permissions = grants.flatMap(({ subject, read, write, put }): AclPermission[] => [
      ...(write ? [{ subject, permission: "write" }] : read ? [{ subject, permission: "read" }] : []),
      ...(put ? [{ subject, permission: "put" }] : []),
    ]);
    const resource: AclResource = { permissions };
    if (paths.length > 0) resource.paths = [...paths];
    if (sources.length > 0) resource.sources = [...sources];
    const resources = acls.get(context.trim());
    if (resources === undefined) acls.set(context.trim(), [resource]);
    else resources.push(resource);
  }
  return [...acls].map(([context, resources]) => ({ context, resources }));
}

/** What keeps rules from being saved; undefined when nothing does. */
export function problemOf(rules: readonly Rule[]): string | undefined {
  for (const [index, rule] of rules.entries()) {
    const number = `Rule ${index + 1}`;
    if (rule.context.trim() === "") return `${number} has no context. Write ${OWN_SHIP} for own ship, or * for all.`;
    if (rule.paths.length === 0 && rule.sources.length === 0) return `${number} is about nothing. Name paths or sources; * stands for all.`;
    if (rule.grants.some(({ subject }) => subject.trim() === "")) return `${number} has a line without a name.`;
  }
  return undefined;
}

/** `*` stands for any run of characters, everything else for itself. */
export function matches(pattern: string, text: string): boolean {
  const [start = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === text;
  if (!text.startsWith(start)) return false;
  const end = rest.pop() ?? "";
  let left = text.slice(start.length);
  if (!left.endsWith(end)) return false;
  left = left.slice(0, left.length - end.length);
  for (const part of rest) {
    const at = left.indexOf(part);
    if (at < 0) return false;
    left = left.slice(at + part.length);
  }
  return true;
}

export interface Access {
  read: boolean;
  write: boolean;
  put: boolean;
}

const nothing: Access = { read: false, write: false, put: false };
const everything: Access = { read: true, write: true, put: true };

/**
 * What the rules let somebody do with a value: the first context that fits decides, and in it the first rule. Their level
 * is another matter: `mayOf` has both.
 */
export function decide(rules: readonly Rule[], subject: string, context: string, path: string, source: string): Access {
  if (rules.length === 0) return everything;
  const first = rules.find((rule) => matches(rule.context.trim(), context));
  if (first === undefined) return nothing;
  const rule = rules.find(
    (other) =>
      other.context.trim() === first.context.trim() &&
      (other.paths.some((glob) => matches(glob, path)) || other.sources.some((glob) => matches(glob, source))),
  );
  const access = { ...nothing };
  for (const grant of rule?.grants ?? []) {
    if (grant.subject !== EVERYBODY && grant.subject !== subject) continue;
    access.read ||= grant.read || grant.write;
    access.write ||= grant.write;
    access.put ||= grant.put;
  }
  return access;
}

export interface Person {
  name: string;
  kind: "user" | "device" | "visitor";
  level: "admin" | "readwrite" | "readonly" | undefined;
}

/** What somebody may do with a value, by level and rules. */
export function mayOf(rules: readonly Rule[], person: Person, context: string, path: string, source: string): Access {
  if (person.level === undefined) return nothing;
  const access = decide(rules, person.kind === "visitor" ? VISITOR : person.name, context, path, source);
  return person.level === "readonly" ? { ...nothing, read: access.read } : access;
}

/** "reads", "reads and sends"… */
export function accessText({ read, write, put }: Access): string {
  const words = [...(read ? ["reads"] : []), ...(write ? ["sends values"] : []), ...(put ? ["switches"] : [])];
  if (words.length === 0) return "nothing";
  return words.length === 1 ? (words[0] as string) : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
