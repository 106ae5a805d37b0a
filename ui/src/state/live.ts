import {
  fetchDiscovery,
  fetchLoginStatus,
  fetchPlugins,
  parseLoginStatus,
  streamUrl,
  type Discovery,
  type LoginStatus,
  type PluginsAnswer,
} from "../signalk/api";
import type { Hello, ServerEvent } from "../signalk/frames";
import { parsePlugins } from "../signalk/plugins";
import {
  parseProviderStatus,
  parseStatistics,
  parseVesselInfo,
  type ProviderStatus,
  type VesselInfo,
} from "../signalk/server-events";
import { SignalKStream, type ConnectionState, type Socket } from "../signalk/stream";
import { emptySnapshot, type VesselSnapshot } from "../signalk/vessel-model";
import { World } from "../signalk/world";
import { AisTargets } from "./ais";
import { AlarmHistory } from "./alarm-history";
import { AlarmSound } from "./alarm-sound";
import { Notifications } from "./notifications";
import { Logs } from "./logs";
import { UnitSettings } from "../units/settings";
import { Subscriptions, type Want } from "./subscriptions";
import { Trends } from "./trends";
import { addStatistics, noRates, type Rates } from "./rates";
import { Clock, Store, Throttle, type ReadableStore } from "./store";

/** The display is brought up to date at most this often, ms. */
const DISPLAY_INTERVAL = 200;
/** A burst of status changes asks for the plugin list once, ms. */
const PLUGINS_INTERVAL = 1_000;

export interface ServerView {
  hello: Hello | undefined;
  discovery: Discovery | undefined;
  vessel: VesselInfo | undefined;
  login: LoginStatus | undefined;
  /** The server was asked who is signed in; `login` is undefined then where it does not tell. */
  wasLoginAsked: boolean;
}

/** Events whose last data are kept: more types than any server has. */
const MAX_EVENT_TYPES = 64;
/** What every page shows: the name of the vessel, and what is wrong on board. */
const ALWAYS: readonly Want[] = [
  { path: "" },
  { path: "notifications.*", period: 0 },
];

/** Everything the pages show, fed by one stream connection and a few HTTP requests. */
export class Live {
  readonly connection = new Store<ConnectionState>({ state: "connecting", offlineSince: undefined });
  readonly vessel = new Store<VesselSnapshot>(emptySnapshot);
  readonly server = new Store<ServerView>({
    hello: undefined,
    discovery: undefined,
    vessel: undefined,
    login: undefined,
    wasLoginAsked: false,
  });
  readonly rates = new Store<Rates>(noRates);
  readonly providers = new Store<readonly ProviderStatus[]>([]);
  /** Undefined until the first answer. */
  readonly plugins = new Store<PluginsAnswer | undefined>(undefined);
  /** The last error the server reported on the stream. */
  readonly streamError = new Store<string | undefined>(undefined);
  readonly clock = new Clock();
  /** Contexts other than own ship of which anything was received. */
  readonly contexts = new Store<readonly string[]>([]);
  readonly notifications = new Notifications();
  readonly alarmHistory = new AlarmHistory();
  readonly ais = new AisTargets();
  readonly trends = new Trends();
  readonly logs = new Logs();
  readonly units = new UnitSettings();
  readonly sound = new AlarmSound();

