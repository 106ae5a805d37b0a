export const tabs = ["settings", "permissions", "limits", "log"] as const;
export type Tab = (typeof tabs)[number];

/** The address of a plugin, and of one of its tabs. */
export function pluginRoute(id: string, tab?: Tab): string {
  return `/plugins/${encodeURIComponent(id)}${tab === undefined || tab === "settings" ? "" : `?tab=${tab}`}`;
}

/** The tab that a route names. */
export function tabOf(route: string): Tab {
  const named = new URLSearchParams(route.split("?")[1] ?? "").get("tab");
  return tabs.find((tab) => tab === named) ?? "settings";
}

/** From where something is installed. */
export type From = "file" | "registry";

/** The address of the list of plugins. */
export const listRoute = "/plugins";

/** The address of the dialog that installs plugins and web apps. Other pages link to it: `#/plugins?install=registry`. */
export function installRoute(from?: From): string {
  return `${listRoute}?install${from === undefined ? "" : `=${from}`}`;
}

/** From where a route wants something installed; undefined when it wants nothing. */
export function installOf(route: string): From | undefined {
  const wanted = new URLSearchParams(route.split("?")[1] ?? "").get("install");
  if (wanted === null) return undefined;
  return wanted === "registry" ? "registry" : "file";
}
