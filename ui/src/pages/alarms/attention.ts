import type { AlarmEntry } from "../../api/alarms";
import { isActive, severity, type Notification } from "../../signalk/notifications";

/** In whose name the server raises what zones say: such an alarm ends with the value, not by hand. */
const ZONES_SOURCE = "self.notificationhandler";

/** Somebody is in the water: nothing is more urgent. */
export function isMob({ subject }: Notification): boolean {
  return subject === "mob" || subject.startsWith("mob.");
}

/** Somebody has seen it. Where the server does not manage notifications, that is one that asks for nothing any more. */
export function isAcknowledged(notification: Notification): boolean {
  const { id, status, methods } = notification;
  return isActive(notification) && (status.acknowledged || (id === undefined && methods.length === 0));
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

/**
 * `method` without its sound; undefined when there is nothing to silence, or nothing would be left of it: that is to
 * acknowledge. So is all that can be done about an emergency.
 */
export function silencedMethod({ state, methods, status }: Notification): string[] | undefined {
  if (state === "emergency" || status.silenced || !methods.includes("sound") || !methods.includes("visual")) return undefined;
  return methods.filter((method) => method !== "sound");
}

/** `method` of what has been seen: an emergency stays on the screens. Undefined when it was. */
export function acknowledgedMethod(notification: Notification): string[] | undefined {
  const { id, state, methods, status } = notification;
  if (isAcknowledged(notification) || (id !== undefined && !status.canAcknowledge)) return undefined;
  const seen = state === "emergency" ? ["visual"] : [];
  // Only a server that manages notifications knows more than their `method`.
  return id === undefined && methods.every((method) => seen.includes(method)) ? undefined : seen;
}

/** It may be ended by hand: nothing on board does it. */
export function canBeEnded({ source }: Notification): boolean {
  return source !== ZONES_SOURCE;
}

/** When it took its present state, ms since the epoch: as the server has noted it, else by the time it carries. */
export function sinceWhen({ path, source, state, row }: Notification, history: readonly AlarmEntry[], own: string | undefined): number {
  const entry = history.find((one) => one.path === path && one.source === source && one.context === own);
  if (entry !== undefined && entry.state === state) return entry.time;
  return row.latest.timestamp ?? row.latest.asOf;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((part, at) => part !== b[at]);
  return index < 0 ? 0 : (a[index] as number) - (b[index] as number);
}
