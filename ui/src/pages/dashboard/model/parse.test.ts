import { describe, expect, it } from "vitest";
import { parseDashboard, parseExport, serializeDashboard, uniqueId } from "./parse";
import { MAX_PAGES, MAX_WIDGETS } from "./types";

const kept = {
  version: 1,
  rotate: 30,
  pages: [
    {
      id: "sailing",
      name: "Sailing",
      widgets: [{ id: "a", kind: "numeric", x: 1, y: 2, w: 3, h: 4, settings: { path: "a.b", title: "Mine", decimals: 2, min: 0, max: 10, up: "north", minutes: 5 } }],
    },
  ],
};

/** Out of storage and into it again. */
const again = (data: unknown) => {
  const dashboard = parseDashboard(data);
  if (dashboard === undefined) throw new Error("there is no dashboard");
  return serializeDashboard(dashboard);
};

describe("a kept dashboard", () => {
  it("comes back as it was saved", () => expect(again(kept)).toEqual(kept));

  it("keeps what only another version knows: kinds, settings, and members everywhere", () => {
    const foreign = {
      ...kept,
      background: "teak",
      pages: [
        {
          id: "p",
          name: "P",
          colour: "blue",
          widgets: [{ id: "x", kind: "hologram", x: 0, y: 0, w: 2, h: 2, settings: { depth: 3, path: "a.b" }, pinned: true }],
        },
      ],
    };
    expect(again(foreign)).toEqual(foreign);
  });

  it.each([undefined, null, 7, "text", [], {}, { pages: 3 }, { pages: [] }, { pages: [1, null] }])("is none in %j", (data) =>
    expect(parseDashboard(data)).toBeUndefined(),
  );

  it("leaves out what makes no sense, and puts what lies outside into the grid", () => {
    const dashboard = parseDashboard({
      rotate: -5,
      pages: [
        "page",
        { widgets: [{ kind: 3 }, {}, null, { kind: "text", x: 11, y: -4, w: 99, h: "tall", settings: { path: 7, decimals: 99, min: "low" } }] },
      ],
    });
    expect(dashboard?.rotate).toBe(0);
    expect(dashboard?.pages).toEqual([
      { id: "page", name: "Page", more: {}, widgets: [{ id: "widget", kind: "text", x: 0, y: 0, w: 12, h: 3, settings: { decimals: 6 }, more: {} }] },
    ]);
  });

  it("gets ids that are no twins", () => {
    const twin = { kind: "text", id: "t", x: 0, y: 0, w: 1, h: 1 };
    const dashboard = parseDashboard({ pages: [{ id: "p", widgets: [twin, twin] }, { id: "p" }] });
    expect(dashboard?.pages.map((page) => page.id)).toEqual(["p", "p-2"]);
    expect(dashboard?.pages[0]?.widgets.map((widget) => widget.id)).toEqual(["t", "t-2"]);
  });

  it("is bounded", () => {
    const widgets = Array.from({ length: 500 }, () => ({ kind: "text" }));
    const dashboard = parseDashboard({ pages: Array.from({ length: 500 }, () => ({ widgets })) });
    expect(dashboard?.pages).toHaveLength(MAX_PAGES);
    expect(dashboard?.pages[0]?.widgets).toHaveLength(MAX_WIDGETS);
  });
});

describe("an imported file", () => {
  it("is read as it was exported", () => expect(serializeDashboard(parseExport(JSON.stringify(kept)))).toEqual(kept));
  it("that is no JSON is refused in words", () => expect(() => parseExport("<html>")).toThrow("no JSON"));
  it("of something else is refused in words", () => expect(() => parseExport("{}")).toThrow("no dashboard"));
});

it("makes ids that are safe in an address", () => expect(uniqueId("Wache / Nacht!", new Set())).toBe("Wache---Nacht-"));
