import type { JsonObject } from "../../../signalk/frames";

/** Columns of the grid on wide screens. */
export const COLUMNS = 12;

/** Place and size in cells of the grid. */
export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** One widget on a page. */
export interface Widget extends Box {
  /** Unique in its page. */
  id: string;
  /** A kind of the registry, or one that only another version of this page knows: that is kept as it is. */
  kind: string;
  settings: WidgetSettings;
  /** What this version does not know of it. */
  more: JsonObject;
}

/** What can be set of a widget; each kind uses some of it. Numbers are SI. */
export interface WidgetSettings {
  path?: string;
  /** Only what this source says. */
  source?: string;
  title?: string;
  /** Name of a unit in the category of the path, instead of the person's preference. */
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  /** Of a trend: how much is shown, minutes. */
  minutes?: number;
  /** Of a compass and a map: what is up. */
  up?: "north" | "heading";
  /** Settings of other versions. */
  more?: JsonObject;
}

/** One page of widgets. The order of the widgets is that of the one column of a phone. */
export interface DashboardPage {
  id: string;
  name: string;
  widgets: readonly Widget[];
  more: JsonObject;
}

/** What is kept for a person. */
export interface Dashboard {
  pages: readonly DashboardPage[];
  /** In kiosk mode the next page comes after this time, s; 0: only by hand. */
  rotate: number;
  more: JsonObject;
}

/** More than a screen can take; what is beyond is not added. */
export const MAX_PAGES = 20;
export const MAX_WIDGETS = 60;
export const MAX_NAME = 60;
