import { getBlob, getJson, getText, segment, send } from "./http";

/** Settings of the server (server-admin-api §3). `options` has to be sent with every change. */
export interface Settings {
  interfaces?: Record<string, boolean>;
  options: Record<string, boolean | number>;
  loggingDirectory?: string;
  pruneContextsMinutes?: number;
  keepMostRecentLogsOnly?: boolean;
  logCountToKeep?: number;
  runFromSystemd?: boolean;
  courseApi?: { apiOnly: boolean };
  notifications?: { manageNotifications: boolean };
  staleness?: Record<string, boolean | number>;
  port?: number;
  sslport?: number;
  [key: string]: unknown;
}

/** What has become of a change of the settings. */
export interface SettingsReport {
  /** Everything that was saved and is another than before. */
  changes: SettingChange[];
  /** Where the server listens now. */
  addresses: { scheme: "http" | "https"; host: string; port: number }[];
  /** That is somewhere else than before: this page has to go there. */
  moved: boolean;
}

export interface SettingChange {
  /** Where it is in the settings: `options.mdns`. */
  setting: string;
  /** The server does it; something else counts more; this server has nothing that it would change. */
  effect: "now" | "overridden" | "unused";
  /** A sentence. */
  why?: string;
}

/** Facts of own ship; lengths in metres. */
export interface Vessel {
  name?: string;
  mmsi?: string;
  uuid?: string;
  draft?: number;
  length?: number;
  beam?: number;
  height?: number;
  gpsFromBow?: number;
  gpsFromCenter?: number;
  aisShipType?: number;
  callsignVhf?: string;
}

export const fetchSettings = () => getJson<Settings>("/skServer/settings");
/** Saves what is named, and the running server does it. */
export const saveSettings = (settings: Settings) => send<SettingsReport>("PUT", "/skServer/settings", settings);
export const fetchVessel = () => getJson<Vessel>("/skServer/vessel");
export const saveVessel = (vessel: Vessel) => send<string>("PUT", "/skServer/vessel", vessel);
/** Ends the process; whoever supervises it starts it anew. Refused while the server is open to everybody. */
export const restartServer = () => send<string>("PUT", "/skServer/restart");
/** Ends the process for good, unless whoever supervises it starts it anew all the same. Refused as a restart is. */
export const shutDownServer = () => send<string>("PUT", "/windlass/shutdown");

// Logs and debugging.

/** What a message has to be at least to be logged. */
export const logLevels = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];
export const fetchLogLevel = async () => (await getJson<{ level: LogLevel }>("/windlass/logging")).level;
/** Holds until the server ends. */
export const setLogLevel = (level: LogLevel) => send("PUT", "/windlass/logging", { level });

/** Names of the recorded data logs. */
export const fetchLogFiles = () => getJson<string[]>("/skServer/logfiles/");
export const logFileUrl = (name: string) => `/skServer/logfiles/${segment(name)}`;
export const fetchLogFile = (name: string) => getText(logFileUrl(name));
/** All data logs as one ZIP. */
export const fetchLogsZip = () => getBlob("/skServer/ziplogs");
/** What can be debugged: names for `setDebug`. */
export const fetchDebugKeys = () => getJson<string[]>("/skServer/debugKeys");
/** Patterns separated by commas, `""` for none. The event `DEBUG_SETTINGS` has those in force: `{debugEnabled, rememberDebug}`. */
export const setDebug = (patterns: string) => send("POST", "/skServer/debug", { value: patterns });
export const setRememberDebug = (remember: boolean) => send("POST", "/skServer/rememberDebug", { value: remember });

// Backup and restore.

export const fetchBackup = (includePlugins: boolean) => getBlob(`/skServer/backup?includePlugins=${includePlugins}`);
/** Names that can be restored from a backup file; the server keeps the file for `restore`. */
export function validateBackup(file: File): Promise<string[]> {
  const form = new FormData();
  form.append("file", file, file.name);
  return send("POST", "/skServer/validateBackup", form, { timeout: 120_000 });
}
/** Restores what is named by `true`; progress comes as `RESTORESTATUS` `{state, message, percentComplete}`. */
export const restore = (names: Record<string, boolean>) => send("POST", "/skServer/restore", names);

