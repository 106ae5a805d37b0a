import { isObject } from "../signalk/frames";
import { isActive, notificationOf, NOTIFICATIONS, notificationsOf, notificationStates, type Notification } from "../signalk/notifications";
import { emptySnapshot, type PathRow, type VesselSnapshot } from "../signalk/vessel-model";
import { readPreference, writePreference } from "./preferences";
import { Store, Throttle } from "./store";

export interface NotificationsView {
  /** Most severe first, then by path; also those that are normal. */
  all: readonly Notification[];
  /** Those that are neither normal nor nominal. */
  active: readonly Notification[];
}

const nothing: NotificationsView = { all: [], active: [] };

/** The notifications of own ship. */
export class Notifications extends Store<NotificationsView> {
  #rows: readonly PathRow[] = [];
  #snapshot: VesselSnapshot = emptySnapshot;

  constructor() {
    super(nothing);
  }

  update(snapshot: VesselSnapshot): void {
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    const rows = snapshot.rows.filter((row) => row.group === NOTIFICATIONS);
    if (rows.length === this.#rows.length && rows.every((row, index) => row === this.#rows[index])) return;
    this.#rows = rows;
    const all = notificationsOf(rows);
    this.set(all.length === 0 ? nothing : { all, active: all.filter(isActive) });
  }
}

/** One change of the state of a notification that this page has seen. */
export interface AlarmEvent {
  /** ms since the epoch, by this device's clock. */
  time: number;
  path: string;
  subject: string;
  state: Notification["state"];
  message: string;
  source: string;
}

/** Changes kept. */
const MAX_EVENTS = 500;

/** Where the history is kept in this browser. */
const KEPT = "alarm-history";
/** ms */
const WRITE_INTERVAL = 1_000;

/** What was raised and ended while a page was open in this browser, newest first. */
export class AlarmHistory extends Store<readonly AlarmEvent[]> {
  #states = new Map<string, string>();
  /** A storm of alarms is written at once. */
  readonly #write = new Throttle(WRITE_INTERVAL, () => writePreference(KEPT, JSON.stringify(this.get())));

  constructor() {
    super(keptEvents());
    // What was active when the page was closed and still is, is no news.
    for (const { path, state } of this.get().toReversed()) this.#states.set(path, state);
  }

  /** Forgets what was; what is active now stays known. */
  clear = (): void => this.#keep([]);

  /** A row has changed. */
  see(row: PathRow): void {
    if (row.group !== NOTIFICATIONS) return;
    const notification = notificationOf(row);
    const { path, subject, state, message, source } = notification;
    const before = this.#states.get(path);
    this.#states.set(path, state);
    // What has always been normal is no news.
    if (before === state || (before === undefined && !isActive(notification))) return;
    this.#keep([{ time: row.latest.asOf, path, subject, state, message, source }, ...this.get()].slice(0, MAX_EVENTS));
  }

  #keep(events: readonly AlarmEvent[]): void {
    this.set(events);
    this.#write.request();
  }
}

function keptEvents(): AlarmEvent[] {
  let kept: unknown;
  try {
    kept = JSON.parse(readPreference(KEPT) ?? "[]");
  } catch {
    // Something else is under this name: it begins empty.
    return [];
  }
  return (Array.isArray(kept) ? kept : []).filter(isObject).flatMap(parseEvent).slice(0, MAX_EVENTS);
}

function parseEvent({ time, path, subject, state, message, source }: Record<string, unknown>): AlarmEvent[] {
  const known = notificationStates.find((one) => one === state);
  if (typeof time !== "number" || typeof path !== "string" || typeof subject !== "string" || known === undefined) return [];
  return [{ time, path, subject, state: known, message: String(message ?? ""), source: String(source ?? "") }];
}
