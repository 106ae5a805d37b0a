import { clearAlarmHistory, fetchAlarmHistory, MAX_ALARM_ENTRIES, type AlarmPage } from "../api/alarms";
import { ApiError } from "../api/http";
import { NOTIFICATIONS } from "../signalk/notifications";
import type { PathRow } from "../signalk/vessel-model";
import { Store, Throttle } from "./store";

/** Entries that are asked for at first, and each time that somebody wants more. */
const STEP = 100;
/** A storm of alarms is read at once, ms. */
const INTERVAL = 500;

export interface AlarmHistoryView extends Partial<AlarmPage> {
  /** Why the newest could not be read; what was read before stays, unless whoever sits here now may not read it. */
  error?: unknown;
}

/**
 * What the server has noted of alarms. It is read while somebody looks, and read again when a notification changes: the
 * server notes a change before it tells anybody of it.
 */
export class AlarmHistory extends Store<AlarmHistoryView> {
  #watchers = 0;
  #wanted = STEP;
  #request = 0;
  readonly #load = new Throttle(INTERVAL, () => void this.#fetch());

  constructor() {
    super({});
  }

  /** Keeps it up to date until the returned function is called. */
  watch = (): (() => void) => {
    this.#watchers += 1;
    this.#load.request();
    return () => {
      this.#watchers -= 1;
    };
  };

  /** A row has changed. */
  see(row: PathRow): void {
    if (row.group === NOTIFICATIONS) this.changed();
  }

  /** It may have changed: somebody else has cleared it, or the connection is new. */
  changed = (): void => {
    if (this.#watchers > 0) this.#load.request();
  };

  /** Reads older ones too. */
  more = (): Promise<void> => {
    this.#wanted = Math.min(this.#wanted + STEP, MAX_ALARM_ENTRIES);
    return this.#fetch();
  };

  /** Forgets all but the alarms that are active, for everybody. */
  clear = async (): Promise<void> => {
    await clearAlarmHistory();
    await this.#fetch();
  };

  stop(): void {
    this.#load.cancel();
  }

  async #fetch(): Promise<void> {
    this.#request += 1;
    const request = this.#request;
    let view: AlarmHistoryView;
    try {
      view = await fetchAlarmHistory(this.#wanted);
    } catch (error) {
      const isDenied = error instanceof ApiError && error.isDenied;
      view = isDenied ? { error } : { ...this.get(), error };
    }
    // A newer answer may have come meanwhile.
    if (request === this.#request) this.set(view);
  }
}
