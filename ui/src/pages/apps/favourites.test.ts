import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { WebApp } from "../../api/webapps";
import { findApps, readFavourites, toggleFavourite } from "./favourites";

let kept: Map<string, string>;
beforeEach(() => {
  kept = new Map();
  vi.stubGlobal("window", {
    localStorage: { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) },
  });
});
afterEach(() => vi.unstubAllGlobals());

const app = (name: string, title: string, description = ""): WebApp => ({ name, title, description, version: "1", author: "", url: "", icon: undefined });
const apps = [app("@signalk/freeboard-sk", "Freeboard", "Charts"), app("kip", "KIP", "Instruments"), app("log", "Logbook")];

it("keeps favourites from visit to visit", () => {
  expect(readFavourites()).toEqual([]);
  const favourites = toggleFavourite(toggleFavourite([], "kip"), "log");
  expect(readFavourites()).toEqual(["kip", "log"]);
  expect(toggleFavourite(favourites, "kip")).toEqual(["log"]);
  expect(readFavourites()).toEqual(["log"]);
});

it("begins without any when something else is kept under the name", () => {
  kept.set("windlass.favourite-apps", "no json");
  expect(readFavourites()).toEqual([]);
  kept.set("windlass.favourite-apps", '{"a":1}');
  expect(readFavourites()).toEqual([]);
});

it("finds apps by all words, favourites first", () => {
  const find = (search: string) => findApps(apps, search, ["log"]).map(({ title }) => title);
  expect(find("")).toEqual(["Logbook", "Freeboard", "KIP"]);
  expect(find("chart SIGNALK")).toEqual(["Freeboard"]);
  expect(find("chart kip")).toEqual([]);
});
