import { beforeEach, describe, expect, it } from "vitest";
import { parseFrame, type Delta, type Hello } from "./frames";
import { VesselModel } from "./vessel-model";

const SELF = "vessels.urn:mrn:imo:mmsi:230099999";
const START = Date.UTC(2026, 5, 1, 12);

let model: VesselModel;

beforeEach(() => {
  model = new VesselModel();
  model.hello(hello(), START);
});

function hello(change: Partial<Hello> = {}): Hello {
  return { kind: "hello", self: SELF, name: undefined, version: undefined, timestamp: START, serverStartId: "1", ...change };
}

function delta(json: object): Delta {
  const frame = parseFrame(JSON.stringify(json));
  if (frame?.kind !== "delta") throw new Error("not a delta");
  return frame;
}

function write(path: string, value: unknown, options: { source?: string; at?: number; stamp?: number | null } = {}) {
  const at = options.at ?? START;
  const stamp = options.stamp === undefined ? at : options.stamp;
  const timestamp = stamp === null ? {} : { timestamp: new Date(stamp).toISOString() };
  const $source = options.source ?? "gps.GP";
  model.apply(delta({ context: SELF, updates: [{ $source, ...timestamp, values: [{ path, value }] }] }), at);
}

const row = (path: string) => model.snapshot().byPath.get(path);

