import { expect, it } from "vitest";
import { installOf, installRoute, pluginRoute, tabOf } from "./routes";

it("a plugin and its tabs have addresses", () => {
  expect(pluginRoute("@me/probe")).toBe("/plugins/%40me%2Fprobe");
  expect(tabOf(pluginRoute("a", "log"))).toBe("log");
  expect(tabOf(pluginRoute("a"))).toBe("settings");
  expect(tabOf("/plugins/a?tab=nonsense")).toBe("settings");
});

it("the dialog that installs has an address, and may begin with the registry", () => {
  expect(installOf("/plugins")).toBeUndefined();
  expect(installOf("/plugins?tab=log")).toBeUndefined();
  expect(installOf(installRoute())).toBe("file");
  expect(installOf("/plugins?install=nonsense")).toBe("file");
  expect(installOf(installRoute("registry"))).toBe("registry");
});
