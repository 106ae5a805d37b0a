import { isActive, NOTIFICATIONS, notificationsOf, type Notification } from "../signalk/notifications";
import { emptySnapshot, type PathRow, type VesselSnapshot } from "../signalk/vessel-model";
import { Store } from "./store";

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
