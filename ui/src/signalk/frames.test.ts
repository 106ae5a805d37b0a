import { describe, expect, it } from "vitest";
import { parseFrame } from "./frames";

const parse = (value: unknown) => parseFrame(JSON.stringify(value));

describe("parseFrame", () => {
  it("reads the hello frame", () => {
    const frame = parse({
      name: "windlass",
      version: "0.1.0",
      self: "vessels.urn:mrn:imo:mmsi:230099999",
      roles: ["master", "main"],
      timestamp: "2026-11-21T07:51:29.216Z",
      serverStartId: "a1",
    });
    expect(frame).toEqual({
      kind: "hello",
      name: "windlass",
      version: "0.1.0",
      self: "vessels.urn:mrn:imo:mmsi:230099999",
      timestamp: Date.UTC(2026, 10, 21, 7, 51, 29, 216),
      serverStartId: "a1",
    });
  });

  it("keeps every update, value and meta of a delta, in order", () => {
    const frame = parse({
      context: "vessels.self",
      updates: [
        {
          $source: "gps.GP",
          timestamp: "2026-01-01T00:00:00Z",
          values: [
            { path: "a.b", value: 1 },
            { path: "a.c", value: null },
          ],
          meta: [{ path: "a.b", value: { units: "m" } }],
        },
        { $source: "gps.II", values: [{ path: "a.b", value: 2 }] },
      ],
    });
    expect(frame).toEqual({
      kind: "delta",
      context: "vessels.self",
      updates: [
        {
          source: "gps.GP",
          timestamp: Date.UTC(2026, 0, 1),
          values: [
            { path: "a.b", value: 1 },
            { path: "a.c", value: null },
          ],
          meta: [{ path: "a.b", value: { units: "m" } }],
        },
        { source: "gps.II", timestamp: undefined, values: [{ path: "a.b", value: 2 }], meta: [] },
      ],
    });
  });

  it.each([
    [{ $source: "x.y" }, "x.y"],
    [{ source: { label: "nmea", talker: "GP" } }, "nmea.GP"],
    [{ source: { label: "can0", src: "43", pgn: 129026 } }, "can0.43"],
    [{ source: { label: "plain" } }, "plain"],
    [{}, "unknown"],
  ])("names the source of %j", (update, expected) => {
    const frame = parse({ updates: [{ ...update, values: [] }] });
    expect(frame?.kind === "delta" && frame.updates[0]?.source).toBe(expected);
  });

  it("drops broken entries and keeps the sound ones beside them", () => {
    const frame = parse({
      updates: [null, 7, { values: "no" }, { values: [null, { path: 3, value: 1 }, { path: "a" }, { path: "b", value: 0 }] }],
    });
    expect(frame?.kind === "delta" && frame.updates.flatMap((u) => u.values)).toEqual([{ path: "b", value: 0 }]);
  });

  it("reads server events and reported errors", () => {
    expect(parse({ type: "SERVERSTATISTICS", data: { deltaRate: 4 } })).toEqual({
      kind: "event",
      type: "SERVERSTATISTICS",
      data: { deltaRate: 4 },
    });
    expect(parse({ errorMessage: "too slow" })).toEqual({ kind: "error", message: "too slow" });
  });

  it.each(["", "not json", '"primus::server::close"', "null", "[]", "{}", '{"requestId":"1"}', "42"])(
    "ignores %s",
    (text) => {
      expect(parseFrame(text)).toBeUndefined();
    },
  );
});
