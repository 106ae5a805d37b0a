import type { PathRow } from "../signalk/vessel-model";

/** What a series of the page's memory is about. */
export interface TrendPoint {
  /** ms since the epoch, by this device's clock. */
  time: number;
  /** SI */
  value: number;
}

/** Points of one series. At one a second, ten minutes; then the older half is thinned out and it goes on. */
const MAX_POINTS = 600;
/** Series that are kept although nobody looks at them. */
const MAX_UNASKED = 300;
/** All series. */
const MAX_SERIES = 600;
const FIRST_SPACING = 1_000;

/** The points of one path: bounded, and coarser the longer it lasts. */
export class Trend {
  #points: TrendPoint[] = [];
  #spacing = FIRST_SPACING;
  #shown: readonly TrendPoint[] = [];
  #isShown = true;

  /** Oldest first. The same array until there is a new point. */
  points(): readonly TrendPoint[] {
    if (!this.#isShown) {
      this.#shown = [...this.#points];
      this.#isShown = true;
    }
    return this.#shown;
  }

  /** Least time between two points, ms. */
  get spacing(): number {
    return this.#spacing;
  }

  add(time: number, value: number): void {
    const last = this.#points.at(-1);
    if (last !== undefined && time - last.time < this.#spacing) return;
    if (this.#points.length >= MAX_POINTS) {
      this.#points = this.#points.filter((_, index) => index % 2 === 0);
      this.#spacing *= 2;
    }
    this.#points.push({ time, value });
    this.#isShown = false;
  }
}

/** What this page has seen of numeric paths since it was opened. */
export class Trends {
  #series = new Map<string, { trend: Trend; asked: boolean }>();
  #listeners = new Set<() => void>();

  /** Called for each row that changed. */
  record(context: string | undefined, row: PathRow): void {
    for (const reading of row.readings.length > 1 ? [row.latest, ...row.readings] : [row.latest]) {
      if (typeof reading.value !== "number") continue;
      // The preferred source has the series without a source.
      const key = trendKey(row.path, { context, source: reading === row.latest ? undefined : reading.source });
      const known = this.#series.get(key);
      if (known !== undefined) known.trend.add(reading.asOf, reading.value);
      else if (context === undefined && reading === row.latest && this.#series.size < MAX_UNASKED) {
        this.#begin(key, false).add(reading.asOf, reading.value);
      }
    }
  }

  /** The series of a path, which is recorded from now on if it was not yet. */
  of(path: string, options: { context?: string | undefined; source?: string | undefined } = {}): Trend {
    const key = trendKey(path, options);
    const known = this.#series.get(key);
    if (known !== undefined) {
      known.asked = true;
      return known.trend;
    }
    return this.#begin(key, true);
  }

  /** After a round of `record`. */
  published(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #begin(key: string, asked: boolean): Trend {
    if (this.#series.size >= MAX_SERIES) {
      const victim = [...this.#series].find(([, series]) => !series.asked)?.[0] ?? this.#series.keys().next().value;
      if (victim !== undefined) this.#series.delete(victim);
    }
    const trend = new Trend();
    this.#series.set(key, { trend, asked });
    return trend;
  }
}

function trendKey(path: string, options: { context?: string | undefined; source?: string | undefined }): string {
  return `${options.context ?? ""}\n${options.source ?? ""}\n${path}`;
}
