import type { ConnectionOverview } from "../../../api/connections";

/** Readings that are kept of a connection: two minutes at one in two seconds. */
const KEPT = 60;

/** What a connection did lately. */
export interface RecentRates {
  /** Lines a second, oldest first. */
  lines: readonly number[];
  bytesPerSecond: number;
}

const nothing: RecentRates = { lines: [], bytesPerSecond: 0 };

/** The rates of all connections as this page saw them. Those that are gone are forgotten. */
export class RateHistory {
  #rates = new Map<string, RecentRates>();
  #before = new Map<string, { bytes: number; at: number }>();

  add(overviews: readonly ConnectionOverview[], now: number): void {
    const rates = new Map<string, RecentRates>();
    const before = new Map<string, { bytes: number; at: number }>();
    for (const { id, statistics } of overviews) {
      const last = this.#before.get(id);
      const grown = last === undefined ? 0 : statistics.bytes - last.bytes;
      const seconds = last === undefined ? 0 : (now - last.at) / 1_000;
      rates.set(id, {
        lines: [...(this.#rates.get(id)?.lines ?? []), statistics.linesPerSecond].slice(-KEPT),
        // Counters start anew with the connection.
        bytesPerSecond: grown > 0 && seconds > 0 ? grown / seconds : 0,
      });
      before.set(id, { bytes: statistics.bytes, at: now });
    }
    this.#rates = rates;
    this.#before = before;
  }

  of(id: string): RecentRates {
    return this.#rates.get(id) ?? nothing;
  }
}
