import { asNumber, asString, isObject, parseTimestamp } from "./frames";

/** Data of `SERVERSTATISTICS` (server-admin-api §14). Rates are per second. */
export interface ServerStatistics {
  deltaRate: number;
  numberOfAvailablePaths: number | undefined;
  wsClients: number | undefined;
  /** Seconds since the server started, when the event was made. */
  uptime: number | undefined;
  providers: ReadonlyMap<string, ProviderRates>;
}

export interface ProviderRates {
  /** Deltas per second coming in from this provider. */
  deltaRate: number;
  deltaCount: number;
  /** Messages per second written out to this provider. */
  writeRate: number;
}

/** One entry of `PROVIDERSTATUS`. */
export interface ProviderStatus {
  id: string;
  isError: boolean;
  statusType: "provider" | "plugin";
  message: string;
  timestamp: number | undefined;
  lastError: string | undefined;
  lastErrorTimestamp: number | undefined;
}

export interface VesselInfo {
  name: string | undefined;
  mmsi: string | undefined;
  uuid: string | undefined;
}

export function parseStatistics(data: unknown): ServerStatistics | undefined {
  if (!isObject(data)) return undefined;
  const providers = new Map<string, ProviderRates>();
  if (isObject(data.providerStatistics)) {
    for (const [id, rates] of Object.entries(data.providerStatistics)) {
      if (!isObject(rates)) continue;
      providers.set(id, {
        deltaRate: asNumber(rates.deltaRate) ?? 0,
        deltaCount: asNumber(rates.deltaCount) ?? 0,
        writeRate: asNumber(rates.writeRate) ?? 0,
      });
    }
  }
  return {
    deltaRate: asNumber(data.deltaRate) ?? 0,
    numberOfAvailablePaths: asNumber(data.numberOfAvailablePaths),
    wsClients: asNumber(data.wsClients),
    uptime: asNumber(data.uptime),
    providers,
  };
}

export function parseProviderStatus(data: unknown): ProviderStatus[] | undefined {
  if (!Array.isArray(data)) return undefined;
  const result: ProviderStatus[] = [];
  for (const entry of data) {
    if (!isObject(entry) || typeof entry.id !== "string") continue;
    result.push({
      id: entry.id,
      isError: entry.type === "error",
      statusType: entry.statusType === "plugin" ? "plugin" : "provider",
      message: asString(entry.message) ?? "",
      timestamp: parseTimestamp(entry.timeStamp),
      lastError: asString(entry.lastError),
      lastErrorTimestamp: parseTimestamp(entry.lastErrorTimeStamp),
    });
  }
  return result;
}

export function parseVesselInfo(data: unknown): VesselInfo | undefined {
  if (!isObject(data)) return undefined;
  return { name: asString(data.name), mmsi: asString(data.mmsi), uuid: asString(data.uuid) };
}
