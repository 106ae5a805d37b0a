import { getJson } from "../../../api/http";
import { asNumber, asString, isObject } from "../../../signalk/frames";

/** Tiles of a chart of this server. */
export interface TileChart {
  url: string;
  minZoom: number;
  maxNativeZoom: number;
  maxZoom: number;
  /** Rows are counted from the south. */
  tms: boolean;
  bounds?: [[number, number], [number, number]];
}

/** More layers than can be seen through each other. */
const MAX_CHARTS = 10;

/** The charts that this server has itself; none where it has no such thing. */
export async function fetchCharts(): Promise<TileChart[]> {
  try {
    return chartsOf(await getJson("/signalk/v2/api/resources/charts", { quiet: true }), window.location.origin);
  } catch {
    // Charts are an extra: without them there is the graticule.
    return [];
  }
}

/** Raster tiles by URL; what lies elsewhere is left out, for there may be no internet, and the server allows none. */
export function chartsOf(json: unknown, origin: string): TileChart[] {
  if (!isObject(json)) return [];
  return Object.values(json)
    .flatMap((chart) => parse(chart, origin))
    .slice(0, MAX_CHARTS);
}

function parse(chart: unknown, origin: string): TileChart[] {
  if (!isObject(chart)) return [];
  const type = asString(chart.type)?.toLowerCase() ?? "tilelayer";
  const format = asString(chart.format)?.toLowerCase() ?? "png";
  const template = asString(chart.url) ?? asString(chart.tilemapUrl);
  if (template === undefined || !["tilelayer", "tms", "xyz"].includes(type) || !["png", "jpg", "jpeg", "webp"].includes(format)) return [];
  const url = template.includes("{z}") ? template : `${template.replace(/\/$/, "")}/{z}/{x}/{y}`;
  const isHere = url.startsWith("/") && !url.startsWith("//") ? true : url.startsWith(`${origin}/`);
  if (!isHere) return [];
  const { bounds } = chart;
  const corners = Array.isArray(bounds) && bounds.length === 4 ? bounds.map(asNumber) : [];
  const [west, south, east, north] = corners;
  const isBounded = west !== undefined && south !== undefined && east !== undefined && north !== undefined;
  return [
    {
      url,
      minZoom: asNumber(chart.minzoom) ?? 3,
      maxNativeZoom: asNumber(chart.maxzoom) ?? 18,
      maxZoom: 18,
      tms: type === "tms",
      ...(isBounded ? { bounds: [[south, west], [north, east]] as [[number, number], [number, number]] } : {}),
    },
  ];
}
