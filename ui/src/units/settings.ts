import { loadDocument, saveDocument, ConflictError } from "../api/application-data";
import { ApiError } from "../api/http";
import { Store } from "../state/store";
import { defaultPreferences, parsePreferences, type UnitPreferences } from "./preferences";

const KEY = "units";
const LOCAL = "windlass.units";

/** Where the preferences are kept. */
export type KeptAt = "server" | "browser";

/** The unit preferences of whoever sits here: on the server, and in this browser where the server keeps nothing for them. */
export class UnitSettings extends Store<UnitPreferences> {
  #revision = 0;

  constructor() {
    super(readLocal());
  }

  /** Reads what the server has; what is in this browser stays where that is nothing. */
  async load(): Promise<void> {
    try {
      const { revision, data } = await loadDocument("user", KEY, (kept) => kept);
      this.#revision = revision;
      if (revision > 0) {
        this.set(parsePreferences(data));
        writeLocal(this.get());
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Nobody is signed in, or there is no link: what this browser remembers holds.
    }
  }

  /** Shows and keeps preferences. Says where; the last who saves wins. */
  async save(preferences: UnitPreferences): Promise<KeptAt> {
    this.set(preferences);
    writeLocal(preferences);
    try {
      this.#revision = await this.#saveToServer(preferences);
      return "server";
    } catch (error) {
      if (error instanceof ApiError && (error.isDenied || error.isOffline || error.status === 405)) return "browser";
      throw error;
    }
  }

  async #saveToServer(preferences: UnitPreferences): Promise<number> {
    try {
      return await saveDocument("user", KEY, this.#revision, preferences);
    } catch (error) {
      if (error instanceof ConflictError) return saveDocument("user", KEY, error.current.revision, preferences);
      throw error;
    }
  }
}

function readLocal(): UnitPreferences {
  try {
    return parsePreferences(JSON.parse(window.localStorage.getItem(LOCAL) ?? "null"));
  } catch {
    // No storage, or something else in it: everybody starts with the same.
    return defaultPreferences;
  }
}

function writeLocal(preferences: UnitPreferences): void {
  try {
    window.localStorage.setItem(LOCAL, JSON.stringify(preferences));
  } catch {
    // Storage is switched off or full: it holds until the page is closed.
  }
}
