import { getJson, send } from "./http";

/** Which source wins (server-admin-api §8). */
export interface Priorities {
  groups: PriorityGroup[];
  overrides: Record<string, SourcePriority[]>;
  defaults: { fallbackMs?: number };
}

export interface PriorityGroup {
  id: string;
  sources: string[];
  inactive?: boolean;
}

export interface SourcePriority {
  sourceRef: string;
  /** ms without a value after which the next source may speak */
  timeout: number | string;
}

/** Sources that share paths, compared with the groups that are saved. */
export interface ReconciledGroup {
  /** Of the saved group, or one made of the sources. */
  id: string;
  /** In the order of the saved group, newcomers after them. */
  sources: string[];
  paths: string[];
  matchedSavedId?: string;
  /** Those that the saved group does not know. */
  newcomerSources: string[];
}

export const fetchPriorities = () => getJson<Priorities>("/skServer/priorities");
/** Replaces all three. */
export const savePriorities = (priorities: Priorities) => send("PUT", "/skServer/priorities", priorities);
export const resetPriorities = () => send("DELETE", "/skServer/priorities");
export const fetchSourceAliases = () => getJson<Record<string, string>>("/skServer/sourceAliases");
export const saveSourceAliases = (aliases: Record<string, string>) => send("PUT", "/skServer/sourceAliases", aliases);
/** Paths of own ship with two or more sources. */
export const fetchMultiSourcePaths = () => getJson<Record<string, string[]>>("/skServer/multiSourcePaths");
export const fetchReconciledGroups = () => getJson<ReconciledGroup[]>("/skServer/reconciledGroups");
/** The source that wins now, by path that has priorities. */
export const fetchPreferredSources = () => getJson<Record<string, string>>("/skServer/livePreferredSources");
/** What is known of the devices behind the sources. */
export const fetchDeviceIdentities = () => getJson<Record<string, unknown>>("/skServer/deviceIdentities");
export const removeSource = (sourceRef: string) =>
  send("DELETE", `/skServer/removeSource?sourceRef=${encodeURIComponent(sourceRef)}`);
