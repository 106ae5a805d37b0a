import type { Delta, Hello } from "./frames";
import { emptySnapshot, VesselModel, type PathRow, type VesselSnapshot } from "./vessel-model";

/** Most contexts besides own ship: AIS targets of a busy roadstead. */
const MAX_CONTEXTS = 2_000;
/** Paths of another vessel. */
const MAX_PATHS_OF_OTHERS = 2_000;
/** A context that has been silent for this long may make room for another, ms. */
const SILENT_AFTER = 60_000;

interface Other {
  model: VesselModel;
  lastDeltaAt: number;
}

/** Told of a row that changed, and of whom: `undefined` is own ship. */
export type RowListener = (context: string | undefined, row: PathRow) => void;

/** Own ship and everybody else on the stream. */
export class World {
  readonly own = new VesselModel();
  #others = new Map<string, Other>();
  #dirty = new Set<string>();
  #ownDirty = false;
  #serverStartId: string | undefined;
  #hello: Hello | undefined;
  #refused = 0;

  /** Deltas that were left out because there were too many contexts, and values because there were too many paths. */
  get refused(): number {
    let refused = this.#refused + this.own.refused;
    for (const { model } of this.#others.values()) refused += model.refused;
    return refused;
  }

  /** Contexts other than own ship, in the order in which they were first heard. */
  contexts(): string[] {
    return [...this.#others.keys()];
  }

  hello(hello: Hello, now: number): void {
    this.own.hello(hello, now);
    this.#ownDirty = true;
    if (this.#serverStartId !== hello.serverStartId) {
      this.#others.clear();
      this.#dirty.clear();
    }
    this.#serverStartId = hello.serverStartId;
    this.#hello = hello;
    for (const [context, { model }] of this.#others) model.hello({ ...hello, self: context }, now);
  }

  replayed(): void {
    this.own.replayed();
    for (const { model } of this.#others.values()) model.replayed();
  }

  /** Whether the context, as a delta or a page names it, is own ship. */
  isSelf(context: string | undefined): boolean {
    return context === undefined || context === "vessels.self" || context === "self" || context === this.own.self;
  }

  apply(delta: Delta, now: number): void {
    const { context } = delta;
    if (context === undefined || this.isSelf(context)) {
      this.own.apply(delta, now);
      this.#ownDirty = true;
      return;
    }
    const other = this.#others.get(context) ?? this.#add(context, now);
    if (other === undefined) {
      this.#refused += 1;
      return;
    }
    other.lastDeltaAt = now;
    other.model.apply(delta, now);
    this.#dirty.add(context);
  }

  snapshot(context?: string): VesselSnapshot {
    if (this.isSelf(context)) return this.own.snapshot();
    return (context === undefined ? undefined : this.#others.get(context)?.model.snapshot()) ?? emptySnapshot;
  }

  /** Brings the snapshots of all that changed up to date. Returns the other contexts that changed, and whether own ship did. */
  publish(changed: RowListener): { own: boolean; others: ReadonlySet<string> } {
    const result = { own: this.#ownDirty, others: this.#dirty };
    if (this.#ownDirty) this.own.snapshot((row) => changed(undefined, row));
    for (const context of this.#dirty) this.#others.get(context)?.model.snapshot((row) => changed(context, row));
    this.#ownDirty = false;
    this.#dirty = new Set();
    return result;
  }

  #add(context: string, now: number): Other | undefined {
    if (this.#others.size >= MAX_CONTEXTS && !this.#dropSilent(now)) return undefined;
    const model = new VesselModel(MAX_PATHS_OF_OTHERS);
    if (this.#hello !== undefined) model.hello({ ...this.#hello, self: context }, now);
    const other = { model, lastDeltaAt: now };
    this.#others.set(context, other);
    return other;
  }

  #dropSilent(now: number): boolean {
    const before = this.#others.size;
    for (const [context, { lastDeltaAt }] of this.#others) {
      if (now - lastDeltaAt >= SILENT_AFTER) this.#others.delete(context);
    }
    return this.#others.size < before;
  }
}
