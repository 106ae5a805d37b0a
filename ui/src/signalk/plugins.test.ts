import { expect, it } from "vitest";
import { meaningOf, parsePlugins } from "./plugins";

it("reads the plugin list, sorted by name", () => {
  const plugins = parsePlugins([
    { id: "tw", name: "True wind", packageName: "true-wind", version: "0.1.0", state: "crashed", statusMessage: "trap", data: { enabled: true }, type: "wasm" },
    { id: "aw", name: "Anchor watch", version: "1.0.0", state: "running", data: { enabled: true } },
    { name: "no id" },
    null,
  ]);
  expect(plugins.map((p) => [p.id, p.name, p.packageName, p.version, p.state, p.statusMessage, p.enabled])).toEqual([
    ["aw", "Anchor watch", "aw", "1.0.0", "running", "", true],
    ["tw", "True wind", "true-wind", "0.1.0", "crashed", "trap", true],
  ]);
});

it("derives the state of a plugin that reports none from its being enabled", () => {
  expect(parsePlugins([{ id: "a", data: { enabled: true } }, { id: "b", data: {} }]).map((p) => p.state)).toEqual([
    "running",
    "stopped",
  ]);
});

it("is empty for anything but a list", () => {
  expect(parsePlugins({ error: "Permission Denied" })).toEqual([]);
});

it("explains each state, and stays silent about one it does not know", () => {
  expect(meaningOf({ state: "crashed", enabled: true })).toContain("starts it again by itself");
  expect(meaningOf({ state: "stopped", enabled: false })).toBe("Not enabled.");
  expect(meaningOf({ state: "stopped", enabled: true })).toBe("Not running.");
  expect(meaningOf({ state: "toString", enabled: true })).toBeUndefined();
});
