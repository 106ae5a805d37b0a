import { getJson, send } from "./http";

/** The server's own unit preferences (server-admin-api §13): for apps that ask for them. This page keeps its own, see units/. */
const BASE = "/signalk/v1/unitpreferences";

export interface ServerUnitPresets {
  builtIn: { name: string; displayName: string; description: string }[];
  custom: { name: string; displayName: string; description: string }[];
}

export const fetchServerUnitConfig = () => getJson<{ activePreset?: string; [key: string]: unknown }>(`${BASE}/config`);
export const saveServerUnitConfig = (config: Record<string, unknown>) => send("PUT", `${BASE}/config`, config);
export const fetchServerUnitPresets = () => getJson<ServerUnitPresets>(`${BASE}/presets`);
export const fetchActiveServerUnits = () => getJson<Record<string, unknown>>(`${BASE}/active`);
