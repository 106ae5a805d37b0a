import { expect, test } from "vitest";
import { expiryText, levelText, lifetimeChoices, originProblem, originsOf, passwordProblem } from "./levels";

test("levels and lifetimes have words", () => {
  expect(levelText("readwrite")).toBe("May read and change");
  expect(levelText(undefined)).toContain("nothing");
  expect(lifetimeChoices("1d").length).toBe(5);
  expect(lifetimeChoices("15m").at(-1)).toEqual({ value: "15m", label: "15m" });
  const now = Date.parse("2026-05-01T00:00:00Z");
  expect(expiryText(undefined, now)).toBe("for ever");
  expect(expiryText(now / 1000 + 86_400 * 30, now)).toMatch(/^until .*2026/);
  expect(expiryText(now / 1000 - 86_400 * 30, now)).toMatch(/^ended /);
});

test("passwords are long enough and typed twice the same", () => {
  expect(passwordProblem("short", "short")).toContain("at least 8");
  expect(passwordProblem("long enough", "long enouhg")).toContain("differ");
  expect(passwordProblem("long enough", "long enough")).toBeUndefined();
});

test("origins are addresses without a path", () => {
  expect(originsOf(" http://a , ,https://b:1")).toEqual(["http://a", "https://b:1"]);
  expect(originsOf(undefined)).toEqual([]);
  for (const good of ["http://192.168.1.20:8080", "https://app.example", "http://a/", "*"]) expect(originProblem(good), good).toBeUndefined();
  for (const bad of ["a", "http://a/path", "ftp://a", ""]) expect(originProblem(bad), bad).toBeDefined();
});
