import { asString, isObject } from "./frames";
import type { PathRow } from "./vessel-model";

/** Severity of a notification (signalk-v1 §7.1), most severe first. */
export const notificationStates = ["emergency", "alarm", "warn", "alert", "normal", "nominal"] as const;
export type NotificationState = (typeof notificationStates)[number];

export interface Notification {
  path: string;
  /** The path without its leading `notifications.`. */
  subject: string;
  state: NotificationState;
  message: string;
  source: string;
  row: PathRow;
}

export const NOTIFICATIONS = "notifications";

/** All notifications, most severe first, then by path. */
export function notificationsOf(rows: readonly PathRow[]): Notification[] {
  return rows
    .filter((row) => row.group === NOTIFICATIONS)
    .map(toNotification)
    .sort((a, b) => severity(a.state) - severity(b.state) || (a.path < b.path ? -1 : 1));
}

export function isActive(notification: Notification): boolean {
  return notification.state !== "normal" && notification.state !== "nominal";
}

function toNotification(row: PathRow): Notification {
  // Null means that the condition is over.
  const value = isObject(row.latest.value) ? row.latest.value : {};
  return {
    path: row.path,
    subject: row.path.slice(NOTIFICATIONS.length + 1),
    state: knownState(value.state),
    message: asString(value.message) ?? "",
    source: row.latest.source,
    row,
  };
}

function knownState(state: unknown): NotificationState {
  return notificationStates.find((known) => known === state) ?? (state === undefined ? "normal" : "alert");
}

function severity(state: NotificationState): number {
  return notificationStates.indexOf(state);
}