describe("values", () => {
  it("keeps the last of several values of one delta", () => {
    model.apply(
      delta({
        context: SELF,
        updates: [
          { $source: "a", values: [{ path: "x.y", value: 1 }, { path: "x.y", value: 2 }] },
          { $source: "a", values: [{ path: "x.y", value: 3 }, { path: "x.z", value: null }] },
        ],
      }),
      START,
    );
    expect(row("x.y")?.latest.value).toBe(3);
    expect(row("x.z")?.latest.value).toBeNull();
  });

  it("sorts rows by path and groups them by first segment", () => {
    write("navigation.speedOverGround", 3);
    write("environment.depth.belowKeel", 8);
    expect(model.snapshot().rows.map((r) => [r.path, r.group])).toEqual([
      ["environment.depth.belowKeel", "environment"],
      ["navigation.speedOverGround", "navigation"],
    ]);
  });

  it("takes a delta without context, and with vessels.self, as own ship, and ignores others", () => {
    model.apply(delta({ updates: [{ $source: "a", values: [{ path: "a.b", value: 1 }] }] }), START);
    model.apply(delta({ context: "vessels.self", updates: [{ $source: "a", values: [{ path: "a.c", value: 1 }] }] }), START);
    model.apply(delta({ context: "vessels.urn:mrn:imo:mmsi:1", updates: [{ $source: "a", values: [{ path: "a.d", value: 1 }] }] }), START);
    expect(model.snapshot().rows.map((r) => r.path)).toEqual(["a.b", "a.c"]);
    expect(model.deltaCount).toBe(2);
  });

  it("merges root values into rows of their own", () => {
    write("", { name: "Plaka", communication: { callsignVhf: "OJ1234" } });
    write("", { mmsi: "230099999" });
    expect(model.snapshot().rows.map((r) => [r.path, r.group, r.latest.value])).toEqual([
      ["communication.callsignVhf", "communication", "OJ1234"],
      ["mmsi", "vessel", "230099999"],
      ["name", "vessel", "Plaka"],
    ]);
  });

  it("is not disturbed by paths named like parts of JavaScript", () => {
    write("__proto__.polluted", 1);
    write("", { constructor: 5 });
    expect(model.snapshot().rows.map((r) => r.path)).toEqual(["__proto__.polluted", "constructor"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("sources", () => {
  it("keeps one reading a source, sorted, and the last write as the value", () => {
    write("a.b", 1, { source: "n2k.3" });
    write("a.b", 2, { source: "gps.GP" });
    write("a.b", 3, { source: "n2k.3" });
    expect(row("a.b")?.readings.map((r) => [r.source, r.value])).toEqual([
      ["gps.GP", 2],
      ["n2k.3", 3],
    ]);
    expect(row("a.b")?.latest.value).toBe(3);
  });
});

describe("metadata", () => {
  const meta = (path: string, value: object) =>
    model.apply(delta({ context: SELF, updates: [{ meta: [{ path, value }] }] }), START);

  it("waits for the value and is merged key by key", () => {
    meta("a.b", { units: "m", description: "first" });
    expect(row("a.b")).toBeUndefined();
    write("a.b", 1);
    meta("a.b", { description: "second" });
    expect(row("a.b")?.meta).toMatchObject({ units: "m", description: "second" });
  });

  it("gives the units of the members of an object", () => {
    meta("navigation.attitude", { properties: { roll: { units: "rad" }, odd: null } });
    write("navigation.attitude", { roll: 0.1 });
    expect(row("navigation.attitude")?.meta.propertyUnits).toEqual(new Map([["roll", "rad"]]));
  });
});

describe("snapshots", () => {
  it("are the same object while nothing changes, and keep the rows that did not change", () => {
    write("a.b", 1);
    write("a.c", 1);
    const before = model.snapshot();
    expect(model.snapshot()).toBe(before);
    write("a.c", 2);
    const after = model.snapshot();
    expect(after).not.toBe(before);
    expect(after.byPath.get("a.b")).toBe(before.byPath.get("a.b"));
    expect(after.byPath.get("a.c")?.latest.value).toBe(2);
    expect(before.byPath.get("a.c")?.latest.value).toBe(1);
  });
});

describe("age", () => {
  it("of a cached value counts from its timestamp", () => {
    write("a.b", 1, { stamp: START - 90_000 });
    expect(row("a.b")?.latest.asOf).toBe(START - 90_000);
  });

  it("of a cached value allows for a server clock that differs from ours", () => {
    model.hello(hello({ timestamp: START - 3_600_000 }), START);
    write("a.b", 1, { stamp: START - 3_600_000 - 5_000 });
    expect(row("a.b")?.latest.asOf).toBe(START - 5_000);
    expect(row("a.b")?.latest.clockDiffers).toBe(false);
  });

  it("of live data counts from arrival, even in a recording from years ago, which is remarked", () => {
    const recorded = Date.UTC(2014, 7, 15);
    write("a.b", 1, { stamp: recorded });
    write("a.b", 1, { stamp: recorded + 1_000, at: START + 1_000 });
    expect(row("a.b")?.latest).toMatchObject({ asOf: START + 1_000, clockDiffers: true });
  });

  it("is not renewed by the same reading coming again", () => {
    write("a.b", 1);
    write("a.b", 1, { stamp: START, at: START + 4_000 });
    expect(row("a.b")?.latest.asOf).toBe(START);
    write("a.b", 2, { stamp: START, at: START + 5_000 });
    expect(row("a.b")?.latest.asOf).toBe(START + 5_000);
  });

  it("survives a reconnection: what was old stays old, in a recording too", () => {
    const recorded = Date.UTC(2014, 7, 15);
    write("a.b", 1, { stamp: recorded });
    write("a.b", 2, { stamp: recorded + 1_000, at: START + 1_000 });
    model.hello(hello(), START + 60_000);
    write("a.b", 3, { stamp: recorded + 11_000, at: START + 60_000 });
    expect(row("a.b")?.latest).toMatchObject({ value: 3, asOf: START + 11_000 });
  });

  it("counts from arrival without a timestamp", () => {
    write("a.b", 1, { stamp: null, at: START + 7 });
    expect(row("a.b")?.latest.asOf).toBe(START + 7);
  });

  it("never lies in the future", () => {
    write("a.b", 1, { stamp: START + 60_000 });
    expect(row("a.b")?.latest.asOf).toBe(START);
  });
});

describe("a new connection", () => {
  it("keeps what is known of the same run of the server", () => {
    write("a.b", 1);
    model.hello(hello(), START + 1_000);
    expect(row("a.b")?.latest.value).toBe(1);
  });

  it.each([
    ["another vessel", { self: "vessels.urn:mrn:imo:mmsi:2" }],
    ["a restarted server", { serverStartId: "2" }],
  ])("begins empty for %s", (_, change) => {
    write("a.b", 1);
    model.hello(hello(change), START + 1_000);
    expect(model.snapshot().rows).toEqual([]);
  });
});
