/**
 * What the server sends on `/signalk/v1/stream`, and the one place where an
 * unknown JSON text becomes one of those types. Anything that fits none of them
 * is `undefined`, and the caller ignores it, as a Signal K client must.
 */

export type JsonObject = { readonly [key: string]: unknown };

/** First frame of every connection. */
export interface Hello {
  kind: "hello";
  /** Own context, `vessels.urn:mrn:...`. */
  self: string;
  name: string | undefined;
  version: string | undefined;
  /** Server clock when the frame was written, ms since the epoch. */
  timestamp: number | undefined;
  /** Changes with each start of the server. */
  serverStartId: string | undefined;
}

export interface PathValue {
  path: string;
  value: unknown;
}

export interface Update {
  source: string;
  /** ms since the epoch; undefined when absent or unreadable. */
  timestamp: number | undefined;
  values: readonly PathValue[];
  meta: readonly PathValue[];
}

export interface Delta {
  kind: "delta";
  /** Undefined means own ship. */
  context: string | undefined;
  updates: readonly Update[];
}

export interface ServerEvent {
  kind: "event";
  type: string;
  data: unknown;
}

export interface ServerError {
  kind: "error";
  message: string;
}

export type Frame = Hello | Delta | ServerEvent | ServerError;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function asNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** ISO 8601 text to ms since the epoch. */
export function parseTimestamp(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

export function parseFrame(text: string): Frame | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Not every frame is JSON (a closing server may send plain text).
    return undefined;
  }
  if (!isObject(json)) return undefined;
  if (Array.isArray(json.updates)) return parseDelta(json.updates, json.context);
  if (typeof json.type === "string") return { kind: "event", type: json.type, data: json.data };
  if (typeof json.self === "string") {
    return {
      kind: "hello",
      self: json.self,
      name: asString(json.name),
      version: asString(json.version),
      timestamp: parseTimestamp(json.timestamp),
      serverStartId: asString(json.serverStartId),
    };
  }
  if (typeof json.errorMessage === "string") return { kind: "error", message: json.errorMessage };
  return undefined;
}

function parseDelta(updates: readonly unknown[], context: unknown): Delta {
  return {
    kind: "delta",
    context: asString(context),
    updates: updates.filter(isObject).map((update) => ({
      source: sourceRef(update),
      timestamp: parseTimestamp(update.timestamp),
      values: pathValues(update.values),
      meta: pathValues(update.meta),
    })),
  };
}

function pathValues(entries: unknown): PathValue[] {
  if (!Array.isArray(entries)) return [];
  const result: PathValue[] = [];
  for (const entry of entries) {
    if (isObject(entry) && typeof entry.path === "string" && "value" in entry) {
      result.push({ path: entry.path, value: entry.value });
    }
  }
  return result;
}

/** `$source`, or the reference the server would derive from the `source` object. */
function sourceRef(update: JsonObject): string {
  if (typeof update.$source === "string") return update.$source;
  const source = update.source;
  if (!isObject(source) || typeof source.label !== "string") return "unknown";
  const device = asString(source.src) ?? asString(source.talker);
  return device === undefined ? source.label : `${source.label}.${device}`;
}
