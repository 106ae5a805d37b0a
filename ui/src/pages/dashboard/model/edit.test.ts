import { describe, expect, it } from "vitest";
import { addPage, addWidget, editWidget, moveInOrder, movePage, removePage, removeWidget, renamePage } from "./edit";
import { MAX_PAGES, MAX_WIDGETS, type Dashboard, type DashboardPage } from "./types";

const page = (id: string, count = 0): DashboardPage => {
  let result: DashboardPage = { id, name: id, widgets: [], more: {} };
  for (let index = 0; index < count; index += 1) {
    result = addWidget(result, { kind: "numeric", settings: {}, size: { w: 3, h: 3 } })?.page ?? result;
  }
  return result;
};
const dashboard = (...pages: DashboardPage[]): Dashboard => ({ pages, rotate: 0, more: {} });
const ids = ({ pages }: Dashboard) => pages.map(({ id }) => id);

describe("widgets", () => {
  it("are added beside each other, with names of their own", () => {
    const { widgets } = page("p", 5);
    expect(widgets.map(({ id, x, y }) => [id, x, y])).toEqual([
      ["numeric", 0, 0],
      ["numeric-2", 3, 0],
      ["numeric-3", 6, 0],
      ["numeric-4", 9, 0],
      ["numeric-5", 0, 3],
    ]);
  });

  it("are not added beyond the most a page takes", () => {
    expect(addWidget(page("p", MAX_WIDGETS), { kind: "text", settings: {}, size: { w: 1, h: 1 } })).toBeUndefined();
  });

  it("that are removed leave no hole above others", () => {
    expect(removeWidget(page("p", 5), "numeric").widgets.map(({ id, y }) => [id, y])).toContainEqual(["numeric-5", 0]);
    const untouched = page("p", 1);
    expect(removeWidget(untouched, "other")).toBe(untouched);
  });

  it("are set and put in order", () => {
    expect(editWidget(page("p", 2), "numeric-2", { path: "a.b" }).widgets[1]?.settings).toEqual({ path: "a.b" });
    const { widgets } = page("p", 3);
    expect(moveInOrder(widgets, "numeric-2", -1).map(({ id }) => id)).toEqual(["numeric-2", "numeric", "numeric-3"]);
    expect(moveInOrder(widgets, "numeric", -1)).toBe(widgets);
  });
});

describe("pages", () => {
  it("are added, named, ordered and removed", () => {
    const added = addPage(dashboard(page("a")), "  Night watch  ");
    expect(added?.dashboard.pages[1]).toMatchObject({ id: "night-watch", name: "Night watch" });
    expect(addPage(dashboard(page("x")), "X")?.id).toBe("x-2");
    const two = dashboard(page("a"), page("b"));
    expect(renamePage(two, "b", "Engine").pages[1]?.name).toBe("Engine");
    expect(renamePage(two, "b", "b")).toBe(two);
    expect(ids(movePage(two, "b", -1))).toEqual(["b", "a"]);
    expect(movePage(two, "b", 1)).toBe(two);
    expect(ids(removePage(two, "a"))).toEqual(["b"]);
  });

  it("are never none, and never too many", () => {
    const one = dashboard(page("a"));
    expect(removePage(one, "a")).toBe(one);
    expect(addPage(dashboard(...Array.from({ length: MAX_PAGES }, (_, index) => page(`p${index}`))), "x")).toBeUndefined();
  });
});
