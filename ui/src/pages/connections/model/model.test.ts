import { describe, expect, it } from "vitest";
import type { ConnectionOverview, ConnectionStatistics, Provider } from "../../../api/connections";
import { foundPorts, foundServers } from "./found";
import { formatGroups, parseGroups } from "./groups";
import { RateHistory } from "./history";
import { addLines, KEPT_LINES } from "./lines";
import { freeName, presets } from "./presets";
import { kindById } from "./kinds";
import { detailsRoute, editRoute, placeOf } from "./routes";
import { adviceFor, describe as describeConnection, formatBytes, formatCount, plain, stateWords } from "./words";

const NOW = Date.UTC(2026, 5, 1);
const at = (ago: number) => new Date(NOW - ago).toISOString();

function overview(change: Partial<ConnectionOverview>, statistics: Partial<ConnectionStatistics> = {}): ConnectionOverview {
  return {
    id: "a",
    enabled: true,
    running: true,
    state: "running",
    since: at(60_000),
    statistics: {
      bytes: 0, lines: 0, linesPerSecond: 0, sentences: {}, bytesOut: 0, linesOut: 0, lostOut: 0, deltas: 0, badLines: 0,
      badLinesByKind: {}, peers: 0, connects: 0, ...statistics,
    },
    ...change,
  };
}

describe("states", () => {
  it("are told by what comes", () => {
    const word = (change: Partial<ConnectionOverview>, statistics?: Partial<ConnectionStatistics>) => stateWords(overview(change, statistics), NOW).word;
    expect(word({}, { lastLine: at(100), lines: 30 })).toBe("Receiving");
    expect(word({}, { lastLine: at(20_000) })).toBe("Silent");
    expect(word({ since: at(1_000) })).toBe("Waiting for data");
    expect(word({ input: "tcplistener" })).toBe("Nobody connected");
    expect(word({}, { lastLine: at(100), lines: 30, badLines: 29 })).toBe("Unreadable");
    expect(word({ state: "disabled" })).toBe("Switched off");
  });

  it("say what is wrong and what to do", () => {
    expect(stateWords(overview({ state: "failing", message: "Connection refused (os error 111)" }), NOW)).toMatchObject({
      tone: "bad",
      problem: "Connection refused.",
      advice: expect.stringContaining("Check the port"),
    });
    expect(stateWords(overview({ state: "failing", message: "Reconnect h 1 retry 2 delay 2000", lastError: "timed out" }), NOW).problem).toBe("Timed out.");
    expect(stateWords(overview({ state: "refused", problem: "`subOptions.port` is missing" }), NOW).problem).toBe("“port” is missing.");
    expect(plain("can't connect to h 1: Connection refused (os error 111); check host and port")).toBe("Can't connect to h 1: Connection refused.");
    expect(adviceFor("failed to lookup address information")).toContain("192.168");
    expect(adviceFor("/dev/ttyUSB0: Permission denied")).toContain("dialout");
    expect(adviceFor("something new")).not.toBe("");
  });
});

it("connections are told in a line", () => {
  const of = (type: string, options: Provider["options"]) => describeConnection({ id: "a", enabled: true, type, ...(options && { options }) });
  expect(of("NMEA0183", { type: "tcp", host: "h", port: 1 })).toBe("TCP, h port 1");
  expect(of("NMEA0183", { type: "serial", device: "/dev/serial/by-id/usb-X" })).toBe("usb-X at 4800 baud");
  expect(of("Execute", undefined)).toBe("Execute");
});

it("sizes and counts are short", () => {
  expect([0, 999, 1_000, 12_300, 9_990_000].map(formatBytes)).toEqual(["0 B", "999 B", "1.0 kB", "12 kB", "10.0 MB"]);
  expect(formatCount(1234567)).toBe("1\u202f234\u202f567");
});

