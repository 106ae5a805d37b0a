import { expect, it } from "vitest";
import { testSnapshot } from "../../test-support";
import { RowSearch, sameTexts, sourcesOf, wordsOf } from "./rows";

const snapshot = testSnapshot({
  "environment.depth.belowKeel": { value: 4, source: "echo.SD", meta: { displayName: "Depth", description: "Under the keel" } },
  "navigation.speedOverGround": { value: 3, source: "gps.GP" },
});

it("finds paths by all words, in path, name, description and source", () => {
  const search = new RowSearch();
  const find = (text: string, source?: string) => search.paths(snapshot, { words: wordsOf(text), source });
  expect(find("")).toHaveLength(2);
  expect(find("KEEL under")).toEqual(["environment.depth.belowKeel"]);
  expect(find("gps")).toEqual(["navigation.speedOverGround"]);
  expect(find("gps keel")).toEqual([]);
  expect(find("", "echo.SD")).toEqual(["environment.depth.belowKeel"]);
});

it("notices metadata that comes later", () => {
  const search = new RowSearch();
  const find = (of: typeof snapshot) => search.paths(of, { words: ["fathom"], source: undefined });
  expect(find(testSnapshot({ "a.b": { value: 1 } }))).toEqual([]);
  expect(find(testSnapshot({ "a.b": { value: 1, meta: { description: "in fathoms" } } }))).toEqual(["a.b"]);
});

it("lists the sources", () => {
  expect(sourcesOf(snapshot)).toEqual(["echo.SD", "gps.GP"]);
  expect(sameTexts(["a"], ["a"])).toBe(true);
  expect(sameTexts(["a"], ["a", "b"])).toBe(false);
});
