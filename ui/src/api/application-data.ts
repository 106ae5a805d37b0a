import { isObject } from "../signalk/frames";
import { ApiError, getJson, send } from "./http";

/** Of whom a document is: of each user, or of all. */
export type Scope = "user" | "global";

/** Name and version under which this page keeps its documents. */
const APPLICATION = "windlass-ui/1.0.0";

/** What is in the envelope of a document. */
interface Envelope {
  /** Counts up with each save. */
  revision: number;
  data: unknown;
}

/** A document as it was read: `revision` is 0 when there was none. */
export interface Document<T> {
  revision: number;
  data: T;
}

/** Somebody else has saved the document since it was read. `current` is what there is now. */
export class ConflictError extends Error {
  constructor(readonly current: Document<unknown>) {
    super("This was changed somewhere else in the meantime. Load that version, or save yours over it.");
    this.name = "ConflictError";
  }
}

/**
 * Reads a document of this page. `parse` makes sense of whatever is kept there, for it may come from another version
 * of this page; of nothing at all it gets `undefined`.
 *
 * Rejects with an `ApiError` when it can't be read; 401 when nobody is signed in.
 */
export async function loadDocument<T>(scope: Scope, key: string, parse: (data: unknown) => T): Promise<Document<T>> {
  const envelope = await read(scope, key);
  return { revision: envelope.revision, data: parse(envelope.data) };
}

/**
 * Replaces a document as a whole, if it is still the one that was read: else rejects with a `ConflictError`. Gives the
 * new revision. Keys are plain names without dots and slashes, such as `dashboard`.
 */
export async function saveDocument<T>(scope: Scope, key: string, revision: number, data: T): Promise<number> {
  const current = await read(scope, key);
  if (current.revision !== revision) throw new ConflictError(current);
  const next: Envelope = { revision: revision + 1, data };
  await send("POST", address(scope, key), next, { quiet: true });
  return next.revision;
}

/**
 * Whether a document of this page is another one than that of this revision; 0 is none. Asks for as little as can be, so that
 * it can be asked again and again.
 *
 * Rejects with an `ApiError` when it can't be read.
 */
export async function hasChanged(scope: Scope, key: string, revision: number): Promise<boolean> {
  if (revision === 0) {
    // A key that is not there yet would be a failed request, as below: its name is looked for instead.
    const keys = await getJson(`${address(scope)}?keys=true`, { quiet: true });
    return Array.isArray(keys) && keys.includes(key);
  }
  try {
    return (await getJson(`${address(scope, key)}/revision`, { quiet: true })) !== revision;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return true;
    throw error;
  }
}

async function read(scope: Scope, key: string): Promise<Envelope> {
  // All documents at once: a key that is not there yet would be a failed request, which a browser complains about.
  const all = await getJson(address(scope), { quiet: true });
  const kept = isObject(all) && Object.hasOwn(all, key) ? all[key] : undefined;
  if (isObject(kept) && typeof kept.revision === "number") return { revision: kept.revision, data: kept.data };
  return { revision: 0, data: undefined };
}

function address(scope: Scope, key?: string): string {
  const base = `/signalk/v1/applicationData/${scope}/${APPLICATION}`;
  return key === undefined ? base : `${base}/${encodeURIComponent(key)}`;
}
