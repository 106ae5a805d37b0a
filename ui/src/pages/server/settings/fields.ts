/** The settings of the server, as fields of a form. */
import type { Settings } from "../../../api/server";
import { isObject } from "../../../signalk/frames";
import { parseNumber } from "./vessel";

export type FieldValue = boolean | number | string;

interface Common {
  /** Where it is in the settings: `options.mdns`. */
  at: string;
  label: string;
  help: string;
}

/** One setting. */
export type Field =
  | (Common & { kind: "switch" })
  | (Common & { kind: "text"; wide?: true })
  | (Common & { kind: "number"; unit: string; least: number; most: number; whole: boolean; /** What one of the unit is in the settings. */ factor?: number; /** 0 is allowed besides. */ orZero?: true });

export interface FieldGroup {
  title: string;
  fields: readonly Field[];
}

export const groups: readonly FieldGroup[] = [
  {
    title: "Network",
    fields: [
      {
        at: "port",
        label: "Port of this page",
        help: "Devices find the server by it. A port given on the command line wins.",
        kind: "number",
        unit: "",
        least: 1,
        most: 65_535,
        whole: true,
      },
      { at: "sslport", label: "Port with encryption", help: "Used when encryption is on, see Security.", kind: "number", unit: "", least: 1, most: 65_535, whole: true },
      { at: "options.mdns", label: "Let apps find the server by themselves", help: "It announces itself on the boat's network (mDNS).", kind: "switch" },
      { at: "interfaces.tcp", label: "Signal K over TCP", help: "For instruments that read Signal K from a plain connection, port 8375.", kind: "switch" },
      { at: "interfaces.nmea-tcp", label: "NMEA 0183 over TCP", help: "For plotters and apps that read NMEA sentences, port 10110.", kind: "switch" },
      { at: "options.wsPingInterval", label: "Look after displays every", help: "A display that does not answer is disconnected. 0 never asks.", kind: "number", unit: "s", least: 1, most: 86_400, whole: false, factor: 1000, orZero: true },
    ],
  },
  {
    title: "Data",
    fields: [
      { at: "pruneContextsMinutes", label: "Forget other ships after", help: "Ships that were not heard of for so long leave the chart. 0 keeps them.", kind: "number", unit: "min", least: 0, most: 10_000_000, whole: false },
      { at: "staleness.enforceDataTimeouts", label: "Take away values that are too old", help: "A value whose source has gone quiet becomes empty instead of staying as it was.", kind: "switch" },
      { at: "staleness.useDefaultTimeouts", label: "Also values that have no limit of their own", help: "They are too old after the time below.", kind: "switch" },
      { at: "staleness.defaultTimeout", label: "Too old after", help: "For values without a limit of their own.", kind: "number", unit: "s", least: 0, most: 86_400, whole: false },
      { at: "notifications.manageNotifications", label: "Alarms can be acknowledged by all displays", help: "The server gives each alarm a state that everybody shares.", kind: "switch" },
    ],
  },
  {
    title: "Recording",
    fields: [
      { at: "loggingDirectory", label: "Folder of recorded data", help: "On the server's computer. A disk or stick wears less than its memory card.", kind: "text", wide: true },
      { at: "keepMostRecentLogsOnly", label: "Keep the latest files only", help: "Older ones make room.", kind: "switch" },
      { at: "logCountToKeep", label: "Files to keep", help: "One file an hour: 24 are a day.", kind: "number", unit: "files", least: 0, most: 1_000_000, whole: true },
    ],
  },
  {
    title: "Plugins",
    fields: [{ at: "interfaces.wasm", label: "Run plugins", help: "Off, none starts: to find out whether one of them causes trouble.", kind: "switch" }],
  },
];

export const allFields: readonly Field[] = groups.flatMap(({ fields }) => fields);

/** By `at`; numbers are texts while they are typed. */
export type SettingsForm = Readonly<Record<string, boolean | string>>;

export function settingsForm(settings: Settings): SettingsForm {
  return Object.fromEntries(
    allFields.flatMap((field): [string, boolean | string][] => {
      const value = valueAt(settings, field.at);
      if (field.kind === "switch") return typeof value === "boolean" ? [[field.at, value]] : [];
      // "false" stands for zero where a time can be switched off.
      if (field.kind === "number" && value === false) return [[field.at, "0"]];
      if (field.kind === "number") return typeof value === "number" ? [[field.at, String(value / (field.factor ?? 1))]] : [];
      return typeof value === "string" ? [[field.at, value]] : [];
    }),
  );
}

/** What is wrong, by `at`. */
export function settingsProblems(form: SettingsForm): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const field of allFields) {
    const text = form[field.at];
    if (field.kind !== "number" || typeof text !== "string") continue;
    const number = parseNumber(text);
    if (number === undefined) problems[field.at] = "Type a number.";
    else if (field.whole && !Number.isInteger(number)) problems[field.at] = "Type a whole number.";
    else if (field.orZero && number === 0) continue;
    else if (number < field.least || number > field.most) problems[field.at] = `${field.orZero ? "0, or from" : "From"} ${field.least} to ${field.most}.`;
  }
  if (form.port !== undefined && form.port === form.sslport) problems.sslport = "It has to be another port than the one of this page.";
  return problems;
}

/** What is to be sent: only what was changed. `options` has to be there always. */
export function settingsChanges(before: SettingsForm, form: SettingsForm): Settings {
  const changes: Record<string, unknown> & { options: Record<string, boolean | number> } = { options: {} };
  for (const field of allFields) {
    const value = form[field.at];
    if (value === undefined || value === before[field.at]) continue;
    const sent = field.kind === "number" ? (parseNumber(String(value)) ?? 0) * (field.factor ?? 1) : value;
    const isOff = field.at === "options.wsPingInterval" && sent === 0;
    put(changes, field.at, isOff ? false : sent);
  }
  return changes;
}

function valueAt(settings: unknown, at: string): unknown {
  return at.split(".").reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), settings);
}

function put(target: Record<string, unknown>, at: string, value: unknown): void {
  const [first, second] = at.split(".");
  if (first === undefined) return;
  if (second === undefined) {
    target[first] = value;
    return;
  }
  const member = target[first];
  target[first] = { ...(isObject(member) ? member : {}), [second]: value };
}