it("rates are remembered for a while", () => {
  const history = new RateHistory();
  for (let second = 0; second < 100; second += 1) history.add([overview({}, { linesPerSecond: second, bytes: second * 50 })], second * 1_000);
  expect(history.of("a").lines).toHaveLength(60);
  expect(history.of("a").lines.at(-1)).toBe(99);
  expect(history.of("a").bytesPerSecond).toBe(50);
  history.add([overview({}, { bytes: 0 })], 100_000);
  expect(history.of("a").bytesPerSecond).toBe(0);
  history.add([], 101_000);
  expect(history.of("a").lines).toEqual([]);
});

it("lines are seen once, and what was missed is marked", () => {
  const line = (number: number) => ({ at: at(0), line: `L${number}` });
  const window = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => line(from + index));
  let seen = addLines([], window(0, 50));
  expect(addLines(seen, window(0, 50))).toBe(seen);
  seen = addLines(seen, window(10, 60));
  expect(seen.map((one) => one.line)).toEqual(window(0, 60).map((one) => one.line));
  expect(seen.some(({ gap }) => gap)).toBe(false);
  seen = addLines(seen, window(100, 150));
  expect(seen.filter(({ gap }) => gap).map((one) => one.line)).toEqual(["L100"]);
  for (let next = 150; next < 1_000; next += 50) seen = addLines(seen, window(next, next + 50));
  expect(seen).toHaveLength(KEPT_LINES);
  expect(new Set(seen.map(({ number }) => number)).size).toBe(KEPT_LINES);
  // The same line twice is two lines.
  expect(addLines(addLines([], [line(1)]), [line(1), line(1)])).toHaveLength(2);
});

it("groups of talkers are lines", () => {
  const groups = { gnss: ["GP", "GL"], ais: ["AI"] };
  expect(parseGroups(formatGroups(groups))).toEqual(groups);
  expect(parseGroups("x")).toBeUndefined();
  expect(parseGroups("x:")).toBeUndefined();
});

it("devices are found once", () => {
  const used: Provider[] = [{ id: "GPS", enabled: true, type: "NMEA0183", options: { type: "serial", device: "/dev/ttyS1" } }];
  const found = foundPorts(
    {
      byId: ["/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0"],
      byPath: [],
      byOpenPlotter: ["/dev/ttyOP_ais"],
      serialports: [{ path: "/dev/ttyUSB0", manufacturer: "FTDI", serialNumber: "A50285BI" }, { path: "/dev/ttyS1" }],
    },
    used,
  );
  expect(found).toEqual([
    { path: "/dev/ttyOP_ais", title: "OpenPlotter: ais", usedBy: undefined },
    { path: "/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0", title: "FTDI FT232R A50285BI", usedBy: undefined },
    { path: "/dev/ttyS1", title: "Serial port", usedBy: "GPS" },
  ]);
  const server = { id: "B", enabled: false, type: "SignalK", options: { type: "ws", host: "h", port: 3000 }, wasDiscovered: true };
  expect(foundServers([server], [])).toHaveLength(1);
  expect(foundServers([server], [{ ...server, options: { type: "ws", host: "h", port: "3000" } }])).toHaveLength(0);
  expect(foundServers(undefined, [])).toEqual([]);
});

it("presets are for kinds that there are, with ports that are numbers", () => {
  for (const { kind, values } of presets) {
    expect(kindById(kind)).toBeDefined();
    if (values.port !== undefined) expect(Number(values.port)).toBeGreaterThan(0);
  }
  expect(freeName("A", ["A", "A 2"])).toBe("A 3");
});

it("routes lead to connections of any name", () => {
  const parts = (route: string) => route.split("/").slice(2).map(decodeURIComponent);
  for (const id of ["GPS", "a/b c", "new", "priorities", "show"]) {
    expect(placeOf(parts(detailsRoute(id)))).toEqual({ at: "details", id });
    expect(placeOf(parts(editRoute(id)))).toEqual({ at: "edit", id });
  }
  expect(placeOf([])).toEqual({ at: "list" });
  expect(placeOf(["new", "tcp"])).toEqual({ at: "new", kind: "tcp" });
});
