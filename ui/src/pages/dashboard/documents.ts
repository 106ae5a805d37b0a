import { ConflictError, hasChanged, loadDocument, saveDocument, type Document } from "../../api/application-data";
import { ApiError, messageOf } from "../../api/http";
import { fetchLoginStatus, type LoginStatus } from "../../signalk/api";
import { Store } from "../../state/store";
import { readPreference, writePreference } from "../../state/preferences";
import { parseDashboard, serializeDashboard } from "./model/parse";
import type { Dashboard } from "./model/types";

const KEY = "dashboard";
/** Changes of a moment are saved together, ms. */
const GATHER = 400;
/** When the server did not answer, ms. */
const RETRY = 2_000;
const RETRY_SAVE = 5_000;

/** Where what is shown comes from: `none` until somebody made one. */
export type Origin = "none" | "server" | "everybody" | "browser";
export type Saving = "saved" | "saving" | "conflict" | "failed";

export interface Kept {
  /** False until it is known what is kept. */
  loaded: boolean;
  /** Undefined where nothing is kept: then the default is shown. */
  dashboard: Dashboard | undefined;
  origin: Origin;
  saving: Saving;
  /** Counts how often another one came from elsewhere: what was done here before can't be undone then. */
  taken: number;
  /** Why it is not saved, in words. */
  problem: string | undefined;
}

/**
 * The dashboard of one person (`session.ts` has that of whoever sits here). It is kept on the server for each user; in
 * this browser while nobody is signed in who may write. Who has none gets the one for everybody, if there is one.
 */
export class DashboardStore extends Store<Kept> {
  #revision = 0;
  /** Of the document for everybody, as long as that one counts. */
  #everybody = 0;
  #login: LoginStatus | undefined;
  /** Whose it is, for good (`ownerOf`); undefined until somebody's was read. */
  #owner: string | undefined;
  readonly #onOther: () => void;
  /** Whether the server keeps documents for whoever sits here. */
  #atServer = false;
  #theirs: Document<unknown> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isDirty = false;
  #isSaving = false;
  #isLooking = false;
  #isEdited = false;
  #saves: Promise<void> = Promise.resolve();

  /** `onOther` is called when it turns out that somebody else than its owner is signed in. */
  constructor(owner?: string, onOther: () => void = () => undefined) {
    super({ loaded: false, dashboard: undefined, origin: "none", saving: "saved", taken: 0, problem: undefined });
    this.#owner = owner;
    this.#onOther = onOther;
  }

  /** Whose it is (`ownerOf`); undefined until that is known. */
  get owner(): string | undefined {
    return this.#owner;
  }

  /** Closing the page now would lose something. What this browser keeps is written at the last moment too. */
  get isUnsaved(): boolean {
    return this.#atServer && (this.#isDirty || this.#isSaving);
  }

