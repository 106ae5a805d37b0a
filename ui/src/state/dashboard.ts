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
import { emptySnapshot, VesselModel, type VesselSnapshot } from "../signalk/vessel-model";
import { addStatistics, noRates, type Rates } from "./rates";
import { Clock, Store, Throttle } from "./store";

/** The display is brought up to date at most this often, ms. */
const DISPLAY_INTERVAL = 200;
/** A burst of status changes asks for the plugin list once, ms. */
const PLUGINS_INTERVAL = 1_000;

export interface ServerView {
  hello: Hello | undefined;
  discovery: Discovery | undefined;
  vessel: VesselInfo | undefined;
  login: LoginStatus | undefined;
}

/** Everything the page shows, fed by one stream connection and a few HTTP requests. */
export class Dashboard {
  readonly connection = new Store<ConnectionState>({ state: "connecting", offlineSince: undefined });
  readonly vessel = new Store<VesselSnapshot>(emptySnapshot);
  readonly server = new Store<ServerView>({
    hello: undefined,
    discovery: undefined,
    vessel: undefined,
    login: undefined,
  });
  readonly rates = new Store<Rates>(noRates);
  readonly providers = new Store<readonly ProviderStatus[]>([]);
  /** Undefined until the first answer. */
  readonly plugins = new Store<PluginsAnswer | undefined>(undefined);
  /** The last error the server reported on the stream. */
  readonly streamError = new Store<string | undefined>(undefined);
  readonly clock = new Clock();

  readonly #model = new VesselModel();
  readonly #stream: SignalKStream;
  readonly #showVessel = new Throttle(DISPLAY_INTERVAL, () => this.vessel.set(this.#model.snapshot()));
  readonly #loadPlugins = new Throttle(PLUGINS_INTERVAL, () => void this.#fetchPlugins());
  #pluginsRequest = 0;
  #teardown: (() => void) | undefined;

  constructor() {
    this.#stream = new SignalKStream({
      open: () => this.#open(),
      onHello: (hello) => this.#onHello(hello),
      onState: (state) => {
        this.connection.set(state);
        this.clock.tick();
      },
      onFrame: (frame) => {
        if (frame.kind === "delta") {
          this.#model.apply(frame, Date.now());
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
    this.#stream.start();
  }

  stop(): void {
    this.#teardown?.();
    this.#stream.stop();
    this.#showVessel.cancel();
    this.#loadPlugins.cancel();
  }

  retryNow = (): void => this.#stream.retryNow();

  reloadPlugins = (): void => this.#loadPlugins.request();

  async #open(): Promise<Socket> {
    // Asked for again on each attempt: the server may have been updated while it was away.
    const discovery = await fetchDiscovery();
    this.#setServer({ discovery });
    return new WebSocket(streamUrl(window.location.href, discovery.streamPath));
  }

  #onHello(hello: Hello): void {
    this.#model.hello(hello, Date.now());
    this.#setServer({ hello });
    this.streamError.set(undefined);
    this.#showVessel.request();
    this.#loadPlugins.request();
    fetchLoginStatus().then(
      (login) => this.#setServer({ login }),
      // Unknown then, and shown as such: a server without accounts has no such route.
      () => this.#setServer({ login: undefined }),
    );
  }

  #onEvent(event: ServerEvent): void {
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
