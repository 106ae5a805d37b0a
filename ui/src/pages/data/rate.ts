/** Over how long a rate is measured, ms. */
const WINDOW = 10_000;
/** Before this it would be a guess, ms. */
const SHORTEST = 2_000;

/** How often something counts up, by looking at it now and then. */
export class RateMeter {
  #looks: { time: number; count: number }[] = [];
  #rate: number | undefined;

  /** A second, over the last ten seconds; undefined at the beginning. Looking twice at the same time changes nothing. */
  look(time: number, count: number): number | undefined {
    const last = this.#looks.at(-1);
    if (last?.time === time) return this.#rate;
    // Counted from the beginning again.
    if (last !== undefined && count < last.count) this.#looks = [];
    this.#looks.push({ time, count });
    while (this.#looks.length > 2 && time - (this.#looks[0]?.time ?? time) > WINDOW) this.#looks.shift();
    const first = this.#looks[0] ?? { time, count };
    const span = time - first.time;
    this.#rate = span < SHORTEST ? undefined : ((count - first.count) * 1_000) / span;
    return this.#rate;
  }
}

/** "5.0/s", "0.2/s". With a `limit`, which is as much as can be seen, "5+/s". */
export function formatRate(rate: number | undefined, limit = Number.POSITIVE_INFINITY): string {
  if (rate === undefined) return "…";
  if (rate === 0) return "0/s";
  if (rate >= 0.9 * limit) return `${limit}+/s`;
  if (rate >= 10) return `${Math.round(rate)}/s`;
  return rate < 0.1 ? "<0.1/s" : `${rate.toFixed(1)}/s`;
}
