/** What the server says of a restoration (event `RESTORESTATUS`), and what can be chosen of a backup. */
import { asNumber, asString, isObject } from "../../../signalk/frames";

export interface RestoreStatus {
  state: "busy" | "done" | "failed";
  message: string;
  percent: number;
}

/** Undefined until something is known. */
export function restoreStatus(data: unknown): RestoreStatus | undefined {
  if (!isObject(data)) return undefined;
  const state = asString(data.state) ?? "";
  const message = asString(data.message) ?? "";
  const percent = Math.min(100, Math.max(0, asNumber(data.percentComplete) ?? 0));
  if (state === "Error") return { state: "failed", message, percent };
  return { state: state === "Complete" ? "done" : "busy", message, percent };
}

const meanings: Readonly<Record<string, string>> = {
  "settings.json": "Settings and connections",
  "security.json": "Users, devices and passwords",
  "baseDeltas.json": "The boat: name, MMSI, size",
  "defaults.json": "The boat, as older servers keep it",
  "priorities.json": "Preferred sources",
  "windlass.toml": "Settings of Windlass itself",
  "plugin-consents.json": "What plugins may do",
  "package.json": "List of plugins and web apps",
  "package-lock.json": "Versions of plugins and web apps",
  "ssl-key.pem": "Your own certificate: its key",
  "ssl-cert.pem": "Your own certificate",
  "ssl-chain.pem": "Your own certificate: who vouches for it",
  "plugin-config-data/": "Settings and data of plugins",
  "applicationData/": "Dashboards, and what apps keep",
  "unitpreferences/": "Units",
  "serverstate/": "Charts, routes and what the server keeps",
  "plugin-packages/": "Plugins and web apps that came as files",
  "tls/": "Certificates of the boat",
  "node_modules/": "Plugins and web apps themselves",
};

/** What a name in a backup stands for. */
export function meaningOf(name: string): string | undefined {
  return Object.hasOwn(meanings, name) ? meanings[name] : undefined;
}

/** Names from the answer of the server, which says them as text. */
export function namesOf(answer: unknown): string[] {
  return Array.isArray(answer) ? answer.filter((name): name is string => typeof name === "string") : [];
}

/** `signalk-2026-05-01T12-30.backup`: the server takes names back that begin and end so. */
export function backupName(now: Date): string {
  return `signalk-${now.toISOString().slice(0, 16).replace(":", "-")}.backup`;
}
