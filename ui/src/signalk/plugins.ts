import { asString, isObject } from "./frames";

/** Life of a plugin (wasm-plugin-abi §7.1). */
export const pluginStates = ["running", "starting", "stopped", "crashed", "error", "disabled"] as const;
export type PluginState = (typeof pluginStates)[number];

/** One item of `GET /skServer/plugins` (wasm-plugin-abi §8.1), as far as this page shows it. */
export interface Plugin {
  id: string;
  name: string;
  packageName: string;
  version: string;
  description: string;
  /** A state this page does not know is kept as it is. */
  state: PluginState | (string & {});
  statusMessage: string;
  enabled: boolean;
  type: string | undefined;
}

/** What each state means to the person looking at it. */
export const stateMeaning: Readonly<Record<PluginState, string>> = {
  running: "Started and receiving data.",
  starting: "Being loaded and started; this takes a few seconds at most.",
  stopped: "Not running.",
  crashed: "Failed while running. The server starts it again by itself after 1, 2, then 4 seconds.",
  error: "Given up: it could not start, or crashed too often within a minute. See the message and the server log.",
  disabled: "WASM plugins are switched off on this server.",
};

/** One sentence on the state of this plugin; undefined for a state this page does not know. */
export function meaningOf({ state, enabled }: Pick<Plugin, "state" | "enabled">): string | undefined {
  if (state === "stopped" && !enabled) return "Not enabled.";
  return Object.hasOwn(stateMeaning, state) ? stateMeaning[state as PluginState] : undefined;
}

/** Plugins sorted by name; items without an id are left out. */
export function parsePlugins(json: unknown): Plugin[] {
  if (!Array.isArray(json)) return [];
  const plugins: Plugin[] = [];
  for (const item of json) {
    if (!isObject(item) || typeof item.id !== "string") continue;
    const data = isObject(item.data) ? item.data : {};
    const enabled = data.enabled === true;
    plugins.push({
      id: item.id,
      name: asString(item.name) || item.id,
      packageName: asString(item.packageName) ?? item.id,
      version: asString(item.version) ?? "",
      description: asString(item.description) ?? "",
      // Servers that run plugins of other kinds may give no state.
      state: asString(item.state) ?? (enabled ? "running" : "stopped"),
      statusMessage: asString(item.statusMessage) ?? "",
      enabled,
      type: asString(item.type),
    });
  }
  return plugins.sort((a, b) => a.name.localeCompare(b.name));
}
