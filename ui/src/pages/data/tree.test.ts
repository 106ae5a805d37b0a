import { expect, it } from "vitest";
import { flatItems, groupsOf, treeItems } from "./tree";

const paths = ["environment.depth.belowKeel", "environment.wind.angle", "environment.wind.speed", "name", "navigation.log", "navigation.log.trip", "tanks.fuel.0.level"];
const lines = (closed: string[] = []) =>
  treeItems(paths, new Set(closed)).map(({ kind, label, depth }) => `${"  ".repeat(depth)}${kind === "group" ? "+" : ""}${label}`);

it("what begins alike is a group; groups without a choice are one", () => {
  expect(lines()).toEqual([
    "+environment",
    "  depth.belowKeel",
    "  +wind",
    "    angle",
    "    speed",
    "name",
    "+navigation",
    "  log",
    "  log.trip",
    "tanks.fuel.0.level",
  ]);
});

it("joins groups that have only one group", () => {
  const items = treeItems(["a.b.c.d", "a.b.c.e"], new Set());
  expect(items.map(({ label }) => label)).toEqual(["a.b.c", "d", "e"]);
  expect(items[0]).toMatchObject({ kind: "group", path: "a.b.c", count: 2, isOpen: true });
});

it("leaves out what is below a closed group, and says how much that is", () => {
  expect(lines(["environment"]).slice(0, 2)).toEqual(["+environment", "name"]);
  expect(treeItems(paths, new Set(["environment"]))[0]).toMatchObject({ count: 3, isOpen: false });
  expect(groupsOf(paths)).toEqual(["environment", "environment.wind", "navigation"]);
});

it("keeps every path, under a key of its own, however it is sorted", () => {
  const odd = ["a", "a-b", "a-b.c", "a.b", "a.b.c", "a.b.d", "ab.c"];
  for (const items of [flatItems(odd), treeItems(odd, new Set())]) {
    expect(items.filter(({ kind }) => kind === "path").map(({ path }) => path)).toEqual(odd);
    expect(new Set(items.map(({ key }) => key)).size).toBe(items.length);
  }
});
