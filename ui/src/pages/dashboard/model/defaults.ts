/** The dashboard of whoever has made none: what the boat has data for, each in the way that suits it. */
import type { PathRow, VesselSnapshot } from "../../../signalk/vessel-model";
import { isObject } from "../../../signalk/frames";
import { compact, flow } from "./grid";
import type { Dashboard, DashboardPage, WidgetSettings } from "./types";

interface Wish {
  kind: string;
  w: number;
  h: number;
  settings: WidgetSettings;
}

/** Most batteries, tanks, engines … that get a place by themselves. */
const MAX_ALIKE = 8;

/** Undefined while there is nothing to show. */
export function defaultDashboard(vessel: VesselSnapshot): Dashboard | undefined {
  const pages = [page("sailing", "Sailing", sailing(vessel)), page("systems", "Systems", systems(vessel))].filter((one) => one !== undefined);
  if (pages.length > 0) return { pages, rotate: 0, more: {} };
  const anything = page("values", "Values", others(vessel));
  return anything === undefined ? undefined : { pages: [anything], rotate: 0, more: {} };
}

/** Changes when another default would come out: the names of what has a value. */
export function defaultKey(vessel: VesselSnapshot): string {
  const dashboard = defaultDashboard(vessel);
  return dashboard === undefined ? "" : dashboard.pages.flatMap((one) => one.widgets.map((widget) => `${one.id} ${widget.id} ${widget.settings.path ?? ""}`)).join("\n");
}

function page(id: string, name: string, wishes: readonly Wish[]): DashboardPage | undefined {
  if (wishes.length === 0) return undefined;
  const counts = new Map<string, number>();
  const widgets = compact(
    flow(wishes).map((wish) => {
      const count = (counts.get(wish.kind) ?? 0) + 1;
      counts.set(wish.kind, count);
      return { ...wish, id: `${wish.kind}-${count}`, more: {} };
    }),
  );
  return { id, name, widgets: [...widgets].sort((a, b) => a.y - b.y || a.x - b.x), more: {} };
}

function sailing(vessel: VesselSnapshot): Wish[] {
  const has = (path: string) => hasValue(vessel, path);
  const first = (...paths: string[]) => paths.find(has);
  const wishes: Wish[] = [];
  const add = (kind: string, w: number, h: number, path: string | undefined, settings: WidgetSettings = {}) => {
    if (path !== undefined) wishes.push({ kind, w, h, settings: { path, ...settings } });
  };
  const wind = first(
    "environment.wind.angleApparent",
    "environment.wind.speedApparent",
    "environment.wind.angleTrueWater",
    "environment.wind.angleTrueGround",
    "environment.wind.directionTrue",
  );
  const heading = first("navigation.headingTrue", "navigation.headingMagnetic", "navigation.courseOverGroundTrue", "navigation.courseOverGroundMagnetic");
  const depth = first("environment.depth.belowKeel", "environment.depth.belowSurface", "environment.depth.belowTransducer");
  const position = first("navigation.position");
  const speed = first("navigation.speedThroughWater", "navigation.speedOverGround");

  if (wind !== undefined) wishes.push({ kind: "wind", w: 4, h: 6, settings: {} });
  add("compass", 4, 6, heading);
  add("numeric", 2, 3, first("navigation.speedOverGround"));
  add("numeric", 2, 3, first("navigation.speedThroughWater"));
  add("numeric", 4, 3, depth);
  if (position !== undefined) wishes.push({ kind: "ais", w: 8, h: 8, settings: {} });
  if (has("navigation.attitude")) wishes.push({ kind: "attitude", w: 4, h: 5, settings: { path: "navigation.attitude" } });
  add("text", 4, 3, position);
  add("trend", 6, 4, depth);
  add("trend", 6, 4, first("environment.wind.speedTrue", "environment.wind.speedApparent") ?? speed);
  return wishes;
}

function systems(vessel: VesselSnapshot): Wish[] {
  const wishes: Wish[] = [];
  const add = (kind: string, w: number, h: number, rows: readonly PathRow[]) => {
    for (const { path } of rows.slice(0, MAX_ALIKE)) wishes.push({ kind, w, h, settings: { path } });
  };
  const match = (pattern: RegExp) => vessel.rows.filter((row) => typeof row.latest.value === "number" && pattern.test(row.path));
  const charged = match(/^electrical\.batteries\.[^.]+\.capacity\.stateOfCharge$/);
  add("level", 2, 5, charged);
  add("level", 2, 5, match(/^tanks\.[^.]+\.[^.]+\.currentLevel$/));
  add("gauge", 3, 5, match(/^electrical\.batteries\.[^.]+\.voltage$/));
  add("numeric", 3, 3, match(/^electrical\.(batteries|solar|chargers|alternators)\.[^.]+\.(current|power|panelPower)$/));
  add("gauge", 3, 5, match(/^propulsion\.[^.]+\.revolutions$/));
  add("numeric", 3, 3, match(/^propulsion\.[^.]+\.(temperature|coolantTemperature|oilPressure)$/));
  add("numeric", 3, 3, match(/^environment\.(water|outside|inside)\.(temperature|humidity|relativeHumidity)$/));
  const switches = vessel.rows.filter((row) => /^electrical\.switches\.[^.]+(\.[^.]+)?\.state$/.test(row.path));
  add("switch", 2, 3, switches);
  add("trend", 6, 4, match(/^environment\.outside\.pressure$/));
  add("trend", 6, 4, match(/^electrical\.batteries\.[^.]+\.voltage$/).slice(0, 1));
  return wishes;
}

/** A boat with none of the usual paths: the first of what it has. */
function others(vessel: VesselSnapshot): Wish[] {
  const rows = vessel.rows.filter(
    (row) => row.group !== "notifications" && row.group !== "vessel" && (typeof row.latest.value === "number" || typeof row.latest.value === "string"),
  );
  return rows.slice(0, 12).map((row) => ({
    kind: typeof row.latest.value === "number" ? "numeric" : "text",
    w: 3,
    h: 3,
    settings: { path: row.path },
  }));
}

function hasValue(vessel: VesselSnapshot, path: string): boolean {
  const value = vessel.byPath.get(path)?.latest.value;
  return typeof value === "number" || isObject(value);
}
