import type { JSONSchema7 } from "json-schema";
import { getJson, segment, send } from "./http";

/** One plugin as the list has it (wasm-plugin-abi §8.1). */
export interface PluginDetails {
  id: string;
  name: string;
  packageName: string;
  keywords?: string[];
  version: string;
  description?: string;
  /** JSON Schema of `data.configuration`; may be empty or wrong. */
  schema?: JSONSchema7;
  uiSchema?: Record<string, unknown>;
  statusMessage?: string;
  state?: string;
  data: PluginData;
  type?: string;
  bundled?: boolean;
}

export interface PluginData {
  enabled: boolean;
  enableLogging?: boolean;
  enableDebug?: boolean;
  configuration?: unknown;
}

/** What a package may do. */
export type Capabilities = Record<string, boolean | string | { allow: string[] } | null>;

export interface Limit {
  limit: number | Record<string, number>;
  used: number;
  exceeded: number;
}

/** `GET /skServer/plugins/<id>/status` of this server. */
export interface PluginStatus {
  id: string;
  state: string;
  statusMessage: string;
  errorMessage: string | null;
  crashCount: number;
  lastCrash: string | null;
  restartBackoff: number | null;
  version: string;
  capabilities: Capabilities;
  /** Null when nobody was asked yet. */
  consented: Capabilities | null;
  missingConsent: string[];
  pendingVersion: string | null;
  capabilityWarnings: string[];
  memoryBytes: number;
  queuedDeltas: number;
  droppedDeltas: number;
  refusedDeltas: number;
  calls: { count: number; failed: number; maxMs: number };
  limits: Record<string, Limit>;
  /** What the operator should know. */
  notices?: string[];
  [key: string]: unknown;
}

export interface PluginLogLine {
  seq: number;
  time: string;
  level: string;
  source: string;
  text: string;
}

/** `missed` lines were dropped before the first; `last` is the number to ask on from. */
export interface PluginLogExcerpt {
  missed: number;
  last: number;
  lines: PluginLogLine[];
}

/** `GET /skServer/plugins/@statistics` */
export interface PluginStatistics {
  totalSubscriptions: number;
  activePlugins: number;
  bufferingPlugins: number;
  bufferedDeltas: number;
  plugins: {
    id: string;
    state: string;
    queuedDeltas: number;
    mostQueued: number;
    deliveredDeltas: number;
    droppedDeltas: number;
    recentCrashes: number;
    /** Of one core, in the last ten seconds. */
    cpuShare?: number;
    cpuLimit?: number;
    memoryBytes?: number;
    memoryLimit?: number;
    emittedPerSecond?: number;
    /** Emitted, but not taken. */
    refusedDeltas?: number;
    /** Since the server started. */
    crashCount?: number;
  }[];
}

const BASE = "/skServer/plugins";
const of = (id: string, what: string) => `${BASE}/${segment(id)}/${what}`;

/** Also the event `PLUGINS_CHANGED`. */
export const fetchPluginList = () => getJson<PluginDetails[]>(BASE);
export const fetchPluginConfig = (id: string) => getJson<PluginData>(of(id, "config"));
/** Saves, stops the plugin, and starts it if it is enabled. */
export const savePluginConfig = (id: string, data: PluginData) => send<string>("POST", of(id, "config"), data);
export const fetchPluginStatus = (id: string) => getJson<PluginStatus>(of(id, "status"));
export const fetchPluginStatistics = () => getJson<PluginStatistics>(`${BASE}/@statistics`);
/** With `consent` the person agrees to what the package asks for; without it a package that asks for more is refused (422). */
export const enablePlugin = (id: string, consent = false) => send("POST", of(id, "enable"), consent ? { consent } : {});
export const disablePlugin = (id: string) => send("POST", of(id, "disable"));
export const restartPlugin = (id: string) => send("POST", of(id, "restart"));
/** Loads the module anew, as after an update. */
export const reloadPlugin = (id: string) => send("POST", of(id, "reload"));
export const consentToPlugin = (id: string) => send("POST", of(id, "@consent"));
/** Lines after number `after`; waits up to `wait` seconds for one. */
export const fetchPluginLog = (id: string, after: number, wait = 0, signal?: AbortSignal) =>
  getJson<PluginLogExcerpt>(`${of(id, "@log")}?after=${after}&wait=${wait}`, {
    timeout: (wait + 15) * 1_000,
    ...(signal === undefined ? {} : { signal }),
  });
