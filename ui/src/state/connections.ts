import type { ProviderRates, ProviderStatus } from "../signalk/server-events";

/** One source of data for the server: a configured connection, WebSocket clients, or a part of the server itself. */
export interface ConnectionView {
  id: string;
  label: string;
  /** A part of the server, not something a person has set up. */
  internal: boolean;
  rates: ProviderRates | undefined;
  status: ProviderStatus | undefined;
}

const internalLabels: Readonly<Record<string, string>> = {
  defaults: "Vessel settings",
  notificationApi: "Notifications",
  "self.notificationhandler": "Zones",
  signalk: "Server",
};

/**
 * Connections by their rates and their status, whichever is known; plugins are
 * left out, they have their own place. The server's own parts come last.
 */
export function connectionViews(
  rates: ReadonlyMap<string, ProviderRates>,
  statuses: readonly ProviderStatus[],
  pluginIds: ReadonlySet<string>,
): ConnectionView[] {
  const statusById = new Map<string, ProviderStatus>();
  const isPlugin = new Set(pluginIds);
  for (const status of statuses) {
    if (status.statusType === "plugin") isPlugin.add(status.id);
    else statusById.set(status.id, status);
  }
  const ids = new Set([...rates.keys(), ...statusById.keys()].filter((id) => !isPlugin.has(id)));
  return [...ids]
    .map((id) => ({
      id,
      label: labelOf(id),
      internal: Object.hasOwn(internalLabels, id),
      rates: rates.get(id),
      status: statusById.get(id),
    }))
    .sort((a, b) => Number(a.internal) - Number(b.internal) || a.label.localeCompare(b.label));
}

function labelOf(id: string): string {
  if (Object.hasOwn(internalLabels, id)) return internalLabels[id] ?? id;
  if (id === "ws") return "WebSocket clients";
  return id.startsWith("ws.") ? `WebSocket client ${id.slice(3)}` : id;
}