  /**
   * Reads what is kept of its owner, who is the first for whom it is read. `login` is undefined where it is not known who is
   * signed in: the server is asked then. Of somebody else nothing is read.
   */
  async load(login: LoginStatus | undefined): Promise<void> {
    clearTimeout(this.#retry);
    try {
      const who = login ?? (await whoIsHere());
      this.#owner ??= ownerOf(who);
      if (this.#owner === ownerOf(who)) {
        this.#login = who;
        await this.#load(who);
      } else if (login === undefined) {
        this.#onOther();
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // What is shown stays. With nothing to show yet it is tried again, for it may be there all the same.
      if (!this.get().loaded) this.#retry = setTimeout(() => void this.load(login), RETRY);
    }
  }

  /** While it is edited here, that of another device does not take its place without a question. */
  setEdited(isEdited: boolean): void {
    this.#isEdited = isEdited;
  }

  /** Looks whether another device has changed it. What is not saved yet is compared when it is saved. */
  async look(): Promise<void> {
    if (!this.get().loaded || this.#isLooking || this.#isBusy) return;
    this.#isLooking = true;
    try {
      if ((await this.#hasChanged()) && !this.#isBusy) await this.#load(this.#login);
    } catch (error) {
      // What is shown stays; the next look may tell.
      if (!(error instanceof ApiError)) throw error;
    } finally {
      this.#isLooking = false;
    }
  }

  /** Nobody looks any more: nothing is read again. What is not saved yet is still to be saved. */
  stop(): void {
    clearTimeout(this.#retry);
    this.flush();
  }

  /** Does now what was to be saved in a moment. */
  flush(): void {
    if (this.#timer !== undefined) void this.save();
  }

  get #isBusy(): boolean {
    return this.#isDirty || this.#isSaving || this.#theirs !== undefined;
  }

  async #hasChanged(): Promise<boolean> {
    if (this.#atServer && (await hasChanged("user", KEY, this.#revision))) return true;
    const isOwn = this.get().origin === "server" || this.get().origin === "browser";
    return !isOwn && mayRead(this.#login) && hasChanged("global", KEY, this.#everybody);
  }

  async #load(login: LoginStatus | undefined): Promise<void> {
    if (this.#isBusy) return;
    const before = this.#revision;
    const wasAtServer = this.#atServer;
    // Who may only read can keep nothing at the server.
    const own = isKnown(login) && login?.userLevel !== "readonly" ? await read("user") : undefined;
    // A save meanwhile has found out what there is.
    if (this.#isBusy || this.#revision !== before) return;
    const kept = own === undefined ? readLocal() : parseDashboard(own.data);
    if (this.#isEdited && wasAtServer && own !== undefined && own.revision !== before && this.#isAnother(kept)) {
      this.#theirs = own;
      this.#set({ saving: "conflict", problem: undefined });
      return;
    }
    this.#atServer = own !== undefined;
    this.#revision = own?.revision ?? 0;
    if (kept !== undefined) return this.#loaded(kept, own === undefined ? "browser" : "server");
    // Who may not read at all has nothing to ask for.
    const ours = mayRead(login) ? await read("global") : undefined;
    // What is edited is about to become the person's own.
    if (this.#isBusy || (this.#isEdited && this.get().loaded)) return;
    this.#everybody = ours?.revision ?? 0;
    const everybody = parseDashboard(ours?.data);
    this.#loaded(everybody, everybody === undefined ? "none" : "everybody");
  }

  #isAnother(dashboard: Dashboard | undefined): boolean {
    const shown = this.get().dashboard;
    return shown === undefined || dashboard === undefined ? shown !== dashboard : text(shown) !== text(dashboard);
  }

  /** Shows another dashboard and keeps it; undefined goes back to the default. */
  change(dashboard: Dashboard | undefined): void {
    this.#isDirty = true;
    const saving = this.get().saving === "conflict" ? "conflict" : "saving";
    this.#set({ loaded: true, dashboard, saving, origin: this.#atServer ? "server" : "browser" });
    if (saving === "conflict") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.save(), GATHER);
  }

  /** Keeps what is shown, now. */
  save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#saves = this.#saves.then(() => this.#save());
    return this.#saves;
  }

  /** After a conflict: takes the version of the other, or puts this one over it. */
  async resolve(whose: "mine" | "theirs"): Promise<void> {
    const theirs = this.#theirs;
    if (theirs === undefined) return;
    this.#theirs = undefined;
    this.#revision = theirs.revision;
    if (whose === "theirs") {
      this.#isDirty = false;
      this.#loaded(parseDashboard(theirs.data), "server");
      return;
    }
    this.#isDirty = true;
    this.#set({ origin: "server", saving: "saving", problem: undefined });
    await this.save();
  }

  /** Makes a dashboard the one of everybody who has none; for admins. */
  async saveForEverybody(dashboard: Dashboard): Promise<void> {
    const { revision } = await loadDocument("global", KEY, (data) => data);
    await saveDocument("global", KEY, revision, serializeDashboard(dashboard));
  }

  async #save(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#isSaving = true;
    await this.#send().finally(() => {
      this.#isSaving = false;
    });
  }

  async #send(): Promise<void> {
    const { dashboard } = this.get();
    // An empty document says that the default is wanted.
    const data = dashboard === undefined ? null : serializeDashboard(dashboard);
    if (!this.#atServer) {
      writePreference(KEY, JSON.stringify(data));
      this.#saved();
      return;
    }
    try {
      await this.#checkOwner();
      this.#revision = await saveDocument("user", KEY, this.#revision, data);
      this.#saved();
    } catch (error) {
      this.#isDirty = true;
      if (error instanceof ConflictError) {
        this.#theirs = error.current;
        this.#set({ saving: "conflict", problem: error.message });
      } else {
        this.#set({ saving: "failed", problem: messageOf(error) });
        // The link may come back without the stream having lost it.
        if (error instanceof ApiError && error.isOffline) this.#timer ??= setTimeout(() => void this.save(), RETRY_SAVE);
      }
    }
  }

  /**
   * The server keeps it for whoever is signed in when it arrives. That may be somebody else by now, also by another tab of
   * this browser.
   */
  async #checkOwner(): Promise<void> {
    if (ownerOf(await whoIsHere()) === this.#owner) return;
    this.#onOther();
    const name = this.#login?.username ?? "whoever made it";
    throw new Error(`This belongs to ${name}, who is not signed in any more. It is saved when ${name} signs in again in this tab.`);
  }

  /** It may have been changed again while it was on its way. */
  #saved(): void {
    this.#set({ saving: this.#isDirty ? "saving" : "saved", problem: undefined });
  }

  #loaded(dashboard: Dashboard | undefined, origin: Origin): void {
    // What is the same stays the same object, so that nothing is drawn anew.
    const { taken, dashboard: shown } = this.get();
    const change = this.#isAnother(dashboard) ? { dashboard, taken: taken + 1 } : { dashboard: shown };
    this.#set({ loaded: true, ...change, origin, saving: "saved", problem: undefined });
  }

