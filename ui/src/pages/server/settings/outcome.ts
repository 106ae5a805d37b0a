/** What has become of a change of the settings, in words for the page. */
import type { Settings, SettingsReport } from "../../../api/server";
import { isObject } from "../../../signalk/frames";
import { allFields } from "./fields";

/** Where this page is from now on; undefined when it is where it was. */
export function newAddress(report: SettingsReport, here: Pick<Location, "origin" | "hostname" | "pathname" | "hash">): string | undefined {
  if (!report.moved) return undefined;
  const at = report.addresses.find(({ scheme }) => scheme === "https") ?? report.addresses[0];
  if (at === undefined) return undefined;
  const next = new URL(`${at.scheme}://${here.hostname}:${at.port}${here.pathname}${here.hash}`);
  return next.origin === here.origin ? undefined : next.href;
}

export interface Note {
  label: string;
  why: string;
}

/** What is to be said about single changes: why they have no effect, mostly. */
export function notes(report: SettingsReport): Note[] {
  return report.changes.flatMap(({ setting, effect, why }) => {
    const label = allFields.find(({ at }) => at === setting)?.label ?? setting;
    if (why !== undefined) return [{ label, why }];
    return effect === "now" ? [] : [{ label, why: "It is saved, but has no effect on this server." }];
  });
}

/** The settings with changes: what is shown when the server can't be asked from here any more. */
export function withChanges(settings: Settings, changes: Settings): Settings {
  const merged = Object.entries(changes).map(([key, value]) => {
    const before = settings[key];
    return [key, isObject(value) && isObject(before) ? { ...before, ...value } : value];
  });
  return { ...settings, ...Object.fromEntries(merged) };
}
