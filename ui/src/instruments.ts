import { asNumber, isObject } from "./signalk/frames";
import type { PathRow, VesselSnapshot } from "./signalk/vessel-model";
import { formatNumber, NOTHING, type Formatted, type UnitMode } from "./units/format";
import { formatLatitude, formatLongitude } from "./units/position";

/** What an instrument tile shows. */
export interface Instrument {
  id: string;
  label: string;
  /** One line, or two for a position. */
  lines: readonly Formatted[];
  /** Which of several possible quantities it is, or the angle of the wind. */
  note: string | undefined;
  /** Where the needle points, radians clockwise from up; undefined without one. */
  needle: number | undefined;
  /** A compass needle points where the boat goes, a wind needle where the wind comes from. */
  needleKind: "compass" | "wind";
  row: PathRow;
}

interface Quantity {
  path: string;
  note?: string;
}

interface Definition {
  id: string;
  label: string;
  /** SI unit the specification gives these paths: tiles need no metadata. */
  units: string;
  /** In order of preference; the first that has data is shown. */
  quantities: readonly Quantity[];
  compass?: true;
}

const single: readonly Definition[] = [
  { id: "sog", label: "Speed over ground", units: "m/s", quantities: [{ path: "navigation.speedOverGround" }] },
  { id: "stw", label: "Speed through water", units: "m/s", quantities: [{ path: "navigation.speedThroughWater" }] },
  {
    id: "depth",
    label: "Depth",
    units: "m",
    quantities: [
      { path: "environment.depth.belowKeel", note: "below keel" },
      { path: "environment.depth.belowTransducer", note: "below transducer" },
      { path: "environment.depth.belowSurface", note: "below surface" },
    ],
  },
  {
    id: "heading",
    label: "Heading",
    units: "rad",
    compass: true,
    quantities: [
      { path: "navigation.headingTrue", note: "true" },
      { path: "navigation.headingMagnetic", note: "magnetic" },
      { path: "navigation.headingCompass", note: "compass" },
    ],
  },
  {
    id: "cog",
    label: "Course over ground",
    units: "rad",
    compass: true,
    quantities: [
      { path: "navigation.courseOverGroundTrue", note: "true" },
      { path: "navigation.courseOverGroundMagnetic", note: "magnetic" },
    ],
  },
];

const water: Definition = {
  id: "water",
  label: "Water temperature",
  units: "K",
  quantities: [{ path: "environment.water.temperature" }],
};

const winds: readonly { id: string; label: string; speeds: string[]; angles: string[] }[] = [
  {
    id: "wind-apparent",
    label: "Apparent wind",
    speeds: ["environment.wind.speedApparent"],
    angles: ["environment.wind.angleApparent"],
  },
  {
    id: "wind-true",
    label: "True wind",
    speeds: ["environment.wind.speedTrue", "environment.wind.speedOverGround"],
    angles: [
      "environment.wind.angleTrueWater",
      "environment.wind.angleTrueGround",
      "environment.wind.directionTrue",
      "environment.wind.directionMagnetic",
    ],
  },
];

/** The usual instruments for which the boat has data, in a fixed order. */
export function instruments(vessel: VesselSnapshot, mode: UnitMode): Instrument[] {
  const all = [
    ...single.map((definition) => singleInstrument(vessel, definition, mode)),
    ...winds.map((wind) => windInstrument(vessel, wind, mode)),
    singleInstrument(vessel, water, mode),
    positionInstrument(vessel, mode),
  ];
  return all.filter((instrument) => instrument !== undefined);
}

function singleInstrument(vessel: VesselSnapshot, definition: Definition, mode: UnitMode): Instrument | undefined {
  const quantity = preferred(vessel, definition.quantities);
  if (quantity === undefined) return undefined;
  const { row, note } = quantity;
  const value = asNumber(row.latest.value);
  return {
    id: definition.id,
    label: definition.label,
    lines: [value === undefined ? nothing : formatNumber(row.path, value, definition.units, mode)],
    note,
    needle: definition.compass === undefined ? undefined : value,
    needleKind: "compass",
    row,
  };
}

function windInstrument(
  vessel: VesselSnapshot,
  wind: (typeof winds)[number],
  mode: UnitMode,
): Instrument | undefined {
  const speed = preferred(vessel, wind.speeds.map((path) => ({ path })));
  const angle = preferred(vessel, wind.angles.map((path) => ({ path })));
  const row = speed?.row ?? angle?.row;
  if (row === undefined) return undefined;
  const speedValue = asNumber(speed?.row.latest.value);
  const angleValue = asNumber(angle?.row.latest.value);
  return {
    id: wind.id,
    label: wind.label,
    lines: [speedValue === undefined ? nothing : formatNumber(row.path, speedValue, "m/s", mode)],
    note: angle === undefined || angleValue === undefined ? undefined : windNote(angle.row.path, angleValue, mode),
    needle: angleValue,
    needleKind: "wind",
    row,
  };
}

/** "23° port", or "from 215° true" when only the direction is known. */
function windNote(path: string, radians: number, mode: UnitMode): string {
  const { text, units } = formatNumber(path, radians, "rad", mode);
  if (mode === "si") return `${Number(text).toFixed(3)} ${units}`;
  if (path.includes("direction")) return `from ${text}° ${path.endsWith("Magnetic") ? "magnetic" : "true"}`;
  return windSide(radians);
}

/** Angle off the bow with its side; negative is port. */
export function windSide(radians: number): string {
  const full = Math.round((radians * 180) / Math.PI);
  const degrees = ((((full + 180) % 360) + 360) % 360) - 180;
  if (degrees === 0) return "ahead";
  if (degrees === -180) return "astern";
  return `${Math.abs(degrees)}° ${degrees < 0 ? "port" : "starboard"}`;
}

function positionInstrument(vessel: VesselSnapshot, mode: UnitMode): Instrument | undefined {
  const row = vessel.byPath.get("navigation.position");
  if (row === undefined) return undefined;
  return {
    id: "position",
    label: "Position",
    lines: positionLines(row.latest.value, mode),
    note: undefined,
    needle: undefined,
    needleKind: "compass",
    row,
  };
}

function positionLines(value: unknown, mode: UnitMode): readonly Formatted[] {
  const latitude = isObject(value) ? asNumber(value.latitude) : undefined;
  const longitude = isObject(value) ? asNumber(value.longitude) : undefined;
  if (latitude === undefined || longitude === undefined) return [nothing];
  if (mode === "si") {
    return [
      { text: latitude.toFixed(6), units: "deg" },
      { text: longitude.toFixed(6), units: "deg" },
    ];
  }
  return [
    { text: formatLatitude(latitude), units: "" },
    { text: formatLongitude(longitude), units: "" },
  ];
}

const nothing: Formatted = { text: NOTHING, units: "" };

/** The first path with a value; a path that is null now only when no other has one. */
function preferred(
  vessel: VesselSnapshot,
  quantities: readonly Quantity[],
): { row: PathRow; note: string | undefined } | undefined {
  const known = quantities.flatMap(({ path, note }) => {
    const row = vessel.byPath.get(path);
    return row === undefined ? [] : [{ row, note }];
  });
  return known.find(({ row }) => row.latest.value !== null) ?? known[0];
}
