/**
 * Dashboards from whatever was kept or imported. What this version does not know is carried along, so that saving takes
 * nothing from another version; what makes no sense is left out.
 */
import { asNumber, asString, isObject, type JsonObject } from "../../../signalk/frames";
import { COLUMNS, MAX_NAME, MAX_PAGES, MAX_WIDGETS, type Dashboard, type DashboardPage, type Widget, type WidgetSettings } from "./types";

/** Version of the form in which dashboards are kept. */
const VERSION = 1;
/** More rows than anybody scrolls through. */
const MAX_ROWS = 1_000;

/** Undefined when there is no page in it. */
export function parseDashboard(data: unknown): Dashboard | undefined {
  if (!isObject(data) || !Array.isArray(data.pages)) return undefined;
  const { version: _, pages: rawPages, rotate, ...more } = data;
  const ids = new Set<string>();
  const pages = (rawPages as unknown[]).slice(0, MAX_PAGES).flatMap((page) => parsePage(page, ids));
  if (pages.length === 0) return undefined;
  return { pages, rotate: clamp(asNumber(rotate) ?? 0, 0, 3600), more };
}

/** The text of a file, such as one that was exported. Throws with words for people when there is no dashboard in it. */
export function parseExport(text: string): Dashboard {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error("This file is no JSON. Choose a file that was exported from a dashboard.");
  }
  const dashboard = parseDashboard(json);
  if (dashboard === undefined) throw new Error("There is no dashboard in this file. Choose one that was exported from a dashboard.");
  return dashboard;
}

/** What is kept: JSON. */
export function serializeDashboard({ pages, rotate, more }: Dashboard): JsonObject {
  return { ...more, version: VERSION, rotate, pages: pages.map(serializePage) };
}

function serializePage({ id, name, widgets, more }: DashboardPage): JsonObject {
  return {
    ...more,
    id,
    name,
    widgets: widgets.map(({ id: widget, kind, x, y, w, h, settings, more: rest }) => {
      const { more: unknown, ...known } = settings;
      return { ...rest, id: widget, kind, x, y, w, h, settings: { ...unknown, ...known } };
    }),
  };
}

function parsePage(data: unknown, taken: Set<string>): DashboardPage[] {
  if (!isObject(data)) return [];
  const { id, name, widgets, ...more } = data;
  const ids = new Set<string>();
  const list = Array.isArray(widgets) ? (widgets as unknown[]).slice(0, MAX_WIDGETS).flatMap((widget) => parseWidget(widget, ids)) : [];
  return [{ id: uniqueId(asString(id) ?? "page", taken), name: pageName(asString(name) ?? ""), widgets: list, more }];
}

function parseWidget(data: unknown, taken: Set<string>): Widget[] {
  if (!isObject(data) || typeof data.kind !== "string" || data.kind === "") return [];
  const { id, kind, x, y, w, h, settings, ...more } = data;
  const width = whole(w, 1, COLUMNS, 3);
  return [
    {
      id: uniqueId(asString(id) ?? "widget", taken),
      kind: data.kind,
      x: whole(x, 0, COLUMNS - width, 0),
      y: whole(y, 0, MAX_ROWS, 0),
      w: width,
      h: whole(h, 1, 40, 3),
      settings: parseSettings(isObject(settings) ? settings : {}),
      more,
    },
  ];
}

function parseSettings(data: JsonObject): WidgetSettings {
  const { path, source, title, unit, decimals, min, max, minutes, up, ...more } = data;
  const settings: WidgetSettings = {};
  const texts = { path, source, title, unit };
  for (const key of ["path", "source", "title", "unit"] as const) {
    const text = asString(texts[key]);
    if (text !== undefined && text !== "") settings[key] = text;
  }
  const numbers = { min, max };
  for (const key of ["min", "max"] as const) {
    const number = asNumber(numbers[key]);
    if (number !== undefined) settings[key] = number;
  }
  if (asNumber(decimals) !== undefined) settings.decimals = whole(decimals, 0, 6, 0);
  if (asNumber(minutes) !== undefined) settings.minutes = clamp(minutes as number, 1, 24 * 60);
  if (up === "north" || up === "heading") settings.up = up;
  if (Object.keys(more).length > 0) settings.more = more;
  return settings;
}

/** A name that can be shown as a tab. */
export function pageName(name: string): string {
  const trimmed = name.trim().slice(0, MAX_NAME);
  return trimmed === "" ? "Page" : trimmed;
}

/** The id itself, or with a number behind it where it is taken. Marks it as taken. */
export function uniqueId(wanted: string, taken: Set<string>): string {
  const base = wanted.replace(/[^\w-]/g, "-").slice(0, 40) || "id";
  let id = base;
  for (let number = 2; taken.has(id); number += 1) id = `${base}-${number}`;
  taken.add(id);
  return id;
}

function whole(value: unknown, low: number, high: number, otherwise: number): number {
  const number = asNumber(value);
  return number === undefined ? otherwise : clamp(Math.round(number), low, high);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
