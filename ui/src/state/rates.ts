import type { ServerStatistics } from "../signalk/server-events";

/** One point of the rate history. */
export interface RatePoint {
  /** ms since the epoch. */
  time: number;
  /** Deltas per second. */
  rate: number;
}

export interface Rates {
  statistics: ServerStatistics | undefined;
  /** When `statistics` came, ms since the epoch. */
  receivedAt: number;
  /** Oldest first. */
  history: readonly RatePoint[];
}

export const noRates: Rates = { statistics: undefined, receivedAt: 0, history: [] };

/** Ten minutes at one report every 5 s. */
const MAX_POINTS = 120;
/** On connecting, the server repeats its last report just before the next: one point, not two, ms. */
const MIN_SPACING = 2_000;

/** The rates after one more report of the server. */
export function addStatistics(rates: Rates, statistics: ServerStatistics, now: number): Rates {
  const last = rates.history.at(-1);
  const repeated = last !== undefined && now - last.time < MIN_SPACING;
  const kept = repeated ? rates.history.slice(0, -1) : rates.history;
  const time = repeated ? last.time : now;
  return {
    statistics,
    receivedAt: now,
    history: [...kept.slice(1 - MAX_POINTS), { time, rate: statistics.deltaRate }],
  };
}
