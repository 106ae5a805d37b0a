import { expect, test } from "vitest";
import { accessText, aclsOf, decide, matches, mayOf, missingOpenRules, newRule, openRule, problemOf, rulesOf } from "./rules";

const acls = [
  {
    context: "vessels.self",
    resources: [
      {
        paths: ["steering.*"],
        permissions: [
          { subject: "any", permission: "read" },
          { subject: "bob", permission: "put" },
        ],
      },
      { sources: ["actisense.*", "ais"], permissions: [{ subject: "bob", permission: "write" }] },
      { paths: ["*"], permissions: [{ subject: "AUTO", permission: "read" }] },
    ],
  },
  { context: "vessels.*", resources: [{ paths: ["navigation.*"], permissions: [{ subject: "any", permission: "read" }] }] },
];

test("rules keep what security.json says", () => {
  expect(aclsOf(rulesOf(acls))).toEqual(acls);
  expect(rulesOf(acls).map(({ context, grants }) => [context, grants.length])).toEqual([
    ["vessels.self", 2],
    ["vessels.self", 1],
    ["vessels.self", 1],
    ["vessels.*", 1],
  ]);
});

test("rules of a context stand together", () => {
  const [own, others] = [newRule(), openRule()];
  const made = aclsOf([own, others, { ...newRule(), paths: ["design.*"] }]);
  expect(made.map(({ context, resources }) => [context, resources.map(({ paths }) => paths)])).toEqual([
    ["vessels.self", [["navigation.*"], ["design.*"]]],
    ["*", [["*"]]],
  ]);
  expect(made[1]?.resources[0]?.permissions).toEqual([
    { subject: "any", permission: "write" },
    { subject: "any", permission: "put" },
  ]);
});

test("the first context and its first rule decide", () => {
  const rules = rulesOf(acls);
  const may = (subject: string, context: string, path: string, source = "x") => accessText(decide(rules, subject, context, path, source));
  expect(may("bob", "vessels.self", "steering.rudderAngle")).toBe("reads and switches");
  expect(may("eve", "vessels.self", "steering.rudderAngle")).toBe("reads");
  expect(may("bob", "vessels.self", "steering", "actisense.35")).toBe("reads and sends values");
  expect(may("bob", "vessels.self", "navigation.position", "ais2")).toBe("nothing");
  expect(may("AUTO", "vessels.self", "navigation.position")).toBe("reads");
  expect(may("eve", "vessels.urn:mrn:imo:mmsi:2", "navigation.position")).toBe("reads");
  expect(may("eve", "atons.x", "navigation.position")).toBe("nothing");
  expect(accessText(decide([], "eve", "atons.x", "a", "b"))).toBe("reads, sends values and switches");
});

test("what no rule covers can be allowed, in each context", () => {
  const hidden = { ...newRule(), grants: [] };
  const rules = [hidden, ...missingOpenRules([hidden])];
  expect(rules.map(({ context, paths }) => [context, paths])).toEqual([
    ["vessels.self", ["navigation.*"]],
    ["vessels.self", ["*"]],
    ["*", ["*"]],
  ]);
  expect(decide(rules, "eve", "vessels.self", "navigation.position", "x").read).toBe(false);
  expect(decide(rules, "eve", "vessels.self", "environment.depth", "x").read).toBe(true);
  expect(decide(rules, "eve", "atons.x", "navigation.position", "x").read).toBe(true);
  expect(missingOpenRules(rules)).toEqual([]);
});

test("the level counts too", () => {
  const rules = rulesOf(acls);
  const person = (level: "readonly" | "readwrite" | undefined) => ({ name: "bob", kind: "user" as const, level });
  expect(accessText(mayOf(rules, person("readonly"), "vessels.self", "steering.rudderAngle", "x"))).toBe("reads");
  expect(accessText(mayOf(rules, person("readwrite"), "vessels.self", "steering.rudderAngle", "x"))).toBe("reads and switches");
  expect(accessText(mayOf([], person(undefined), "vessels.self", "a", "x"))).toBe("nothing");
  expect(accessText(mayOf(rules, { name: "bob", kind: "visitor", level: "readonly" }, "vessels.self", "a", "x"))).toBe("reads");
});

test("a star stands for anything", () => {
  for (const [pattern, text, expected] of [
    ["*", "", true],
    ["a.*", "a.b.c", true],
    ["a.*", "a", false],
    ["*.c", "a.b.c", true],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "ac", false],
    ["aba*aba", "aba", false],
    ["a.b", "a.b", true],
    ["a.b", "axb", false],
  ] as const) {
    expect(matches(pattern, text), `${pattern} ${text}`).toBe(expected);
  }
});

test("what is not finished is said", () => {
  expect(problemOf(rulesOf(acls))).toBeUndefined();
  expect(problemOf([{ ...newRule(), context: " " }])).toContain("Rule 1 has no context");
  expect(problemOf([newRule(), { ...newRule(), paths: [] }])).toContain("Rule 2 is about nothing");
  expect(problemOf([{ ...newRule(), grants: [{ subject: "", read: true, write: false, put: false }] }])).toContain("without a name");
});