// What only this server has: figures of the machine room.

export type Figures = Record<string, unknown>;

/** Every counter of the server; whatever was dropped is here. The shape grows with the server: read it with care. */
export const fetchStatistics = () => getJson<Figures>("/windlass/statistics");

/** What an output has done since the start. */
export interface OutputStatistics {
  /** Where it listens; absent while it does not. */
  localAddress?: string;
  clients: number;
  connects: number;
  /** Clients sent away because there were as many as allowed. */
  refused: number;
  sent: number;
  /** Lines lost by clients that read too slowly. */
  dropped: number;
  disconnected: number;
  received: number;
  ignored: number;
}

/** The outputs, of `fetchStatistics`. */
export interface OutputFigures {
  nmeaTcp?: OutputStatistics;
  signalkTcp?: OutputStatistics;
}

export const fetchOutputs = async (): Promise<OutputFigures> =>
  (await getJson<{ outputs?: OutputFigures }>("/windlass/statistics")).outputs ?? {};

/** How the server has been doing. Times ms, shares 0..1. */
export interface PerformanceSample {
  /** ISO 8601, the end of the sample. */
  at: string;
  deltasPerSecond: number;
  framesPerSecond: number;
  clients: number;
  /** The most batches that waited for the broker. */
  mostWaiting: number;
  brokerBusy: number;
  longestHandler: number;
  /** Id of the actor whose that was. */
  longestBy?: string;
  longestStall: number;
  coreStall: number;
  dropped: number;
  conflated: number;
  residentBytes?: number;
  anonymousBytes?: number;
  /** Share of one core. */
  cpu?: number;
}

export interface Performance {
  /** Seconds between two samples. */
  interval: number;
  capacity: number;
  /** Oldest first. */
  samples: PerformanceSample[];
}

/** The last quarter of an hour. */
export const fetchPerformance = () => getJson<Performance>("/windlass/performance");

export interface ActorReport {
  id: string;
  /** `broker`, `stage`, `data-model`, `preferred-sources`, `hub`, `client`, `binary-client`, `plugin`, `connection`, `output`, … */
  kind: string;
  name: string;
  label?: string;
  parent?: string;
  thread: string;
  since: string;
  messages: number;
  deltas: number;
  busy: number;
  longest: number;
  /** How long it has been at the message it works on, if it does. */
  running?: number;
  dropped: number;
  restarts: number;
  queue?: { unit: string; waiting: number; most: number; capacity: number; dropped: number };
  lately?: { messagesPerSecond: number; deltasPerSecond: number; busy: number; longest: number; dropped: number; mostWaiting: number };
}

export interface FlowReport {
  from: string;
  to: string;
  messages: number;
  deltas: number;
  messagesPerSecond: number;
  deltasPerSecond: number;
}

export interface ThreadReport {
  name: string;
  longestStall: number;
  lately: number;
  /** How long it has been stuck, if it is. */
  stalled?: number;
}

/** The actors that run and what flows between them. */
export interface Actors {
  interval?: number;
  actors: ActorReport[];
  flows: FlowReport[];
  threads: ThreadReport[];
  /** Left out because there are too many. */
  unlisted: { actors: number; flows: number };
}

export const fetchActors = () => getJson<Actors>("/windlass/actors");

/** The process; what the system does not tell is absent. */
export interface ProcessReport {
  version: string;
  id: number;
  /** Seconds. */
  uptime: number;
  residentBytes?: number;
  anonymousBytes?: number;
  mostResidentBytes?: number;
  totalMemoryBytes?: number;
  availableMemoryBytes?: number;
  cpuSeconds?: number;
  cores?: number;
  load?: [number, number, number];
  threads?: number;
  openFiles?: number;
  maxOpenFiles?: number;
  written?: { bytes: number; since: string; todayBytes: number; todaySince: string };
}

export const fetchProcess = () => getJson<ProcessReport>("/windlass/process");
