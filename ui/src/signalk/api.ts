import { asString, isObject } from "./frames";
import { parsePlugins, type Plugin } from "./plugins";

/** What `GET /signalk` says about the server (signalk-v1 §4.1). */
export interface Discovery {
  serverId: string | undefined;
  serverVersion: string | undefined;
  /** Path of the stream on this origin. */
  streamPath: string;
}

/** `GET /skServer/loginStatus` (server-admin-api §2), as far as this page shows it. */
export interface LoginStatus {
  authenticationRequired: boolean;
  readOnlyAccess: boolean;
  loggedIn: boolean;
  /** Nobody owns the server yet. */
  unclaimed: boolean;
  username: string | undefined;
}

/** The plugin list, or why it can't be shown. */
export type PluginsAnswer = { ok: true; plugins: Plugin[] } | { ok: false; reason: "denied" | "failed"; detail: string };

const DEFAULT_STREAM_PATH = "/signalk/v1/stream";
const STREAM_QUERY = "subscribe=self&sendMeta=all&serverevents=all";

export function parseDiscovery(json: unknown): Discovery {
  const server = isObject(json) && isObject(json.server) ? json.server : {};
  const endpoints = isObject(json) && isObject(json.endpoints) ? json.endpoints : {};
  const v1 = isObject(endpoints.v1) ? endpoints.v1 : {};
  return {
    serverId: asString(server.id),
    serverVersion: asString(server.version) ?? asString(v1.version),
    streamPath: pathOf(v1["signalk-ws"]) ?? DEFAULT_STREAM_PATH,
  };
}

/**
 * WebSocket address of the stream. Only the path of the discovered endpoint is
 * used: this page comes from the same origin, and behind a proxy the host name
 * the server believes in may not be reachable from here.
 */
export function streamUrl(pageUrl: string, streamPath: string): string {
  const url = new URL(streamPath, pageUrl);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = STREAM_QUERY;
  return url.href;
}

export async function fetchDiscovery(): Promise<Discovery> {
  return parseDiscovery(await getJson("/signalk"));
}

export async function fetchLoginStatus(): Promise<LoginStatus> {
  return parseLoginStatus(await getJson("/skServer/loginStatus"));
}

export function parseLoginStatus(json: unknown): LoginStatus {
  const status = isObject(json) ? json : {};
  return {
    authenticationRequired: status.authenticationRequired === true,
    readOnlyAccess: status.readOnlyAccess === true,
    loggedIn: status.status === "loggedIn",
    unclaimed: status.noUsers === true,
    username: asString(status.username),
  };
}

export async function fetchPlugins(): Promise<PluginsAnswer> {
  try {
    return { ok: true, plugins: parsePlugins(await getJson("/skServer/plugins")) };
  } catch (error) {
    const denied = error instanceof HttpError && (error.status === 401 || error.status === 403);
    return { ok: false, reason: denied ? "denied" : "failed", detail: String(error) };
  }
}

class HttpError extends Error {
  constructor(
    readonly url: string,
    readonly status: number,
  ) {
    super(`GET ${url} answered ${status}`);
    this.name = "HttpError";
  }
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url, {
    headers: { Accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(8_000),
  });
  if (!response.ok) throw new HttpError(url, response.status);
  return response.json();
}

function pathOf(endpoint: unknown): string | undefined {
  if (typeof endpoint !== "string" || !URL.canParse(endpoint)) return undefined;
  return new URL(endpoint).pathname;
}
