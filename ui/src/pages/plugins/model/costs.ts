import type { PluginStatistics } from "../../../api/plugins";

/** What a plugin costs and does, as far as the server tells. */
export interface Cost {
  /** Share of one core, 0 to 1. */
  cpu: number | undefined;
  cpuLimit: number | undefined;
  memory: number | undefined;
  memoryLimit: number | undefined;
  /** Deltas a second that it gets; undefined until two reports have come. */
  deltasIn: number | undefined;
  /** Deltas that did not get through, in either direction. */
  drops: number;
  crashes: number;
}

/** A report with the time at which it came, ms. */
export interface Report {
  time: number;
  statistics: PluginStatistics;
}

/** Costs by plugin, from the latest report and the one before. */
export function costs(latest: Report | undefined, before: Report | undefined): ReadonlyMap<string, Cost> {
  const result = new Map<string, Cost>();
  for (const row of latest?.statistics.plugins ?? []) {
    const earlier = before?.statistics.plugins.find(({ id }) => id === row.id);
    const seconds = latest !== undefined && before !== undefined ? (latest.time - before.time) / 1_000 : 0;
    const delivered = earlier === undefined ? undefined : row.deliveredDeltas - earlier.deliveredDeltas;
    result.set(row.id, {
      cpu: row.cpuShare,
      cpuLimit: row.cpuLimit,
      memory: row.memoryBytes,
      memoryLimit: row.memoryLimit,
      // It counts from zero again after a restart of the server.
      deltasIn: delivered === undefined || delivered < 0 || seconds <= 0 ? undefined : delivered / seconds,
      drops: row.droppedDeltas + (row.refusedDeltas ?? 0),
      crashes: row.crashCount ?? row.recentCrashes,
    });
  }
  return result;
}

const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const count = new Intl.NumberFormat("en");

/** A share in percent; what is there but very little is not shown as nothing. */
export const formatShare = (share: number) => (share > 0 && share < 0.000_5 ? "< 0.1%" : percent.format(share));
export const formatCount = (value: number) => count.format(value);
export const formatRate = (rate: number) => (rate >= 100 ? count.format(Math.round(rate)) : rate.toFixed(1));

/** Bytes with the unit that suits them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(0)} KiB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  return `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}
