import { expect, it } from "vitest";
import type { StoreEntry } from "../../../api/packages";
import { offers } from "./offers";

const entry = (name: string, more: Partial<StoreEntry> = {}): StoreEntry => ({
  name,
  version: "2.0.0",
  description: `What ${name} does`,
  author: "Jo",
  categories: [],
  updated: "",
  isPlugin: true,
  isWebapp: false,
  ...more,
});

it("shows updates first, then plugins, then web apps", () => {
  const available = [entry("app", { isPlugin: false }), entry("wind"), entry("anchor", { installedVersion: "1.0.0" })];
  const updates = [entry("anchor", { installedVersion: "1.0.0", newVersion: "2.0.0" })];
  expect(offers({ available, updates }, "").map(({ name, newVersion }) => [name, newVersion])).toEqual([
    ["anchor", "2.0.0"],
    ["wind", undefined],
    ["app", undefined],
  ]);
  expect(offers({ available, updates }, "jo WIND").map(({ name }) => name)).toEqual(["wind"]);
});
