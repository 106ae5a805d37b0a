/** The form of the own ship: what is typed, and what is sent. */
import type { Vessel } from "../../../api/server";
import type { Unit } from "../../../units/use-unit";

export const textKeys = ["name", "mmsi", "callsignVhf"] as const;
export const lengthKeys = ["length", "beam", "draft", "height", "gpsFromBow", "gpsFromCenter"] as const;
export type TextKey = (typeof textKeys)[number];
export type LengthKey = (typeof lengthKeys)[number];
export type FieldKey = TextKey | LengthKey | "aisShipType";

/** As typed: lengths in the unit of the person. */
export type VesselForm = Readonly<Record<FieldKey, string>>;
export type LengthUnits = Readonly<Record<LengthKey, Pick<Unit, "convert" | "toSi" | "symbol">>>;
export type Problems = Partial<Record<FieldKey, string>>;

export const fieldLabels: Readonly<Record<FieldKey, string>> = {
  name: "Name",
  mmsi: "MMSI",
  callsignVhf: "Call sign",
  length: "Length over all",
  beam: "Beam",
  draft: "Draft",
  height: "Height above the water",
  gpsFromBow: "GPS antenna behind the bow",
  gpsFromCenter: "GPS antenna off the centre line",
  aisShipType: "Kind of ship",
};

/** The path that tells the unit. */
export const lengthPaths: Readonly<Record<LengthKey, string>> = {
  length: "design.length",
  beam: "design.beam",
  draft: "design.draft",
  height: "design.airHeight",
  gpsFromBow: "sensors.gps.fromBow",
  gpsFromCenter: "sensors.gps.fromCenter",
};

/** Longest and deepest, m. */
const MAX_LENGTH = 1_000;
const MAX_TEXT = 200;

export function formOf(vessel: Vessel, units: LengthUnits): VesselForm {
  const length = (key: LengthKey): string => {
    const metres = vessel[key];
    return metres === undefined ? "" : String(Number(units[key].convert(metres).toFixed(3)));
  };
  return {
    name: vessel.name ?? "",
    mmsi: vessel.mmsi ?? "",
    callsignVhf: vessel.callsignVhf ?? "",
    length: length("length"),
    beam: length("beam"),
    draft: length("draft"),
    height: length("height"),
    gpsFromBow: length("gpsFromBow"),
    gpsFromCenter: length("gpsFromCenter"),
    aisShipType: vessel.aisShipType?.toString() ?? "",
  };
}

/** A number as people type it, with a comma too; undefined for what is none. */
export function parseNumber(text: string): number | undefined {
  const plain = text.trim().replace(",", ".").replace("\u2212", "-");
  if (!/^-?(\d+(\.\d*)?|\.\d+)$/.test(plain)) return undefined;
  return Number(plain);
}

/** What is wrong with a form, in words beside the fields. */
export function problemsOf(form: VesselForm, units: LengthUnits): Problems {
  const problems: Problems = {};
  for (const key of ["name", "callsignVhf"] as const) {
    if (form[key].trim().length > MAX_TEXT) problems[key] = `At most ${MAX_TEXT} characters.`;
  }
  if (form.mmsi.trim() !== "" && !/^\d{9}$/.test(form.mmsi.trim())) problems.mmsi = "An MMSI has nine digits. It is on the ship's radio licence.";
  for (const key of lengthKeys) {
    if (form[key].trim() === "") continue;
    const shown = parseNumber(form[key]);
    const metres = shown === undefined ? undefined : units[key].toSi(shown);
    const least = key === "gpsFromCenter" ? -MAX_LENGTH : 0;
    if (metres === undefined) problems[key] = "Type a number, such as 11.5.";
    else if (metres < least) problems[key] = "It can't be less than zero.";
    else if (metres > MAX_LENGTH) problems[key] = "No ship is so large. Which unit is it?";
  }
  return problems;
}

/** What is to be sent: only what was changed, lengths in metres; null takes a value away. */
export function changesOf(before: VesselForm, form: VesselForm, units: LengthUnits): Record<string, string | number | null> {
  const changes: Record<string, string | number | null> = {};
  for (const key of Object.keys(form) as FieldKey[]) {
    const text = form[key].trim();
    if (text === before[key].trim()) continue;
    const lengthKey = lengthKeys.find((other) => other === key);
    if (text === "") changes[key] = null;
    else if (lengthKey !== undefined) changes[key] = Number(units[lengthKey].toSi(parseNumber(text) ?? 0).toFixed(4));
    else changes[key] = key === "aisShipType" ? Number(text) : text;
  }
  return changes;
}

/** Kinds of ships as AIS knows them; those that boats like ours are. */
export const shipTypes: readonly { value: string; label: string }[] = [
  { value: "", label: "Not said" },
  { value: "36", label: "Sailing boat" },
  { value: "37", label: "Pleasure craft" },
  { value: "30", label: "Fishing" },
  { value: "31", label: "Towing" },
  { value: "34", label: "Diving" },
  { value: "40", label: "High-speed craft" },
  { value: "50", label: "Pilot vessel" },
  { value: "51", label: "Search and rescue" },
  { value: "52", label: "Tug" },
  { value: "53", label: "Port tender" },
  { value: "55", label: "Law enforcement" },
  { value: "60", label: "Passenger ship" },
  { value: "70", label: "Cargo ship" },
  { value: "80", label: "Tanker" },
  { value: "90", label: "Other" },
];

/** The kinds to choose from, with the present one if it is a rare one. */
export function shipTypeChoices(current: string): readonly { value: string; label: string }[] {
  if (shipTypes.some(({ value }) => value === current)) return shipTypes;
  return [...shipTypes, { value: current, label: `AIS type ${current}` }];
}
