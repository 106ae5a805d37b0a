import { asNumber, asString, isObject, type Delta, type Hello, type JsonObject, type Update } from "./frames";

/** What one source last said about a path. */
export interface Reading {
  source: string;
  value: unknown;
  /** Time the data carries, ms since the epoch. */
  timestamp: number | undefined;
  /** Time by this device's clock at which the value was current, ms: its age counts from here. */
  asOf: number;
  /** The data's own time is far from the time it arrived: a recording, or a clock that is wrong. */
  clockDiffers: boolean;
  /** How many readings have come from this source so far; what was repeated is not counted. */
  count: number;
}

/** Everything known about one path. Replaced as a whole when anything in it changes. */
export interface PathRow {
  path: string;
  /** First path segment; `vessel` for attributes of the vessel itself, such as its name. */
  group: string;
  /** The last write of any source: what the tree's `value` shows. */
  latest: Reading;
  /** One reading a source, sorted by source. */
  readings: readonly Reading[];
  meta: Meta;
}

/** Metadata of a path (signalk-v1 §3), as far as this page uses it. */
export interface Meta {
  units: string | undefined;
  description: string | undefined;
  displayName: string | undefined;
  /** Seconds after which a value is too old; 0 means never. */
  timeout: number | undefined;
  /** Units of the members of an object value. */
  propertyUnits: ReadonlyMap<string, string>;
  /** Ranges of the value that mean something, in the order in which they are tested (signalk-v1 §7.2). */
  zones: readonly Zone[];
  /** All that the server has said, also what this page does not know. */
  raw: JsonObject;
}

/** A range of a value, SI; `lower` belongs to it, `upper` does not. */
export interface Zone {
  lower: number | undefined;
  upper: number | undefined;
  state: string;
  message: string;
}

/** Metadata of a path of which none is known. */
export const noMeta: Meta = {
  units: undefined,
  description: undefined,
  displayName: undefined,
  timeout: undefined,
  propertyUnits: new Map(),
  zones: [],
  raw: {},
};

export interface VesselSnapshot {
  /** Sorted by path; rows that did not change are the same objects as before. */
  rows: readonly PathRow[];
  byPath: ReadonlyMap<string, PathRow>;
}

interface PathState {
  path: string;
  readings: Map<string, StoredReading>;
  latest: StoredReading | undefined;
  rawMeta: JsonObject;
  meta: Meta;
  row: PathRow | undefined;
}

interface StoredReading extends Reading {
  /** Number of the connection that brought it. */
  connection: number;
  /** Arrival minus timestamp when it last arrived live, ms. */
  lag: number | undefined;
}

/** Beyond this the data's own clock is worth a remark, ms. */
const CLOCK_TOLERANCE = 120_000;
const MAX_ROOT_DEPTH = 3;
/** More paths than any vessel has: what comes beyond is counted and left out. */
const MAX_PATHS = 20_000;
/** Most sources of a path. */
const MAX_SOURCES = 64;

export const emptySnapshot: VesselSnapshot = { rows: [], byPath: new Map() };

/**
 * Own ship as the stream tells it: the latest value of each path and source.
 *
 * Writing is cheap and happens for every delta; `snapshot` is called at the pace
 * of the display and rebuilds only the rows that changed since the last call.
 */
export class VesselModel {
  #self: string | undefined;
  #serverStartId: string | undefined;
  #paths = new Map<string, PathState>();
  #sorted: PathState[] = [];
  #sortNeeded = false;
  #dirty = new Set<PathState>();
  #snapshot: VesselSnapshot = emptySnapshot;
  /** This device's clock minus the server's, ms. */
  #clockOffset = 0;
  #connection = 0;
  #deltaCount = 0;
  #refused = 0;
  readonly #maxPaths: number;

  constructor(maxPaths = MAX_PATHS) {
    this.#maxPaths = maxPaths;
  }

  /** Values left out because there were too many paths, or too many sources of one. */
  get refused(): number {
    return this.#refused;
  }

  /** Paths that have a value or metadata. */
  get size(): number {
    return this.#paths.size;
  }

  /** Deltas of own ship applied so far. */
  get deltaCount(): number {
    return this.#deltaCount;
  }

  get self(): string | undefined {
    return this.#self;
  }

