import { getJson, segment, send } from "./http";

/** A data connection of the server (server-admin-api §5). */
export interface Provider {
  id: string;
  enabled: boolean;
  type: string;
  logging?: boolean;
  /** Absent when `editable` is false. */
  options?: ProviderOptions;
  /** The settings as text, when they are a chain that this API does not change. */
  json?: string;
  editable?: boolean;
  /** Which secrets it has, such as `token`; they themselves are never shown. An option that is `null` removes one. */
  secrets?: string[];
}

export type ProviderOptions = { type?: string } & Record<string, unknown>;

/** What a connection can be. */
export const providerTypes = ["NMEA0183", "NMEA2000", "SignalK", "Seatalk", "FileStream", "Execute"] as const;

/** A connection that was found, from the event `DISCOVERY_CHANGED`. */
export interface DiscoveredProvider extends Provider {
  isNew?: boolean;
  wasDiscovered?: boolean;
}

export interface SerialPorts {
  byId: string[];
  byPath: string[];
  byOpenPlotter: string[];
  serialports: { path: string; manufacturer?: string; [key: string]: unknown }[];
}

const BASE = "/skServer/providers";

export const fetchProviders = () => getJson<Provider[]>(BASE);
export const addProvider = (provider: Provider) => send<string>("POST", BASE, provider);
/** `id` is the one it has now; that in `provider` may be another. Empty secrets keep what is saved. */
export const updateProvider = (id: string, provider: Provider) => send<string>("PUT", `${BASE}/${segment(id)}`, provider);
export const removeProvider = (id: string) => send<string>("DELETE", `${BASE}/${segment(id)}`);
/** Looks for devices on the network; what is found comes as `DISCOVERY_CHANGED`. */
export const runDiscovery = () => send<string>("PUT", "/skServer/runDiscovery");
export const fetchSerialPorts = () => getJson<SerialPorts>("/skServer/serialports");

/** What a text would become as input: deltas. `sendToServer` also feeds it in. */
export const testInput = (value: string, sendToServer = false) =>
  send<{ deltas: unknown[] }>("POST", "/skServer/inputTest", { value, sendToServer });

// What goes over the connections now; only this server has it.

/** Counters since the connection was started. */
export interface ConnectionStatistics {
  bytes: number;
  lines: number;
  linesPerSecond: number;
  /** Lines by sentence, such as `RMC`; beyond 64 kinds as `others`. */
  sentences: Record<string, number>;
  bytesOut: number;
  linesOut: number;
  lostOut: number;
  deltas: number;
  badLines: number;
  badLinesByKind: Record<string, number>;
  peers: number;
  connects: number;
  lastLine?: string;
  localAddress?: string;
  [key: string]: unknown;
}

export interface ConnectionOverview {
  id: string;
  type?: string;
  /** Kind of the input, such as `tcp`. */
  input?: string;
  enabled: boolean;
  running: boolean;
  state: "disabled" | "refused" | "starting" | "running" | "failing" | "finished" | "stopped";
  /** ISO 8601 */
  since: string;
  message?: string;
  lastError?: string;
  /** Why it can't be started. */
  problem?: string;
  /** What its settings ask for in vain. */
  notes?: string[];
  statistics: ConnectionStatistics;
  [key: string]: unknown;
}

export interface LastLine {
  /** ISO 8601 */
  at: string;
  line: string;
  /** What is wrong with it. */
  problem?: string;
}

export interface ConnectionDetails extends ConnectionOverview {
  /** At most fifty of each direction, the oldest first. */
  lastLines: { in: LastLine[]; out: LastLine[] };
}

/** A guess at what a device sends. */
export interface TrialFormat {
  kind: "nmea0183" | "signalK" | "gpsd" | "nmea2000" | "multiplexed" | "json" | "text" | "binary";
  /** The same for people. */
  name: string;
  /** How many of the lines are that. */
  lines: number;
  /** What to do about it, where it is not what the connection reads. */
  advice?: string;
}

/** What came of trying a connection. */
export interface Trial {
  connected: boolean;
  message?: string;
  problem?: string;
  /** What most of the lines seem to be; absent when nothing came. */
  format?: TrialFormat;
  lines?: LastLine[];
  statistics?: ConnectionStatistics;
  notes?: string[];
}

export const fetchConnectionOverviews = () => getJson<ConnectionOverview[]>("/windlass/connections");
/** With its last lines. */
export const fetchConnectionDetails = (id: string) => getJson<ConnectionDetails>(`/windlass/connections/${segment(id)}`);
/** Tries settings for some seconds without saving them; 409 while another is tried. */
export const tryConnection = (provider: Partial<Provider>, seconds = 5) =>
  send<Trial>("POST", `/windlass/connections/test?seconds=${seconds}`, provider, { timeout: (seconds + 15) * 1_000 });
