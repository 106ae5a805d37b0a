import { parseFrame, type Frame, type Hello } from "./frames";
import { defaultReconnectPolicy, reconnectDelay, type ReconnectPolicy } from "./reconnect";

/** Where the stream stands. Times are ms since the epoch, by this device's clock. */
export type ConnectionState =
  | { state: "connecting"; offlineSince: number | undefined }
  | { state: "live"; since: number }
  | { state: "reconnecting"; retryAt: number; offlineSince: number };

/** The part of a WebSocket this module uses, so that tests can stand in for it. */
export type Socket = Pick<WebSocket, "onmessage" | "onclose" | "onerror" | "close" | "send">;

export interface StreamOptions {
  /** Opens a socket; called once for each attempt. May throw or reject: that counts as a failed attempt. */
  open: () => Promise<Socket>;
  onState: (state: ConnectionState) => void;
  onFrame: (frame: Exclude<Frame, Hello>) => void;
  onHello: (hello: Hello) => void;
  policy?: ReconnectPolicy;
  random?: () => number;
  now?: () => number;
}

/** An attempt that brings no hello within this time has failed, ms. */
const HELLO_TIMEOUT = 10_000;
/**
 * The server reports its statistics every 5 s (server-admin-api §14), so a link
 * that is silent for this long is dead even if TCP has not noticed yet, ms.
 */
const SILENCE_TIMEOUT = 20_000;

/** Keeps one stream connection alive: open, watch, close, wait, open again. */
export class SignalKStream {
  readonly #options: Required<StreamOptions>;
  #socket: Socket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #state: ConnectionState = { state: "connecting", offlineSince: undefined };
  #offlineSince: number | undefined;
  #failures = 0;
  /** Tells an attempt that was abandoned from the current one. */
  #attempt = 0;
  #lastFrameAt = 0;
  #eventsSeen = false;

  constructor(options: StreamOptions) {
    this.#options = {
      policy: defaultReconnectPolicy,
      random: Math.random,
      now: Date.now,
      ...options,
    };
  }

  start(): void {
    this.#connect();
  }

  stop(): void {
    this.#abandon();
  }

  /** Connects now instead of waiting for the back-off to end. No effect while live. */
  retryNow(): void {
    if (this.#state.state === "reconnecting") this.#connect();
  }

  /** Connects anew, also while live: the server has to learn who this is now. */
  reopen(): void {
    this.#connect();
  }

  /** Sends one JSON document; false while there is no live connection. */
  send(message: unknown): boolean {
    if (this.#state.state !== "live" || this.#socket === undefined) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** The device lost its network: do not wait for the silence to be noticed. */
  linkLost(): void {
    if (this.#state.state === "live") this.#failed();
  }

  #connect(): void {
    this.#abandon();
    const attempt = this.#attempt;
    this.#eventsSeen = false;
    this.#setState({ state: "connecting", offlineSince: this.#offlineSince });
    this.#timer = setTimeout(() => this.#failed(), HELLO_TIMEOUT);
    this.#options.open().then(
      (socket) => {
        if (attempt === this.#attempt) this.#attach(socket);
        else socket.close();
      },
      () => {
        if (attempt === this.#attempt) this.#failed();
      },
    );
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.#received(event.data);
    };
    socket.onclose = () => this.#failed();
    socket.onerror = () => this.#failed();
  }

  #received(text: string): void {
    this.#lastFrameAt = this.#options.now();
    const frame = parseFrame(text);
    if (frame === undefined) return;
    if (frame.kind === "hello") {
      this.#live(frame);
      return;
    }
    // Without a hello nothing says which context is own ship.
    if (this.#state.state !== "live") return;
    if (frame.kind === "event") this.#eventsSeen = true;
    this.#options.onFrame(frame);
  }

  #live(hello: Hello): void {
    clearTimeout(this.#timer);
    this.#failures = 0;
    this.#offlineSince = undefined;
    // The state first: what is told of the hello may send.
    this.#state = { state: "live", since: this.#options.now() };
    this.#options.onHello(hello);
    this.#options.onState(this.#state);
    this.#watchSilence();
  }

  #watchSilence(): void {
    this.#timer = setTimeout(() => {
      const silent = this.#options.now() - this.#lastFrameAt;
      if (this.#eventsSeen && silent >= SILENCE_TIMEOUT) this.#failed();
      else this.#watchSilence();
    }, SILENCE_TIMEOUT / 4);
  }

  #failed(): void {
    this.#abandon();
    this.#failures += 1;
    const now = this.#options.now();
    this.#offlineSince ??= now;
    const delay = reconnectDelay(this.#options.policy, this.#failures, this.#options.random());
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.#setState({ state: "reconnecting", retryAt: now + delay, offlineSince: this.#offlineSince });
  }

  #abandon(): void {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.onerror = null;
    socket.close();
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}
