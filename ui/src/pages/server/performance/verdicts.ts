/** What the figures of the machine room mean to the person on board: what is wrong, and what to do about it. */
import type { ActorReport, Actors, PerformanceSample, ProcessReport } from "../../../api/server";
import type { Tone } from "../../../components/state-badge";

export interface Verdict {
  /** Stable name. */
  key: string;
  tone: Tone;
  title: string;
  /** What it means and what to do. */
  advice: string;
  /** Where to do it. */
  route?: string;
}

/** Samples of the last minute. */
const LATELY = 12;
/** A handler that takes longer hangs, ms. */
const HANGS = 2_000;
/** ms */
const LONG_STALL = 1_000;
const NOTICEABLE_STALL = 300;
/** A card of a small computer is worn out by more in a day, bytes. */
const MUCH_WRITTEN = 2e9;

/** What is wrong, the worst first; empty when all is well. */
export function verdicts(samples: readonly PerformanceSample[], process: ProcessReport | undefined, actors: Actors | undefined): Verdict[] {
  const lately = samples.slice(-LATELY);
  const found = [
    ...(actors?.actors ?? []).flatMap(verdictsOfActor),
    ...verdictsOfSamples(lately, process),
    ...(process === undefined ? [] : verdictsOfProcess(process)),
  ];
  const rank = (tone: Tone) => ["severe", "bad", "caution", "plain", "good"].indexOf(tone);
  return found.sort((a, b) => rank(a.tone) - rank(b.tone));
}

/** What an actor is called on the screen. */
export function nameOf({ kind, name, label }: Pick<ActorReport, "kind" | "name" | "label">): string {
  const words = kindNames[kind];
  const own = label ?? name;
  if (own === "") return words ?? kind;
  // A label says enough by itself.
  if (kind === "plugin" || kind === "connection" || label !== undefined) return own;
  return `${words ?? kind} ${own}`;
}

const kindNames: Readonly<Record<string, string>> = {
  broker: "Broker",
  stage: "Stage",
  "data-model": "Data model",
  "preferred-sources": "Preferred sources",
  hub: "Hub",
  client: "Client",
  "binary-client": "Radar client",
  plugin: "Plugin",
  connection: "Connection",
  output: "Output",
  "access-desk": "Access requests",
  server: "Server itself",
};

function verdictsOfActor(actor: ActorReport): Verdict[] {
  const found: Verdict[] = [];
  const name = nameOf(actor);
  const isPlugin = actor.kind === "plugin";
  const route = isPlugin ? `/plugins/${encodeURIComponent(actor.name)}` : actor.kind === "connection" ? "/connections" : undefined;
  const at = route === undefined ? {} : { route };
  if (actor.running !== undefined && actor.running > HANGS) {
    found.push({
      key: `hangs-${actor.id}`,
      tone: "bad",
      title: `${name} has been busy with one message for ${seconds(actor.running)}`,
      advice: isPlugin
        ? "The server ends it when its time is up. If this happens again, disable the plugin and tell its author."
        : "Save the log (tab Logs), restart the server, and report this.",
      ...at,
    });
  }
  const dropped = actor.lately?.dropped ?? 0;
  if (dropped > 0 && actor.kind !== "client") {
    found.push({
      key: `drops-${actor.id}`,
      tone: "bad",
      title: `${name} loses data: ${dropped} dropped in the last seconds`,
      advice: isPlugin
        ? "It gets more than it can work off. Let it subscribe to fewer values, or disable it."
        : actor.kind === "connection"
          ? "More comes in than can be taken. Lower the output rate of the device, or filter its sentences."
          : "More comes in than can be passed on. Look at Data flow for who sends the most.",
      ...at,
    });
  }
  const { queue } = actor;
  if (queue !== undefined && queue.capacity > 0 && queue.waiting / queue.capacity > 0.75) {
    found.push({
      key: `full-${actor.id}`,
      tone: "caution",
      title: `${name} can hardly keep up: ${queue.waiting} of ${queue.capacity} ${queue.unit} wait`,
      advice: "When its mailbox is full, data is dropped. Look at Data flow for who sends the most.",
      ...at,
    });
  }
  if (isPlugin && actor.restarts > 0) {
    found.push({
      key: `crashes-${actor.id}`,
      tone: "caution",
      title: `${name} has crashed ${actor.restarts === 1 ? "once" : `${actor.restarts} times`}`,
      advice: "It was started again. Its log says why; look for a newer version of it.",
      ...at,
    });
  }
  return found;
}

function verdictsOfSamples(lately: readonly PerformanceSample[], process: ProcessReport | undefined): Verdict[] {
  const found: Verdict[] = [];
  const stall = Math.max(0, ...lately.map(({ longestStall }) => longestStall));
  if (stall > NOTICEABLE_STALL) {
    found.push({
      key: "stall",
      tone: stall > LONG_STALL ? "bad" : "caution",
      title: `The server was held up for ${seconds(stall)} in the last minute`,
      advice: "Usually another program keeps this computer busy, or its power supply is weak and it slows down. End other programs and check the supply.",
    });
  }
  const cores = process?.cores ?? 1;
  const used = lately.flatMap(({ cpu }) => (cpu === undefined ? [] : [cpu]));
  const share = used.length === 0 ? 0 : used.reduce((sum, cpu) => sum + cpu, 0) / used.length / cores;
  if (share > 0.7) {
    found.push({
      key: "cpu",
      tone: share > 0.9 ? "bad" : "caution",
      title: `The server uses ${Math.round(share * 100)} % of the processor`,
      advice: "Look in Data flow for a plugin that is busy, and at the rates of the connections.",
      route: "/server/flow",
    });
  }
  const conflated = lately.reduce((sum, sample) => sum + sample.conflated, 0);
  if (conflated > 0) {
    found.push({
      key: "conflated",
      tone: "caution",
      title: "A display is slow",
      advice: "It gets the newest values only, the ones between are left out. Move it closer to the Wi-Fi, or close what runs on it besides.",
      route: "/server/flow",
    });
  }
  return found;
}

function verdictsOfProcess(process: ProcessReport): Verdict[] {
  const found: Verdict[] = [];
  const { totalMemoryBytes: total, availableMemoryBytes: free, openFiles, maxOpenFiles, written } = process;
  if (total !== undefined && free !== undefined && total > 0 && free / total < 0.1) {
    found.push({
      key: "memory",
      tone: free / total < 0.05 ? "bad" : "caution",
      title: `This computer has little memory left: ${bytes(free)} of ${bytes(total)}`,
      advice: "End other programs on it. When it has none left, the system ends programs by itself, this one maybe.",
    });
  }
  if (openFiles !== undefined && maxOpenFiles !== undefined && openFiles > 0.8 * maxOpenFiles) {
    found.push({
      key: "files",
      tone: "bad",
      title: `${openFiles} of ${maxOpenFiles} files and connections are open`,
      advice: "Nobody else can connect soon. Look in Data flow for an app that opens many connections, and restart the server.",
      route: "/server/flow",
    });
  }
  if (written !== undefined && written.todayBytes > MUCH_WRITTEN) {
    found.push({
      key: "written",
      tone: "caution",
      title: `${bytes(written.todayBytes)} were written to the disk today`,
      advice: "A memory card wears out by that. Switch off the logging of connections that you do not need to record.",
      route: "/connections",
    });
  }
  return found;
}

/** "0.3 s", "12 ms" */
export function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** "1.4 GB", "23 MB" */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"] as const;
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