  readonly #world = new World();
  readonly #others = new Map<string, Store<VesselSnapshot>>();
  readonly #events = new Map<string, Store<unknown>>();
  readonly #stream: SignalKStream;
  readonly #subscriptions = new Subscriptions(
    (message) => {
      if ("subscribe" in message && message.subscribe.some((row) => "path" in row && row.path === "log")) this.logs.asked();
      this.#stream.send(message);
    },
    () => this.#world.replayed(),
  );
  readonly #showVessel = new Throttle(DISPLAY_INTERVAL, () => this.#publish());
  readonly #loadPlugins = new Throttle(PLUGINS_INTERVAL, () => void this.#fetchPlugins());
  #pluginsRequest = 0;
  #teardown: (() => void) | undefined;

  constructor() {
    this.#stream = new SignalKStream({
      open: () => this.#open(),
      onHello: (hello) => this.#onHello(hello),
      onState: (state) => {
        if (state.state !== "live") this.#subscriptions.closed();
        this.connection.set(state);
        this.clock.tick();
      },
      onFrame: (frame) => {
        if (frame.kind === "delta") {
          this.#world.apply(frame, Date.now());
          this.#showVessel.request();
        } else if (frame.kind === "event") {
          this.#onEvent(frame);
        } else {
          this.streamError.set(frame.message);
        }
      },
    });
  }

  start(): void {
    const retry = () => this.#stream.retryNow();
    const visible = () => {
      if (document.visibilityState === "visible") retry();
    };
    const lost = () => this.#stream.linkLost();
    window.addEventListener("online", retry);
    window.addEventListener("offline", lost);
    document.addEventListener("visibilitychange", visible);
    this.#teardown = () => {
      window.removeEventListener("online", retry);
      window.removeEventListener("offline", lost);
      document.removeEventListener("visibilitychange", visible);
    };
    this.subscribe(ALWAYS);
    this.#stream.start();
  }

  stop(): void {
    this.#teardown?.();
    this.#stream.stop();
    this.#subscriptions.stop();
    this.#showVessel.cancel();
    this.#loadPlugins.cancel();
    this.logs.stop();
    this.alarmHistory.stop();
    this.sound.stop();
  }

  /** Asks the server for values until the returned function is called. The same want of several is asked for once. */
  subscribe(wants: readonly Want[]): () => void {
    return this.#subscriptions.add(wants);
  }

  /** The values of a context; own ship's when it is absent, `vessels.self` or own ship's name. */
  snapshotOf(context?: string): ReadableStore<VesselSnapshot> {
    if (context === undefined || this.#world.isSelf(context)) return this.vessel;
    let store = this.#others.get(context);
    if (store === undefined) {
      store = new Store(this.#world.snapshot(context));
      this.#others.set(context, store);
    }
    return store;
  }

  /** The last data of a server event (server-admin-api §14); undefined until it has come. */
  event(type: string): ReadableStore<unknown> {
    return this.#eventStore(type) ?? new Store(undefined);
  }

  /** Values left out because there were too many. */
  get refused(): number {
    return this.#world.refused;
  }

  /** Connects anew and asks who is signed in: after login and logout. */
  reconnect = (): void => this.#stream.reopen();

  retryNow = (): void => this.#stream.retryNow();

  reloadPlugins = (): void => this.#loadPlugins.request();

  async #open(): Promise<Socket> {
    // Asked for again on each attempt: the server may have been updated while it was away.
    const discovery = await fetchDiscovery();
    this.#setServer({ discovery });
    return new WebSocket(streamUrl(window.location.href, discovery.streamPath));
  }

  #onHello(hello: Hello): void {
    this.#world.hello(hello, Date.now());
    this.#subscriptions.opened();
    this.#setServer({ hello });
    this.streamError.set(undefined);
    this.#showVessel.request();
    this.alarmHistory.changed();
    void this.refreshLogin();
  }

  /** Asks who is signed in. */
  refreshLogin = async (): Promise<void> => {
    try {
      const login = await fetchLoginStatus();
      const before = this.server.get().login;
      this.#setServer({ login, wasLoginAsked: true });
      // Nothing is kept for people who are not known.
      const isKnown = !login.authenticationRequired || login.loggedIn;
      if (isKnown && (before === undefined || before.username !== login.username)) await this.units.load();
    } catch {
      // Unknown then, and shown as such: a server without accounts has no such route.
      this.#setServer({ login: undefined, wasLoginAsked: true });
    }
    this.#loadPlugins.request();
  };

  /** Brings what is on the screen up to date with what has come. */
  #publish(): void {
    const changed = this.#world.publish((context, row) => {
      this.trends.record(context, row);
      if (context === undefined) this.alarmHistory.see(row);
    });
    const now = Date.now();
    if (changed.own) {
      const own = this.#world.own.snapshot();
      this.vessel.set(own);
      this.notifications.update(own);
      this.ais.own(own);
    }
    for (const context of changed.others) {
      const snapshot = this.#world.snapshot(context);
      this.#others.get(context)?.set(snapshot);
      this.ais.update(context, snapshot);
    }
    this.ais.publish(now);
    const contexts = this.#world.contexts();
    if (contexts.length !== this.contexts.get().length) this.contexts.set(contexts);
    this.trends.published();
  }

  #eventStore(type: string): Store<unknown> | undefined {
    let store = this.#events.get(type);
    if (store === undefined && this.#events.size < MAX_EVENT_TYPES) {
      store = new Store<unknown>(undefined);
      this.#events.set(type, store);
    }
    return store;
  }

  #onEvent(event: ServerEvent): void {
    if (event.type === "LOG") {
      this.logs.add(event.data);
      return;
    }
    this.#eventStore(event.type)?.set(event.data);
    switch (event.type) {
      case "VESSEL_INFO": {
        const vessel = parseVesselInfo(event.data);
        if (vessel !== undefined) this.#setServer({ vessel });
        break;
      }
      case "SERVERSTATISTICS": {
        const statistics = parseStatistics(event.data);
        if (statistics !== undefined) this.rates.set(addStatistics(this.rates.get(), statistics, Date.now()));
        break;
      }
      case "PROVIDERSTATUS": {
        const statuses = parseProviderStatus(event.data);
        if (statuses !== undefined) this.#onProviderStatus(statuses);
        break;
      }
      case "PLUGINS_CHANGED":
        if (Array.isArray(event.data)) {
          this.#pluginsRequest += 1;
          this.plugins.set({ ok: true, plugins: parsePlugins(event.data) });
        } else {
          this.#loadPlugins.request();
        }
        break;
      case "ALARM_HISTORY_CLEARED":
        this.alarmHistory.changed();
        break;
      case "RECEIVE_LOGIN_STATUS":
        this.#setServer({ login: parseLoginStatus(event.data) });
        break;
    }
  }

  /** The status text of a plugin changes with its state, so the list is read again. */
  #onProviderStatus(statuses: readonly ProviderStatus[]): void {
    if (pluginStatusKey(statuses) !== pluginStatusKey(this.providers.get())) this.#loadPlugins.request();
    this.providers.set(statuses);
  }

  async #fetchPlugins(): Promise<void> {
    this.#pluginsRequest += 1;
    const request = this.#pluginsRequest;
    const { login } = this.server.get();
    if (login?.authenticationRequired === true && login.userLevel !== "admin") {
      this.plugins.set({ ok: false, reason: "denied", detail: "only administrators may see them" });
      return;
    }
    const answer = await fetchPlugins();
    // A newer list may have come meanwhile.
    if (request === this.#pluginsRequest) this.plugins.set(answer);
  }

  #setServer(change: Partial<ServerView>): void {
    this.server.set({ ...this.server.get(), ...change });
  }
}

function pluginStatusKey(statuses: readonly ProviderStatus[]): string {
  return JSON.stringify(
    statuses.filter((s) => s.statusType === "plugin").map((s) => [s.id, s.isError, s.message, s.lastErrorTimestamp]),
  );
}
