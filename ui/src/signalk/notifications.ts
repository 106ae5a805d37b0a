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
  /** Name of this notification in the server's management of them; undefined where there is none. */
  id: string | undefined;
  /** How it wants to be noticed: `visual`, `sound`. */
  methods: readonly string[];
  status: NotificationStatus;
}

/** What was done about a notification, and what may be done (signalk-v1 §7.1). */
export interface NotificationStatus {
  silenced: boolean;
  acknowledged: boolean;
  canSilence: boolean;
  canAcknowledge: boolean;
  canClear: boolean;
}

export const NOTIFICATIONS = "notifications";

/** All notifications, most severe first, then by path. */
export function notificationsOf(rows: readonly PathRow[]): Notification[] {
  return rows
    .filter((row) => row.group === NOTIFICATIONS)
    .map(notificationOf)
    .sort((a, b) => severity(a.state) - severity(b.state) || (a.path < b.path ? -1 : 1));
}

export function isActive(notification: Notification): boolean {
  return notification.state !== "normal" && notification.state !== "nominal";
}

/** The notification in a row of the group `notifications`. */
export function notificationOf(row: PathRow): Notification {
  // Null means that the condition is over.
  const value = isObject(row.latest.value) ? row.latest.value : {};
  return {
    path: row.path,
    subject: row.path.slice(NOTIFICATIONS.length + 1),
    state: knownState(value.state),
    message: asString(value.message) ?? "",
    source: row.latest.source,
    row,
    id: asString(value.id),
    methods: Array.isArray(value.method) ? value.method.filter((method) => typeof method === "string") : [],
    status: parseStatus(value.status),
  };
}

function parseStatus(status: unknown): NotificationStatus {
  const flags = isObject(status) ? status : {};
  return {
    silenced: flags.silenced === true,
    acknowledged: flags.acknowledged === true,
    canSilence: flags.canSilence === true,
    canAcknowledge: flags.canAcknowledge === true,
    canClear: flags.canClear === true,
  };
}

function knownState(state: unknown): NotificationState {
  return notificationStates.find((known) => known === state) ?? (state === undefined ? "normal" : "alert");
}

/** 0 for the most severe. */
export function severity(state: NotificationState): number {
  return notificationStates.indexOf(state);
}
