import type { PathRow } from "./vessel-model";

export type Freshness = "fresh" | "ageing" | "stale" | "static";

/** Seconds after which a value no longer counts as fresh, and after which it is stale. */
const AGEING_AFTER = 5;
const STALE_AFTER = 30;

/**
 * Facts rather than measurements: they are sent once and do not grow old. The
 * same set the server exempts from its own staleness check (signalk-v1 §10).
 */
const staticGroups = new Set(["design", "registrations", "communication", "notifications", "vessel"]);
const staticPaths = ["navigation.anchor", "navigation.home", "navigation.course"];

export function isStatic(row: PathRow): boolean {
  return (
    row.meta.timeout === 0 ||
    staticGroups.has(row.group) ||
    staticPaths.some((path) => row.path === path || row.path.startsWith(`${path}.`))
  );
}

/** How far a value of this age, in ms, can be trusted. */
export function freshness(row: PathRow, age: number): Freshness {
  if (isStatic(row)) return "static";
  const staleAfter = row.meta.timeout ?? STALE_AFTER;
  if (age >= staleAfter * 1000) return "stale";
  return age >= Math.min(AGEING_AFTER, staleAfter / 2) * 1000 ? "ageing" : "fresh";
}

/** "now", "2 s ago", "5 min ago", "3 h ago", "4 d ago", "12 y ago"; age in ms. */
export function formatAge(age: number): string {
  const seconds = Math.floor(age / 1000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ago`;
  const days = Math.floor(hours / 24);
  return days < 730 ? `${days} d ago` : `${Math.floor(days / 365.25)} y ago`;
}

/** "42 s", "3 min 5 s", "2 h 14 min", "3 d 4 h"; in seconds. */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${s % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
