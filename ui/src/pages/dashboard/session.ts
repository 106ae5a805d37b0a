import type { Live } from "../../state/live";
import { Store } from "../../state/store";
import { DashboardStore, ownerOf } from "./documents";

/** People whose unsaved changes wait for them, at most. */
const MAX_WAITING = 8;

const sessions = new WeakMap<Live, Dashboards>();

/** The dashboards of this session: they outlive the page that shows them. */
export function dashboardsOf(live: Live): Dashboards {
  let dashboards = sessions.get(live);
  if (dashboards === undefined) {
    dashboards = new Dashboards(live);
    sessions.set(live, dashboards);
  }
  return dashboards;
}

/**
 * The dashboard of whoever sits here now, whichever page is shown. What could not be saved, or is asked about, is still
 * there when the person comes back to it; it is saved when the link is back, and only for whose it is. The browser asks
 * before it closes a page that has changes that are not saved.
 */
export class Dashboards extends Store<DashboardStore> {
  readonly #live: Live;
  /** Of others, with changes that are not saved. */
  #waiting: DashboardStore[] = [];
  #seen = "";

  constructor(live: Live) {
    super(new DashboardStore(undefined, () => void live.refreshLogin()));
    this.#live = live;
    this.#watch(this.get());
    live.server.subscribe(this.#look);
    live.connection.subscribe(this.#look);
    this.#look();
  }

  #look = (): void => {
    const { login } = this.#live.server.get();
    // While it is not known who is signed in, nothing is taken from the screen.
    if (login !== undefined) this.#take(ownerOf(login));
    const store = this.get();
    const isLive = this.#live.connection.get().state === "live";
    const seen = `${isLive} ${store.owner}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    if (isLive && store.get().saving === "failed") void store.save();
  };

  #take(owner: string): void {
    const before = this.get();
    if (before.owner === owner) return;
    // Saved ones are read anew when they are wanted.
    const unsaved = [...this.#waiting, before].filter((one) => one.isUnsaved);
    const own = unsaved.find((one) => one.owner === owner);
    this.#waiting = unsaved.filter((one) => one !== own).slice(-MAX_WAITING);
    this.set(own ?? this.#watch(new DashboardStore(owner, () => void this.#live.refreshLogin())));
    this.#guard();
  }

  #watch(store: DashboardStore): DashboardStore {
    store.subscribe(this.#guard);
    return store;
  }

  /** A page without such listeners is quicker to come back to: they are there only while they are needed. */
  #guard = (): void => {
    const isNeeded = this.#all().some((one) => one.get().saving !== "saved");
    const change = isNeeded ? "addEventListener" : "removeEventListener";
    window[change]("beforeunload", this.#leave);
    window[change]("pagehide", this.#leave);
  };

  #leave = (event: Event): void => {
    for (const store of this.#all()) {
      if (store.isUnsaved) event.preventDefault();
      // It may be saved before the question is answered.
      store.flush();
    }
  };

  #all(): DashboardStore[] {
    return [this.get(), ...this.#waiting];
  }
}
