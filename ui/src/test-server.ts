import { vi } from "vitest";
import { Live } from "./state/live";

export const SELF = "vessels.urn:mrn:imo:mmsi:230099999";

/** Stands in for the browser's WebSocket. */
class ServerSocket {
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly received: unknown[] = [];

  constructor(readonly url: string) {
    sockets.push(this);
  }

  send(text: string): void {
    this.received.push(JSON.parse(text));
  }

  close(): void {}
}

let sockets: ServerSocket[] = [];

/** The answer to a request: the body as JSON, or a text as it is; a function for what depends on the request. */
export type Answer = { status?: number; body: unknown } | ((init: RequestInit) => { status?: number; body: unknown });

/**
 * A server for component tests: answers requests, and speaks on the stream what the test says. Use fake timers, and
 * `restore()` at the end.
 */
export class FakeServer {
  /** By URL, or by method and URL: `PUT /skServer/restart`. What is not here is 404. */
  answers: Record<string, Answer> = {
    "/signalk": { body: { endpoints: {}, server: { id: "windlass", version: "2.31.1" } } },
    "/skServer/loginStatus": { body: { status: "notLoggedIn", authenticationRequired: false } },
    "/skServer/plugins": { body: [] },
    "/windlass/alarms/history?limit=100": { body: { entries: [], more: false } },
    "/signalk/v1/applicationData/user/windlass-ui/1.0.0": { body: {} },
  };
  /** Requests so far: method, URL, and body. */
  readonly requests: { method: string; url: string; body: unknown }[] = [];

  constructor() {
    sockets = [];
    vi.stubGlobal("WebSocket", ServerSocket);
    vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
      const method = init.method ?? "GET";
      const body = typeof init.body === "string" ? (JSON.parse(init.body) as unknown) : init.body;
      this.requests.push({ method, url, body });
      const found = this.answers[`${method} ${url}`] ?? (method === "GET" ? this.answers[url] : undefined);
      const answer = typeof found === "function" ? found(init) : found;
      const content = answer?.body ?? "";
      return new Response(typeof content === "string" ? content : JSON.stringify(content), { status: answer?.status ?? (found ? 200 : 404) });
    });
  }

  /** The page's end of the connection, started. Stop it at the end of the test. */
  connect(): Live {
    const live = new Live();
    live.start();
    return live;
  }

  /** What the page has sent on the newest connection. */
  messages(): unknown[] {
    return this.#socket().received;
  }

  /** Context and path of all that was subscribed to on the newest connection. */
  subscriptions(): [string, string][] {
    return this.messages().flatMap((message) => {
      const { context, subscribe } = message as { context: string; subscribe?: { path: string }[] };
      return (subscribe ?? []).map(({ path }): [string, string] => [context, path]);
    });
  }

  hello(serverStartId = "1"): void {
    this.tell({ self: SELF, name: "windlass", version: "2.31.1", timestamp: new Date().toISOString(), serverStartId });
  }

  value(path: string, value: unknown, { source = "gps.GP", context = SELF }: { source?: string; context?: string } = {}): void {
    this.tell({ context, updates: [{ $source: source, timestamp: new Date().toISOString(), values: [{ path, value }] }] });
  }

  meta(path: string, value: object, context = SELF): void {
    this.tell({ context, updates: [{ timestamp: new Date().toISOString(), meta: [{ path, value }] }] });
  }

  event(type: string, data: unknown): void {
    this.tell({ type, data });
  }

  /** Sends a frame. */
  tell(frame: unknown): void {
    this.#socket().onmessage?.({ data: JSON.stringify(frame) });
  }

  /** Loses the connection. */
  drop(): void {
    this.#socket().onclose?.();
  }

  /** Gives the browser its own functions back. */
  restore(): void {
    vi.unstubAllGlobals();
  }

  #socket(): ServerSocket {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("the page opened no stream");
    return socket;
  }
}
