import { expect, test } from "vitest";
import type { ActorReport, Actors, PerformanceSample, ProcessReport } from "../../../api/server";
import { bytes, nameOf, seconds, verdicts } from "./verdicts";

const calm: PerformanceSample = {
  at: "2026-05-01T12:00:00.000Z",
  deltasPerSecond: 40,
  framesPerSecond: 10,
  clients: 2,
  mostWaiting: 1,
  brokerBusy: 0.01,
  longestHandler: 0.4,
  longestStall: 20,
  coreStall: 10,
  dropped: 0,
  conflated: 0,
  cpu: 0.2,
};

function actor(change: Partial<ActorReport>): ActorReport {
  const plain = { id: "plugin:anchor", kind: "plugin", name: "anchor", thread: "plugin anchor", since: "", messages: 1, deltas: 1 };
  return { ...plain, busy: 0, longest: 0, dropped: 0, restarts: 0, ...change };
}

const room = (...actors: ActorReport[]): Actors => ({ actors, flows: [], threads: [], unlisted: { actors: 0, flows: 0 } });
const process: ProcessReport = { version: "1", id: 1, uptime: 1, cores: 2, totalMemoryBytes: 4e9, availableMemoryBytes: 2e9 };
const keys = (...given: Parameters<typeof verdicts>) => verdicts(...given).map(({ key, tone }) => [key, tone]);

test("a server without trouble has none", () => {
  expect(verdicts([calm], process, room(actor({})))).toEqual([]);
  expect(verdicts([], undefined, undefined)).toEqual([]);
});

test("trouble of an actor names it and leads to where it can be helped", () => {
  const lately = { messagesPerSecond: 1, deltasPerSecond: 1, busy: 1, longest: 1, dropped: 3, mostWaiting: 1 };
  const queue = { unit: "deltas", waiting: 900, most: 1000, capacity: 1000, dropped: 3 };
  const found = verdicts([calm], process, room(actor({ running: 5_000, lately, queue, restarts: 2 })));
  expect(found.map(({ key }) => key)).toEqual(["hangs-plugin:anchor", "drops-plugin:anchor", "full-plugin:anchor", "crashes-plugin:anchor"]);
  expect(found[0]?.title).toBe("anchor has been busy with one message for 5.0 s");
  expect(found.every(({ route }) => route === "/plugins/anchor")).toBe(true);
});

test("what a client misses is no loss of the boat's data", () => {
  const lately = { messagesPerSecond: 1, deltasPerSecond: 1, busy: 1, longest: 1, dropped: 3, mostWaiting: 1 };
  expect(verdicts([calm], process, room(actor({ id: "client:1", kind: "client", name: "1", lately })))).toEqual([]);
  expect(keys([{ ...calm, conflated: 4 }], process, undefined)).toEqual([["conflated", "caution"]]);
});

test("the computer is judged too", () => {
  expect(keys([{ ...calm, longestStall: 400 }], process, undefined)).toEqual([["stall", "caution"]]);
  expect(keys([{ ...calm, longestStall: 4000, cpu: 1.5 }], process, undefined)).toEqual([
    ["stall", "bad"],
    ["cpu", "caution"],
  ]);
  const worn = { ...process, availableMemoryBytes: 1e8, openFiles: 900, maxOpenFiles: 1000 };
  const written = { bytes: 3e9, since: "", todayBytes: 3e9, todaySince: "" };
  expect(keys([calm], { ...worn, written }, undefined)).toEqual([
    ["memory", "bad"],
    ["files", "bad"],
    ["written", "caution"],
  ]);
});

test("trouble ends a minute later", () => {
  const past = [{ ...calm, longestStall: 4000 }, ...Array.from({ length: 12 }, () => calm)];
  expect(verdicts(past, process, undefined)).toEqual([]);
});

test("names and sizes are for people", () => {
  expect(nameOf({ kind: "hub", name: "0" })).toBe("Hub 0");
  expect(nameOf({ kind: "broker", name: "" })).toBe("Broker");
  expect(nameOf({ kind: "client", name: "7", label: "mate at 10.0.0.2" })).toBe("mate at 10.0.0.2");
  expect([bytes(0), bytes(2_764_800), bytes(123e6), bytes(1.44e9)]).toEqual(["0 B", "2.8 MB", "123 MB", "1.4 GB"]);
  expect([seconds(12.3), seconds(1_500)]).toEqual(["12 ms", "1.5 s"]);
});
