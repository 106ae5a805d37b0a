import type { WebApp } from "../../api/webapps";
import { readPreference, writePreference } from "../../state/preferences";

const KEPT = "favourite-apps";
/** More would be no favourites. */
const MAX_FAVOURITES = 50;

/** Names of the apps that are first at this browser. */
export function readFavourites(): string[] {
  let kept: unknown;
  try {
    kept = JSON.parse(readPreference(KEPT) ?? "[]");
  } catch {
    // Something else is under this name: there are none.
    return [];
  }
  return Array.isArray(kept) ? kept.filter((name) => typeof name === "string").slice(0, MAX_FAVOURITES) : [];
}

/** Adds or removes one, and keeps that. */
export function toggleFavourite(favourites: readonly string[], name: string): string[] {
  const others = favourites.filter((one) => one !== name);
  const next = others.length === favourites.length ? [...others, name].slice(-MAX_FAVOURITES) : others;
  writePreference(KEPT, JSON.stringify(next));
  return next;
}

/** The apps with all words in their name, description or author; favourites first. */
export function findApps(apps: readonly WebApp[], search: string, favourites: readonly string[]): WebApp[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = apps.filter((app) => {
    const text = [app.title, app.name, app.description, app.author].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return [...found.filter(({ name }) => favourites.includes(name)), ...found.filter(({ name }) => !favourites.includes(name))];
}