  #set(change: Partial<Kept>): void {
    this.set({ ...this.get(), ...change });
  }
}

function text(dashboard: Dashboard): string {
  return JSON.stringify(serializeDashboard(dashboard));
}

/** Whom what is kept belongs to: each user has their own, and there is one where nobody has to sign in. */
export function ownerOf(login: LoginStatus | undefined): string {
  if (login === undefined) return "unknown";
  if (login.loggedIn) return `user ${login.username}`;
  return login.authenticationRequired ? "nobody" : "anybody";
}

/** Who is signed in at this moment; undefined where the server does not tell. */
async function whoIsHere(): Promise<LoginStatus | undefined> {
  try {
    return await fetchLoginStatus();
  } catch (error) {
    // A server without accounts has no such route, or a page of its own there. Any other failure tells nothing of who it is.
    if (error instanceof ApiError && [200, 401, 403, 404, 405].includes(error.status)) return undefined;
    throw error;
  }
}

/** Whether the server knows for whom it keeps something. */
function isKnown(login: LoginStatus | undefined): boolean {
  return login === undefined || !login.authenticationRequired || login.loggedIn;
}

function mayRead(login: LoginStatus | undefined): boolean {
  return isKnown(login) || login?.readOnlyAccess === true;
}

/** Undefined where the server keeps nothing for whoever sits here. */
async function read(scope: "user" | "global"): Promise<Document<unknown> | undefined> {
  try {
    return await loadDocument(scope, KEY, (data) => data);
  } catch (error) {
    if (error instanceof ApiError && (error.isDenied || error.status === 404 || error.status === 405)) return undefined;
    throw error;
  }
}

function readLocal(): Dashboard | undefined {
  try {
    return parseDashboard(JSON.parse(readPreference(KEY) ?? "null"));
  } catch {
    // Something else is kept under this name: the default is shown.
    return undefined;
  }
}
