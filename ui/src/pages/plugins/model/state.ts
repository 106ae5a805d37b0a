import type { PluginDetails } from "../../../api/plugins";
import type { Tone } from "../../../components/state-badge";

const words: Readonly<Record<string, { tone: Tone; word: string }>> = {
  running: { tone: "good", word: "running" },
  starting: { tone: "caution", word: "starting" },
  crashed: { tone: "bad", word: "crashed, starts again" },
  error: { tone: "bad", word: "does not run" },
  disabled: { tone: "plain", word: "plugins are off" },
};

/** A plugin's state in a word and a colour. */
export function stateOf({ state, data }: Pick<PluginDetails, "state" | "data">): { tone: Tone; word: string } {
  if (state === undefined || state === "stopped") return { tone: "plain", word: data.enabled ? "stopped" : "off" };
  return words[state] ?? { tone: "plain", word: state };
}

export const filters = ["all", "on", "off", "trouble"] as const;
export type Filter = (typeof filters)[number];
export const filterLabels: Readonly<Record<Filter, string>> = { all: "All", on: "On", off: "Off", trouble: "Trouble" };

/** Something is wrong with it that a person should look at. */
export function isTrouble({ state }: Pick<PluginDetails, "state">): boolean {
  return state === "error" || state === "crashed";
}

/** The plugins that fit a filter and all words of a search. */
export function select(plugins: readonly PluginDetails[], filter: Filter, search: string): PluginDetails[] {
  const wanted = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return plugins.filter((plugin) => {
    if (filter === "on" && !plugin.data.enabled) return false;
    if (filter === "off" && plugin.data.enabled) return false;
    if (filter === "trouble" && !isTrouble(plugin)) return false;
    const text = [plugin.name, plugin.packageName, plugin.id, plugin.description, ...(plugin.keywords ?? [])].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** How many each filter finds. */
export function counts(plugins: readonly PluginDetails[]): Record<Filter, number> {
  const count = (filter: Filter) => select(plugins, filter, "").length;
  return { all: count("all"), on: count("on"), off: count("off"), trouble: count("trouble") };
}
