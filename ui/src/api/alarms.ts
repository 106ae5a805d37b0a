import { asString, isObject } from "../signalk/frames";
import { notificationStates, type NotificationState } from "../signalk/notifications";
import { getJson, send } from "./http";

/** A change of the state of a notification, as the server has noted it. Times are ms since the epoch, by the server's clock. */
export interface AlarmEntry {
  /** Later ones have greater ones. */
  id: number;
  time: number;
  /** Whose it is, such as `vessels.urn:mrn:imo:mmsi:230099999`. */
  context: string;
  path: string;
  source: string;
  from: NotificationState;
  state: NotificationState;
  message: string;
  silenced: number | undefined;
  acknowledged: number | undefined;
  /** When it left this state; what is normal has no end. */
  ended: number | undefined;
  /** It ended because nobody raised it again after the server was restarted. */
  lost: boolean;
}

export interface AlarmPage {
  /** The newest first. */
  entries: readonly AlarmEntry[];
  /** There are older ones. */
  more: boolean;
}

const URL = "/windlass/alarms/history";
/** Most entries that the server gives at once, and keeps. */
export const MAX_ALARM_ENTRIES = 1_000;

/** The newest entries of all contexts that whoever sits here may see. */
export async function fetchAlarmHistory(limit: number): Promise<AlarmPage> {
  const answer = await getJson(`${URL}?limit=${limit}`, { quiet: true });
  const entries = isObject(answer) && Array.isArray(answer.entries) ? answer.entries.filter(isObject) : [];
  return { entries: entries.flatMap(parseEntry), more: isObject(answer) && answer.more === true };
}

/** Forgets all but the alarms that are active, for everybody. Admins only. */
export const clearAlarmHistory = () => send("DELETE", URL);

function parseEntry(entry: Record<string, unknown>): AlarmEntry[] {
  const [time, state, from] = [timeOf(entry.time), stateOf(entry.state), stateOf(entry.from)];
  const [path, context] = [asString(entry.path), asString(entry.context)];
  if (typeof entry.id !== "number" || time === undefined || state === undefined || path === undefined || context === undefined) return [];
  return [
    {
      id: entry.id,
      time,
      context,
      path,
      source: asString(entry.source) ?? "",
      from: from ?? "normal",
      state,
      message: asString(entry.message) ?? "",
      silenced: timeOf(entry.silenced),
      acknowledged: timeOf(entry.acknowledged),
      ended: timeOf(entry.ended),
      lost: entry.lost === true,
    },
  ];
}

function stateOf(state: unknown): NotificationState | undefined {
  return notificationStates.find((known) => known === state);
}

function timeOf(time: unknown): number | undefined {
  const parsed = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}
