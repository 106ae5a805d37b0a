import { describe, expect, it } from "vitest";
import type { PluginDetails, PluginStatistics } from "../../../api/plugins";
import { asksFirst, permissions } from "./capabilities";
import { costs, formatBytes, formatRate } from "./costs";
import { limitRows } from "./limits";
import { append, atLeast, emptyLog, MAX_LINES } from "./log";
import { counts, select, stateOf } from "./state";

const plugin = (id: string, more: Partial<PluginDetails> = {}): PluginDetails => ({
  id,
  name: id,
  packageName: `@me/${id}`,
  version: "1.0.0",
  data: { enabled: true },
  ...more,
});

describe("the list", () => {
  const plugins = [
    plugin("anchor", { description: "Watches the anchor", state: "running" }),
    plugin("wind", { state: "error" }),
    plugin("logger", { state: "stopped", data: { enabled: false } }),
  ];
  const found = (...query: Parameters<typeof select> extends [unknown, ...infer Rest] ? Rest : never) => select(plugins, ...query).map(({ id }) => id);

  it("finds by all words and by state", () => {
    expect(found("all", "")).toEqual(["anchor", "wind", "logger"]);
    expect(found("all", "WATCH anch")).toEqual(["anchor"]);
    expect(found("on", "")).toEqual(["anchor", "wind"]);
    expect(found("trouble", "")).toEqual(["wind"]);
    expect(found("off", "wind")).toEqual([]);
    expect(counts(plugins)).toEqual({ all: 3, on: 2, off: 1, trouble: 1 });
  });

  it("tells off from stopped", () => {
    expect(plugins.map((one) => stateOf(one).word)).toEqual(["running", "does not run", "off"]);
    expect(stateOf(plugin("x", { state: "odd" })).word).toBe("odd");
  });
});

it("counts deltas a second between two reports", () => {
  const report = (time: number, deliveredDeltas: number) => ({
    time,
    statistics: { plugins: [{ id: "a", deliveredDeltas, droppedDeltas: 2, refusedDeltas: 3, recentCrashes: 0, crashCount: 1 }] } as unknown as PluginStatistics,
  });
  expect(costs(report(0, 10), undefined).get("a")?.deltasIn).toBeUndefined();
  expect(costs(report(2_000, 30), report(0, 10)).get("a")).toMatchObject({ deltasIn: 10, drops: 5, crashes: 1 });
  expect(costs(report(2_000, 3), report(0, 10)).get("a")?.deltasIn, "the server has restarted").toBeUndefined();
  expect([formatBytes(512), formatBytes(2048), formatBytes(3.5 * 1024 ** 2), formatRate(3.14), formatRate(1234.5)]).toEqual(["512 B", "2 KiB", "3.5 MiB", "3.1", "1,235"]);
});

describe("capabilities", () => {
  const asked = { network: { allow: ["api.example.org"] }, storage: "none", dataRead: true, dataWrite: false, httpEndpoints: null, putHandlers: true };

  it("are told in words, what is new and weighty first", () => {
    const list = permissions(asked, ["dataRead"]);
    expect(list.map(({ name, isNew }) => [name, isNew])).toEqual([["dataRead", true], ["network", false], ["putHandlers", false]]);
    expect(list[1]?.words).toContain("only with api.example.org");
    expect(permissions({ network: true }, [])[0]?.words).toContain("any computer");
  });

  it("of a version that waits are known by name", () => {
    expect(permissions({ network: false }, ["radarProvider", "rawSockets: 10.0.0.1:80"]).map(({ words }) => words)).toEqual([
      "Open network connections of its own (TCP and UDP) (10.0.0.1:80)",
      "Provide radar pictures for all apps",
    ]);
  });

  it("are asked for once", () => {
    expect(asksFirst({ capabilities: asked, consented: null, missingConsent: [] })).toBe(true);
    expect(asksFirst({ capabilities: asked, consented: asked, missingConsent: [] })).toBe(false);
    expect(asksFirst({ capabilities: asked, consented: asked, missingConsent: ["network"] })).toBe(true);
    expect(asksFirst({ capabilities: { storage: "none", network: false }, consented: null, missingConsent: [] })).toBe(false);
  });
});

it("shows limits with how far they are used", () => {
  const rows = limitRows({
    callMs: { limit: { start: 10_000, poll: 1_000 }, used: 5, exceeded: 0 },
    memoryBytes: { limit: 1024 ** 2, used: 512 * 1024, exceeded: 2 },
    later: { limit: 0, used: 0, exceeded: 0 },
  });
  expect(rows.map(({ name }) => name)).toEqual(["memoryBytes", "callMs", "later"]);
  expect(rows[0]).toMatchObject({ used: "512 KiB", limit: "1.0 MiB", part: 0.5, exceeded: 2 });
  expect(rows[1]?.limit).toBe("10 s");
});

describe("the log", () => {
  const line = (seq: number, level = "info") => ({ seq, time: "", level, source: "server", text: `${seq}` });

  it("grows up to its bound and says what is missing", () => {
    let log = append(emptyLog, { missed: 3, last: 2, lines: [line(1), line(2)] });
    expect(append(log, { missed: 0, last: 2, lines: [] }), "nothing new").toBe(log);
    log = append(log, { missed: 0, last: 2 + MAX_LINES, lines: Array.from({ length: MAX_LINES }, (_, n) => line(3 + n)) });
    expect([log.lines.length, log.lines[0]?.seq, log.missed]).toEqual([MAX_LINES, 3, 5]);
    expect(append(log, { missed: 0, last: 1, lines: [line(1)] }).lines.length, "the server has restarted").toBe(1);
  });

  it("is filtered by level", () => {
    const lines = [line(1, "debug"), line(2), line(3, "warn"), line(4, "error")];
    expect(atLeast(lines, "debug").length).toBe(4);
    expect(atLeast(lines, "warn").map(({ seq }) => seq)).toEqual([3, 4]);
  });
});
