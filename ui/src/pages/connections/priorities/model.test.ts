import { describe, expect, it } from "vitest";
import type { ReconciledGroup } from "../../../api/sources";
import { addGroup, changeGroup, entriesOf, move, newRule, placeAt, problemOf, removeGroup, ruleOf, setRule, suggestions, type Draft } from "./model";

const empty: Draft = { priorities: { groups: [], overrides: {}, defaults: {} }, aliases: {} };
const gps: ReconciledGroup = { id: "a+b", sources: ["a", "b"], paths: ["navigation.position"], newcomerSources: ["a", "b"] };

describe("groups", () => {
  it("are made of suggestions, once", () => {
    const one = addGroup(empty, gps);
    expect(one.priorities.groups).toEqual([{ id: "Position", sources: ["a", "b"] }]);
    expect(suggestions(empty, [gps]).groups).toEqual([gps]);
    expect(suggestions(one, [gps])).toEqual({ groups: [], newcomers: new Map() });
    const more = { ...gps, sources: ["a", "b", "c"] };
    expect(suggestions(one, [more]).newcomers).toEqual(new Map([["Position", ["c"]]]));
    const two = addGroup(one, { ...gps, sources: ["b", "x"] });
    expect(two.priorities.groups[1]).toEqual({ id: "Position 2", sources: ["x"] });
    expect(removeGroup(two, 0).priorities.groups).toHaveLength(1);
  });

  it("are put in order", () => {
    expect(move(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
    expect(move(["a", "b"], 0, 9)).toEqual(["b", "a"]);
    expect(move(["a", "b"], 0, -1)).toEqual(["a", "b"]);
  });

  it("take what is dragged where it lies, whatever the heights", () => {
    const others = [{ top: 0, bottom: 40 }, { top: 40, bottom: 140 }];
    expect([-5, 19, 21, 89, 91, 900].map((height) => placeAt(others, height))).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it("share no source", () => {
    const one = addGroup(addGroup(empty, gps), { ...gps, sources: ["x"] });
    expect(problemOf(one)).toBeUndefined();
    const both = changeGroup(one, 1, (group) => ({ ...group, sources: ["x", "a"] }));
    expect(problemOf(both)).toContain("a is in the groups");
    expect(problemOf(changeGroup(both, 0, (group) => ({ ...group, inactive: true })))).toBeUndefined();
    expect(problemOf(changeGroup(one, 1, (group) => ({ ...group, id: "Position" })))).toContain("Two groups");
    expect(problemOf(changeGroup(one, 0, (group) => ({ ...group, id: " " })))).toContain("no name");
  });
});

describe("rules of paths", () => {
  it("are overrides and back", () => {
    const entries = [
      { sourceRef: "a", timeout: 0 },
      { sourceRef: "b", timeout: 1_500 },
      { sourceRef: "c", timeout: -1 },
    ];
    expect(entriesOf(ruleOf(entries))).toEqual(entries);
    expect(ruleOf([{ sourceRef: "a", timeout: "2000" }])).toEqual({ mode: "ranked", sources: [{ source: "a", seconds: 2, never: false }] });
    expect(entriesOf(ruleOf([{ sourceRef: "*", timeout: 0 }]))).toEqual([{ sourceRef: "*", timeout: 0 }]);
  });

  it("begin in the order of the group", () => {
    expect(newRule(["b", "a", "z"], [{ id: "g", sources: ["a", "b"] }], 15_000)).toEqual({
      mode: "ranked",
      sources: [
        { source: "a", seconds: 0, never: false },
        { source: "b", seconds: 15, never: false },
        { source: "z", seconds: 15, never: false },
      ],
    });
  });

  it("are set and taken back", () => {
    const set = setRule(empty, "p", { mode: "everybody" });
    expect(set.priorities.overrides).toEqual({ p: [{ sourceRef: "*", timeout: 0 }] });
    expect(setRule(set, "p", undefined).priorities.overrides).toEqual({});
  });
});
