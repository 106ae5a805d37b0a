import { isActive, severity, type Notification } from "../../signalk/notifications";
import type { AlarmEvent } from "../../state/notifications";

/** In whose name the server raises what zones say: such an alarm ends with the value, not by hand. */
const ZONES_SOURCE = "self.notificationhandler";

/** Somebody is in the water: nothing is more urgent. */
export function isMob({ subject }: Notification): boolean {
  return subject === "mob" || subject.startsWith("mob.");
}

/** Somebody has seen it. */
export function isAcknowledged(notification: Notification): boolean {
  return isActive(notification) && (notification.status.acknowledged || notification.methods.length === 0);
}

/** Active alarms: somebody in the water first, then by severity, those that nobody has seen before the others, the newest first. */
export function byUrgency(active: readonly Notification[], since: (notification: Notification) => number): Notification[] {
  const rank = (notification: Notification) => [
    isMob(notification) ? 0 : 1,
    severity(notification.state),
    isAcknowledged(notification) ? 1 : 0,
    -since(notification),
  ];
  return active
    .map((notification) => ({ notification, rank: rank(notification) }))
    .sort((a, b) => compare(a.rank, b.rank) || (a.notification.path < b.notification.path ? -1 : 1))
    .map(({ notification }) => notification);
}

/** `method` without its sound; undefined when there is nothing to silence. An emergency is acknowledged, not silenced. */
export function silencedMethod({ state, methods, status }: Notification): string[] | undefined {
  if (state === "emergency" || status.silenced || !methods.includes("sound")) return undefined;
  return methods.filter((method) => method !== "sound");
}

/** `method` of what has been seen: an emergency stays on the screens. Undefined when that is so already. */
export function acknowledgedMethod({ state, methods, status }: Notification): string[] | undefined {
  if (status.acknowledged) return undefined;
  const seen = state === "emergency" ? ["visual"] : [];
  return methods.every((method) => seen.includes(method)) ? undefined : seen;
}

/** It may be ended by hand: nothing on board does it. */
export function canBeEnded({ source }: Notification): boolean {
  return source !== ZONES_SOURCE;
}

/** When it took its present state, ms since the epoch: as far as this browser has seen it, else by the time it carries. */
export function sinceWhen({ path, state, row }: Notification, history: readonly AlarmEvent[]): number {
  const event = history.find((one) => one.path === path);
  if (event !== undefined && event.state === state) return event.time;
  return row.latest.timestamp ?? row.latest.asOf;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((part, at) => part !== b[at]);
  return index < 0 ? 0 : (a[index] as number) - (b[index] as number);
}