  /** A connection begins. Another vessel, or a server that was restarted, begins empty. */
  hello(hello: Hello, now: number): void {
    const restarted = this.#serverStartId !== undefined && hello.serverStartId !== this.#serverStartId;
    if (restarted || (this.#self !== undefined && this.#self !== hello.self)) this.#clear();
    this.#self = hello.self;
    this.#serverStartId = hello.serverStartId;
    this.#clockOffset = hello.timestamp === undefined ? 0 : now - hello.timestamp;
    this.#connection += 1;
  }

  /** The server is about to repeat what it has, because it was asked for more: as at the start of a connection. */
  replayed(): void {
    this.#connection += 1;
  }

  /** Applies a delta in order; one of another vessel changes nothing. */
  apply(delta: Delta, now: number): void {
    if (!this.#isSelf(delta.context)) return;
    this.#deltaCount += 1;
    for (const update of delta.updates) {
      for (const { path, value } of update.meta) this.#setMeta(path, value);
      for (const { path, value } of update.values) {
        if (path === "") this.#setRoot("", value, update, now, 0);
        else this.#setValue(path, value, update, now);
      }
    }
  }

  /** The rows as they are now; `changed` is told each that is not as it was at the last call. */
  snapshot(changed?: (row: PathRow) => void): VesselSnapshot {
    if (this.#dirty.size === 0) return this.#snapshot;
    for (const state of this.#dirty) {
      const isNew = state.row === undefined;
      state.row = buildRow(state);
      if (state.row !== undefined) changed?.(state.row);
      if (isNew && state.row !== undefined) {
        this.#sorted.push(state);
        this.#sortNeeded = true;
      }
    }
    this.#dirty.clear();
    if (this.#sortNeeded) {
      this.#sorted.sort((a, b) => (a.path < b.path ? -1 : 1));
      this.#sortNeeded = false;
    }
    const rows: PathRow[] = [];
    const byPath = new Map<string, PathRow>();
    for (const { row } of this.#sorted) {
      if (row === undefined) continue;
      rows.push(row);
      byPath.set(row.path, row);
    }
    this.#snapshot = { rows, byPath };
    return this.#snapshot;
  }

  #isSelf(context: string | undefined): boolean {
    return context === undefined || context === "vessels.self" || context === this.#self;
  }

  #clear(): void {
    this.#paths.clear();
    this.#dirty.clear();
    this.#sorted = [];
    this.#snapshot = emptySnapshot;
  }

  #state(path: string): PathState | undefined {
    let state = this.#paths.get(path);
    if (state === undefined) {
      if (this.#paths.size >= this.#maxPaths) {
        this.#refused += 1;
        return undefined;
      }
      state = { path, readings: new Map(), latest: undefined, rawMeta: {}, meta: noMeta, row: undefined };
      this.#paths.set(path, state);
    }
    return state;
  }

  #setMeta(path: string, value: unknown): void {
    if (path === "" || !isObject(value)) return;
    const state = this.#state(path);
    if (state === undefined) return;
    state.rawMeta = { ...state.rawMeta, ...value };
    state.meta = parseMeta(state.rawMeta);
    this.#dirty.add(state);
  }

  /** Attributes of the vessel come as one object at path "" (signalk-v1 §1.4); each becomes a row. */
  #setRoot(prefix: string, value: unknown, update: Update, now: number, depth: number): void {
    if (isObject(value) && depth < MAX_ROOT_DEPTH) {
      for (const [key, member] of Object.entries(value)) {
        this.#setRoot(prefix === "" ? key : `${prefix}.${key}`, member, update, now, depth + 1);
      }
    } else if (prefix !== "") {
      this.#setValue(prefix, value, update, now);
    }
  }

  #setValue(path: string, value: unknown, update: Update, now: number): void {
    const state = this.#state(path);
    if (state === undefined) return;
    const before = state.readings.get(update.source);
    if (before === undefined && state.readings.size >= MAX_SOURCES) {
      this.#refused += 1;
      return;
    }
    const reading = this.#reading(before, value, update, now);
    state.readings.set(update.source, reading);
    state.latest = reading;
    this.#dirty.add(state);
  }

  /**
   * A connection starts with the server's cached values, which may be old: the
   * first reading of a connection is dated by its timestamp. Later ones arrive
   * as they are made and are dated by their arrival, so that a recording, whose
   * timestamps lie years back, still shows as live.
   */
  #reading(before: StoredReading | undefined, value: unknown, update: Update, now: number): StoredReading {
    const { source, timestamp } = update;
    let asOf = now;
    let lag: number | undefined;
    const isRepeated = before !== undefined && timestamp !== undefined && before.timestamp === timestamp;
    const count = (before?.count ?? 0) + (isRepeated ? 0 : 1);
    if (timestamp !== undefined) {
      if (before === undefined || before.connection !== this.#connection) {
        lag = before?.lag;
        asOf = Math.min(now, timestamp + (lag ?? this.#clockOffset));
      } else if (before.timestamp === timestamp && before.value === value) {
        // The same reading again is not news.
        lag = before.lag;
        asOf = before.asOf;
      } else {
        lag = now - timestamp;
      }
    }
    const clockDiffers =
      timestamp !== undefined && Math.abs(asOf - timestamp - this.#clockOffset) > CLOCK_TOLERANCE;
    return { source, value, timestamp, asOf, clockDiffers, count, lag, connection: this.#connection };
  }
}

function buildRow(state: PathState): PathRow | undefined {
  if (state.latest === undefined) return undefined;
  const readings = [...state.readings.values()];
  if (readings.length > 1) readings.sort((a, b) => (a.source < b.source ? -1 : 1));
  return {
    path: state.path,
    group: groupOf(state.path),
    latest: state.latest,
    readings,
    meta: state.meta,
  };
}

function groupOf(path: string): string {
  const dot = path.indexOf(".");
  return dot < 0 ? "vessel" : path.slice(0, dot);
}

/** Metadata as this page uses it, from what the server says. */
export function parseMeta(raw: JsonObject): Meta {
  let propertyUnits = noMeta.propertyUnits;
  if (isObject(raw.properties)) {
    const units = new Map<string, string>();
    for (const [name, property] of Object.entries(raw.properties)) {
      if (isObject(property) && typeof property.units === "string") units.set(name, property.units);
    }
    propertyUnits = units;
  }
  return {
    units: asString(raw.units),
    description: asString(raw.description),
    displayName: asString(raw.displayName),
    timeout: asNumber(raw.timeout),
    propertyUnits,
    zones: Array.isArray(raw.zones) ? raw.zones.filter(isObject).map(parseZone) : [],
    raw,
  };
}

function parseZone(zone: JsonObject): Zone {
  return {
    lower: asNumber(zone.lower),
    upper: asNumber(zone.upper),
    state: asString(zone.state) ?? "normal",
    message: asString(zone.message) ?? "",
  };
}
