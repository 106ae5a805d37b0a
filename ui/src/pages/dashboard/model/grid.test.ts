import { describe, expect, it } from "vitest";
import { compact, flow, freePlace, moveBy, overlaps, put, resizeBy, reordered, withPlaces } from "./grid";
import type { Widget } from "./types";

type Placed = { id: string; x: number; y: number; w: number; h: number };
const box = (id: string, x: number, y: number, w: number, h: number): Placed => ({ id, x, y, w, h });
const places = (boxes: readonly Placed[]) => Object.fromEntries(boxes.map(({ id, x, y, w, h }) => [id, [x, y, w, h]]));

/** Two beside each other, one below them. */
const page = [box("a", 0, 0, 6, 2), box("b", 6, 0, 6, 2), box("c", 0, 2, 12, 3)];

describe("placing", () => {
  it("puts a new one to the first free place", () => {
    expect(freePlace([], { w: 3, h: 2 })).toEqual({ x: 0, y: 0, w: 3, h: 2 });
    expect(freePlace([box("a", 0, 0, 6, 2)], { w: 6, h: 2 })).toEqual({ x: 6, y: 0, w: 6, h: 2 });
    expect(freePlace(page, { w: 3, h: 2 })).toEqual({ x: 0, y: 5, w: 3, h: 2 });
  });

  it("flows from left to right without overlap", () => {
    const placed = flow([{ w: 8, h: 2 }, { w: 8, h: 2 }, { w: 4, h: 4 }]);
    expect(placed.map(({ x, y }) => [x, y])).toEqual([[0, 0], [0, 2], [8, 0]]);
  });

  it("closes gaps, and pulls apart what overlaps", () => {
    expect(places(compact([box("a", 0, 5, 6, 2), box("b", 3, 6, 6, 2)]))).toEqual({ a: [0, 0, 6, 2], b: [3, 2, 6, 2] });
  });
});

describe("moving by keys", () => {
  it("goes a column to the side, and makes room", () => {
    expect(places(moveBy(page, "a", "right"))).toEqual({ a: [1, 0, 6, 2], b: [6, 2, 6, 2], c: [0, 4, 12, 3] });
  });

  it("goes past the one below", () => {
    expect(places(moveBy(page, "a", "down"))).toEqual({ a: [0, 3, 6, 2], b: [6, 3, 6, 2], c: [0, 0, 12, 3] });
  });

  it("goes up again", () => {
    const down = moveBy([box("a", 0, 0, 6, 2), box("b", 0, 2, 6, 3)], "a", "down");
    expect(places(down)).toEqual({ a: [0, 3, 6, 2], b: [0, 0, 6, 3] });
    expect(places(moveBy(down, "a", "up"))).toEqual({ a: [0, 0, 6, 2], b: [0, 2, 6, 3] });
  });

  it("stays where there is no way, and leaves the list as it is", () => {
    expect(moveBy(page, "a", "left")).toBe(page);
    expect(moveBy(page, "a", "up")).toBe(page);
    expect(moveBy(page, "c", "down")).toBe(page);
    expect(moveBy(page, "nobody", "up")).toBe(page);
  });

  it("never lets two overlap, wherever they go", () => {
    let boxes: readonly Placed[] = flow([{ w: 4, h: 6 }, { w: 4, h: 6 }, { w: 2, h: 3 }, { w: 2, h: 3 }, { w: 4, h: 3 }, { w: 8, h: 8 }].map((size, i) => ({ ...size, id: `w${i}` })));
    const steps = ["down", "right", "down", "left", "up", "right", "up", "left"] as const;
    for (let round = 0; round < 60; round += 1) {
      boxes = moveBy(boxes, `w${round % 6}`, steps[round % steps.length]!);
      boxes = resizeBy(boxes, `w${(round * 5) % 6}`, steps[(round * 3) % steps.length]!, { w: 1, h: 1 });
      for (const a of boxes) {
        expect(a.x).toBeGreaterThanOrEqual(0);
        expect(a.x + a.w).toBeLessThanOrEqual(12);
        for (const b of boxes) expect(a === b || !overlaps(a, b), `${JSON.stringify(a)} ${JSON.stringify(b)}`).toBe(true);
      }
    }
  });
});

describe("sizing by keys", () => {
  const least = { w: 2, h: 2 };
  it("pushes what is in the way", () => {
    expect(places(resizeBy(page, "a", "down", least))).toEqual({ a: [0, 0, 6, 3], b: [6, 0, 6, 2], c: [0, 3, 12, 3] });
  });
  it("ends at the least size and at the edge", () => {
    expect(resizeBy(page, "a", "up", least)).toBe(page);
    expect(resizeBy(page, "b", "right", least)).toBe(page);
    expect(resizeBy([box("a", 0, 0, 2, 2)], "a", "left", least)[0]?.w).toBe(2);
  });
});

describe("the order", () => {
  const widget = (id: string, x: number, y: number): Widget => ({ id, kind: "text", settings: {}, more: {}, x, y, w: 6, h: 2 });

  it("is that of reading", () => {
    const widgets = [widget("a", 0, 0), widget("b", 6, 0)];
    const moved = withPlaces(widgets, put(widgets, "a", { x: 6, y: 0, w: 6, h: 2 }));
    expect(moved.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(withPlaces(moved, [box("a", 6, 2, 6, 2), box("b", 0, 0, 6, 2)]).map(({ id }) => id)).toEqual(["b", "a"]);
  });

  it("stays what somebody chose at a phone", () => {
    const own = [widget("b", 6, 0), widget("a", 0, 0)];
    expect(reordered(own, [...own, widget("c", 0, 2)]).map(({ id }) => id)).toEqual(["b", "a", "c"]);
  });

  it("and the list itself stay when nothing moves", () => {
    const widgets = [widget("a", 0, 0)];
    expect(withPlaces(widgets, [box("a", 0, 0, 6, 2)])).toBe(widgets);
  });
});
