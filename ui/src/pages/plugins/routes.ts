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
