/** What somebody wants from the stream (signalk-v1 §5.4). */
export interface Want {
  /** `vessels.self` when absent; an exact context or a pattern with `*`. */
  context?: string;
  /** A path or a pattern with `*`. */
  path: string;
  /** At most one value a path and source in this time, ms; 0: each as it comes. */
  period?: number;
  /** Also the sources that are not the preferred one. */
  allSources?: boolean;
}

/** A message to the server. */
export type ControlMessage = { context: string; subscribe: object[]; sourcePolicy?: "all" } | typeof UNSUBSCRIBE;

const UNSUBSCRIBE = { context: "*", unsubscribe: [{ path: "*" }] } as const;
/** The display is not renewed more often, ms. */
const DEFAULT_PERIOD = 200;
/** What nobody wants any more is kept for a while, for pages come and go, ms. */
const GRACE = 3_000;
/** Wants of one rendering go out as one message, ms. */
const GATHER = 20;

interface Row {
  context: string;
  path: string;
  period: number;
  allSources: boolean;
}

/**
 * The wants of all that is on the screen, counted, on the one connection there is. What is added is subscribed to; what
 * nobody wants any more is dropped a little later by starting over, which is the only way that every server knows.
 */
export class Subscriptions {
  #counts = new Map<string, { row: Row; count: number }>();
  /** Keys the server has been told. */
  #sent = new Set<string>();
  #isOpen = false;
  #gather: ReturnType<typeof setTimeout> | undefined;
  #shrink: ReturnType<typeof setTimeout> | undefined;
  readonly #send: (message: ControlMessage) => void;
  readonly #beforeReplay: () => void;

  /** `beforeReplay` is called before the server is asked for something: it answers with what it has, which may be old. */
  constructor(send: (message: ControlMessage) => void, beforeReplay: () => void) {
    this.#send = send;
    this.#beforeReplay = beforeReplay;
  }

  /** Asks for something until the returned function is called. */
  add(wants: readonly Want[]): () => void {
    const keys = wants.map((want) => this.#count(want));
    this.#gather ??= setTimeout(() => {
      this.#gather = undefined;
      this.#grow();
    }, GATHER);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      for (const key of keys) this.#release(key);
      this.#shrink ??= setTimeout(() => {
        this.#shrink = undefined;
        this.#startOver();
      }, GRACE);
    };
  }

  /** A connection has begun, with nothing subscribed to. */
  opened(): void {
    this.#isOpen = true;
    this.#sent.clear();
    this.#grow();
  }

  closed(): void {
    this.#isOpen = false;
    this.#sent.clear();
  }

  stop(): void {
    clearTimeout(this.#gather);
    clearTimeout(this.#shrink);
    this.#gather = undefined;
    this.#shrink = undefined;
  }

  #count(want: Want): string {
    const row: Row = {
      context: want.context ?? "vessels.self",
      path: want.path,
      period: want.period ?? DEFAULT_PERIOD,
      allSources: want.allSources ?? false,
    };
    const key = JSON.stringify([row.context, row.path, row.period, row.allSources]);
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { row, count: 1 });
    else known.count += 1;
    return key;
  }

  #release(key: string): void {
    const known = this.#counts.get(key);
    if (known === undefined) return;
    known.count -= 1;
    if (known.count === 0) this.#counts.delete(key);
  }

  /** Rows that no other row covers: a value that two rows ask for would come twice. */
  #plan(): Map<string, Row> {
    const all = [...this.#counts].map(([key, { row }]) => ({ key, row }));
    const kept = all.filter(({ key, row }) => !all.some((other) => other.key !== key && covers(other, { key, row })));
    return new Map(kept.map(({ key, row }) => [key, row]));
  }

  #grow(): void {
    if (!this.#isOpen) return;
    const plan = this.#plan();
    const news = [...plan].filter(([key]) => !this.#sent.has(key));
    if (news.length === 0) return;
    this.#subscribe(news);
  }

  #startOver(): void {
    if (!this.#isOpen) return;
    const plan = this.#plan();
    if ([...this.#sent].every((key) => plan.has(key))) return;
    this.#send(UNSUBSCRIBE);
    this.#sent.clear();
    this.#subscribe([...plan]);
  }

  #subscribe(rows: readonly (readonly [string, Row])[]): void {
    this.#beforeReplay();
    const groups = new Map<string, Row[]>();
    for (const [key, row] of rows) {
      this.#sent.add(key);
      const group = `${row.allSources ? "all" : "preferred"} ${row.context}`;
      groups.set(group, [...(groups.get(group) ?? []), row]);
    }
    for (const [group, members] of groups) {
      const { context } = members[0] as Row;
      this.#send({
        context,
        subscribe: members.map(({ path, period }) =>
          period === 0 ? { path, policy: "instant" } : { path, policy: "fixed", period },
        ),
        ...(group.startsWith("all") ? { sourcePolicy: "all" as const } : {}),
      });
    }
  }
}

/** Whether `a` brings all that `b` would, at least as often; of two that are the same the first counts. */
function covers(a: { key: string; row: Row }, b: { key: string; row: Row }): boolean {
  const [x, y] = [a.row, b.row];
  // The log is no path: no pattern stands for it.
  if (y.path === "log" || (x.allSources !== y.allSources && y.allSources)) return false;
  const context = x.context === y.context || x.context === "*";
  const path = x.path === y.path || x.path === "*";
  if (!context || !path) return false;
  // Instant rows bring what must not wait, and little of it: they stay beside slower ones.
  if (x.period > y.period) return false;
  const same = x.context === y.context && x.path === y.path && x.period === y.period && x.allSources === y.allSources;
  return !same || a.key < b.key;
}
