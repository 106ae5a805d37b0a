import { beforeEach, expect, it } from "vitest";
import { parseFrame, type Delta, type Hello } from "./frames";
import { World } from "./world";

const SELF = "vessels.urn:mrn:imo:mmsi:230099999";
const OTHER = "vessels.urn:mrn:imo:mmsi:230000001";

function hello(serverStartId: string): Hello {
  return { kind: "hello", self: SELF, name: "w", version: "2", timestamp: undefined, serverStartId };
}

function delta(context: string | undefined, path: string, value: unknown): Delta {
  const frame = parseFrame(JSON.stringify({ context, updates: [{ $source: "a", values: [{ path, value }] }] }));
  if (frame?.kind !== "delta") throw new Error("no delta");
  return frame;
}

let world: World;
beforeEach(() => {
  world = new World();
  world.hello(hello("1"), 0);
});

it("tells own ship, by any of its names, from others", () => {
  world.apply(delta(SELF, "a", 1), 0);
  world.apply(delta(undefined, "b", 2), 0);
  world.apply(delta(OTHER, "a", 3), 0);
  const seen: [string | undefined, string][] = [];
  const changed = world.publish((context, row) => seen.push([context, row.path]));
  expect(changed.own).toBe(true);
  expect([...changed.others]).toEqual([OTHER]);
  expect(seen).toEqual([[undefined, "a"], [undefined, "b"], [OTHER, "a"]]);
  expect(world.snapshot("vessels.self").rows.map((row) => row.latest.value)).toEqual([1, 2]);
  expect(world.snapshot(OTHER).rows.map((row) => row.latest.value)).toEqual([3]);
  expect(world.snapshot("vessels.unknown").rows).toEqual([]);
  expect(world.publish(() => undefined)).toEqual({ own: false, others: new Set() });
});

it("forgets others when the server was restarted, and not when only the link was down", () => {
  world.apply(delta(OTHER, "a", 1), 0);
  world.hello(hello("1"), 10);
  expect(world.contexts()).toEqual([OTHER]);
  world.hello(hello("2"), 20);
  expect(world.contexts()).toEqual([]);
});

it("is bounded: the silent make room, and what finds none is counted", () => {
  for (let vessel = 0; vessel < 2_000; vessel += 1) world.apply(delta(`vessels.v${vessel}`, "a", 1), 0);
  world.apply(delta("vessels.late", "a", 1), 1_000);
  expect(world.contexts()).toHaveLength(2_000);
  expect(world.refused).toBe(1);
  world.apply(delta("vessels.v7", "a", 2), 50_000);
  world.apply(delta("vessels.late", "a", 1), 61_000);
  expect(world.contexts().sort()).toEqual(["vessels.late", "vessels.v7"]);
});
