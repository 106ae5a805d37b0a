/** Where widgets go in the grid: they never overlap, and nothing floats above an empty place. */
import { COLUMNS, type Box, type Widget } from "./types";

type Placed = Box & { id: string };

export type Direction = "left" | "right" | "up" | "down";

/** Rows the grid has with these in it. */
export function rowsOf(boxes: readonly Box[]): number {
  return boxes.reduce((rows, box) => Math.max(rows, box.y + box.h), 0);
}

export function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** From the top, line by line. */
export function inReadingOrder<T extends Box>(boxes: readonly T[]): T[] {
  return [...boxes].sort((a, b) => a.y - b.y || a.x - b.x);
}

/** What became of a list: in reading order, unless the order before was one of its own, chosen at a phone. */
export function reordered<T extends Placed>(before: readonly T[], after: readonly T[]): readonly T[] {
  const isOwn = inReadingOrder(before).some((box, index) => box !== before[index]);
  return isOwn ? after : inReadingOrder(after);
}

/** Each as far up as it can go; where two overlap, the later one goes below. The order of the list stays. */
export function compact<T extends Placed>(boxes: readonly T[], first?: string): T[] {
  const settled: Box[] = [];
  const places = new Map<string, number>();
  const order = [...boxes].sort((a, b) => a.y - b.y || Number(b.id === first) - Number(a.id === first) || a.x - b.x);
  for (const box of order) {
    let y = box.y;
    const free = (row: number) => !settled.some((other) => overlaps({ ...box, y: row }, other));
    while (y > 0 && free(y - 1)) y -= 1;
    while (!free(y)) y += 1;
    settled.push({ ...box, y });
    places.set(box.id, y);
  }
  return boxes.map((box) => (places.get(box.id) === box.y ? box : { ...box, y: places.get(box.id) ?? box.y }));
}

/** The first free place from the top for something of this size. */
export function freePlace(boxes: readonly Box[], size: { w: number; h: number }): Box {
  const rows = rowsOf(boxes);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x + size.w <= COLUMNS; x += 1) {
      const box = { x, y, ...size };
      if (!boxes.some((other) => overlaps(box, other))) return box;
    }
  }
  return { x: 0, y: rows, ...size };
}

/** Places of these sizes, one after the other, each at the first free place. */
export function flow<T extends { w: number; h: number }>(items: readonly T[]): (T & Box)[] {
  const placed: (T & Box)[] = [];
  for (const item of items) placed.push({ ...item, ...freePlace(placed, { w: item.w, h: item.h }) });
  return placed;
}

/** Moves one by a step that can be seen: past its neighbour where there is one. The same list when it can't go there. */
export function moveBy<T extends Placed>(boxes: readonly T[], id: string, direction: Direction): readonly T[] {
  const box = boxes.find((one) => one.id === id);
  if (box === undefined) return boxes;
  if (direction === "left" || direction === "right") {
    const x = box.x + (direction === "left" ? -1 : 1);
    if (x < 0 || x + box.w > COLUMNS) return boxes;
    return put(boxes, id, { ...box, x });
  }
  const rows = rowsOf(boxes);
  const step = direction === "up" ? -1 : 1;
  // A single row further may be where it already is, once all have moved up again.
  for (let y = box.y + step; y >= 0 && y <= rows; y += step) {
    const moved = direction === "up" ? put(boxes, id, { ...box, y }) : swapDown(boxes, box, y);
    if (moved.find((one) => one.id === id)?.y !== box.y) return moved;
  }
  return boxes;
}

/** Makes one larger or smaller by a cell, within its least size and the grid. */
export function resizeBy<T extends Placed>(
  boxes: readonly T[],
  id: string,
  direction: Direction,
  least: { w: number; h: number },
): readonly T[] {
  const box = boxes.find((one) => one.id === id);
  if (box === undefined) return boxes;
  const w = box.w + (direction === "right" ? 1 : direction === "left" ? -1 : 0);
  const h = box.h + (direction === "down" ? 1 : direction === "up" ? -1 : 0);
  if (w < least.w || h < least.h || box.x + w > COLUMNS || h > 40) return boxes;
  return put(boxes, id, { ...box, w, h });
}

/** Puts one to a place and makes room for it. */
export function put<T extends Placed>(boxes: readonly T[], id: string, box: Box): readonly T[] {
  return compact(
    boxes.map((one) => (one.id === id ? { ...one, x: box.x, y: box.y, w: box.w, h: box.h } : one)),
    id,
  );
}

/** Downwards: those it would cover go up to where it was, and it comes below them. */
function swapDown<T extends Placed>(boxes: readonly T[], box: T, y: number): readonly T[] {
  const covered = boxes.filter((one) => one.id !== box.id && one.y > box.y && overlaps(one, { ...box, y }));
  if (covered.length === 0) return put(boxes, box.id, { ...box, y });
  const top = Math.min(...covered.map((one) => one.y));
  return compact(
    boxes.map((one) => {
      if (one.id === box.id) return { ...one, y: box.y + rowsOf(covered) - top };
      return covered.includes(one) ? { ...one, y: box.y + one.y - top } : one;
    }),
  );
}

/** Takes over places and sizes from elsewhere, such as from dragging. The same list when nothing is different. */
export function withPlaces(widgets: readonly Widget[], places: readonly Placed[]): readonly Widget[] {
  let isSame = true;
  const byId = new Map(places.map((place) => [place.id, place]));
  const result = widgets.map((widget) => {
    const place = byId.get(widget.id);
    if (place === undefined || (place.x === widget.x && place.y === widget.y && place.w === widget.w && place.h === widget.h)) return widget;
    isSame = false;
    return { ...widget, x: place.x, y: place.y, w: place.w, h: place.h };
  });
  return isSame ? widgets : reordered(widgets, result);
}
