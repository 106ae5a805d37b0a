import { ApiError, getJson } from "../api/http";
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
  /** What the user may do; undefined when nobody is signed in. */
  userLevel: "admin" | "readwrite" | "readonly" | undefined;
}

/** The plugin list, or why it can't be shown. */
export type PluginsAnswer = { ok: true; plugins: Plugin[] } | { ok: false; reason: "denied" | "failed"; detail: string };

const userLevels = ["admin", "readwrite", "readonly"] as const;
const DEFAULT_STREAM_PATH = "/signalk/v1/stream";
const STREAM_QUERY = "subscribe=none&sendMeta=all&serverevents=all";

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
  return parseDiscovery(await getJson("/signalk", { quiet: true }));
}

export async function fetchLoginStatus(): Promise<LoginStatus> {
  return parseLoginStatus(await getJson("/skServer/loginStatus", { quiet: true }));
}

export function parseLoginStatus(json: unknown): LoginStatus {
  const status = isObject(json) ? json : {};
  return {
    authenticationRequired: status.authenticationRequired === true,
    readOnlyAccess: status.readOnlyAccess === true,
    loggedIn: status.status === "loggedIn",
    unclaimed: status.noUsers === true,
    username: asString(status.username),
    userLevel: userLevels.find((level) => level === status.userLevel),
  };
}

export async function fetchPlugins(): Promise<PluginsAnswer> {
  try {
    return { ok: true, plugins: parsePlugins(await getJson("/skServer/plugins", { quiet: true })) };
  } catch (error) {
    const denied = error instanceof ApiError && error.isDenied;
    return { ok: false, reason: denied ? "denied" : "failed", detail: error instanceof Error ? error.message : String(error) };
  }
}

function pathOf(endpoint: unknown): string | undefined {
  if (typeof endpoint !== "string" || !URL.canParse(endpoint)) return undefined;
  return new URL(endpoint).pathname;
}
