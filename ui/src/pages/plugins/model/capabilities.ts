import type { Capabilities, PluginStatus } from "../../../api/plugins";

/** One thing that a plugin may do, for a person who decides about it. */
export interface Permission {
  /** Name in `package.json`. */
  name: string;
  words: string;
  /** It can reach beyond this server, or act in the boat's name. */
  weighty: boolean;
  /** The person has not agreed to it yet. */
  isNew: boolean;
}

type Value = Capabilities[string];

const known: Readonly<Record<string, { words: (value: Value) => string; weighty?: true }>> = {
  network: { words: (value) => `Fetch data over the network${hosts(value)}`, weighty: true },
  rawSockets: { words: (value) => `Open network connections of its own (TCP and UDP)${hosts(value)}`, weighty: true },
  storage: { words: () => "Keep files in a folder of its own" },
  dataRead: { words: () => "Read all data of the boat" },
  dataWrite: { words: () => "Add values and alarms to the data of the boat" },
  serialPorts: { words: () => "Use serial ports", weighty: true },
  putHandlers: { words: () => "Carry out commands, such as switching something when asked to", weighty: true },
  httpEndpoints: { words: () => "Answer web requests below its own address" },
  staticFiles: { words: () => "Show web pages of its own" },
  resourceProvider: { words: () => "Keep routes, waypoints or other resources for all apps" },
  weatherProvider: { words: () => "Provide weather data for all apps" },
  radarProvider: { words: () => "Provide radar pictures for all apps" },
  serverEvents: { words: () => "Follow and send events of the server", weighty: true },
};

/** Where it may connect to: anywhere, or the hosts of its list. */
function hosts(value: Value): string {
  if (typeof value === "object" && value !== null && Array.isArray(value.allow)) {
    return value.allow.length === 0 ? "" : `, only with ${value.allow.join(", ")}`;
  }
  return ", with any computer";
}

function isGranted(name: string, value: Value): boolean {
  if (value === false || value === undefined) return false;
  if (name === "storage") return value !== "none";
  // Not declared: it may, where the package has something of the kind.
  return value !== null;
}

/** What the package asks for; the weighty first. `missing`: what was not agreed to. */
export function permissions(capabilities: Capabilities, missing: readonly string[]): Permission[] {
  const list: Permission[] = [];
  for (const [name, value] of Object.entries(capabilities)) {
    const entry = known[name];
    const isNew = missing.some((one) => one === name || one.startsWith(`${name}:`));
    if (!isGranted(name, value) && !isNew) continue;
    list.push({ name, words: entry?.words(value) ?? name, weighty: entry?.weighty === true, isNew });
  }
  // Of a version that waits only the names are told.
  for (const entry of missing) {
    const [name = entry, detail] = entry.split(/:(.*)/s);
    if (list.some((one) => one.name === name)) continue;
    const words = known[name]?.words({ allow: [] }) ?? name;
    list.push({ name, words: detail === undefined ? words : `${words} (${detail.trim()})`, weighty: known[name]?.weighty === true, isNew: true });
  }
  return list.sort((a, b) => Number(b.isNew) - Number(a.isNew) || Number(b.weighty) - Number(a.weighty));
}

/** Whether switching it on needs an answer first: nobody has agreed to what it asks for, or it asks for more. */
export function asksFirst(status: Pick<PluginStatus, "consented" | "missingConsent" | "capabilities">): boolean {
  if (status.missingConsent.length > 0) return true;
  return status.consented === null && permissions(status.capabilities, []).length > 0;
}
