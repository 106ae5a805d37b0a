import { Store } from "../state/store";
import { readPreference, writePreference } from "../state/preferences";

/** How bright the page is: by day, by night, or red light only, which leaves the eyes used to the dark. */
export const displayModes = ["day", "night", "red"] as const;
export type DisplayMode = (typeof displayModes)[number];

export const displayLabels: Readonly<Record<DisplayMode, string>> = { day: "Day", night: "Night", red: "Night vision (red)" };

/** What was chosen at this device, else what the device itself is set to. */
export const displayMode = new Store<DisplayMode>(initial());

export function setDisplayMode(mode: DisplayMode): void {
  displayMode.set(mode);
  writePreference("display", mode);
}

/** Tells the style sheets; to be called once before the page is drawn. */
export function applyDisplayMode(): void {
  const apply = () => {
    const mode = displayMode.get();
    document.documentElement.dataset.display = mode;
    document.documentElement.dataset.mantineColorScheme = schemeOf(mode);
  };
  displayMode.subscribe(apply);
  apply();
}

/** The component library knows two schemes; red is the dark one with other colours. */
export function schemeOf(mode: DisplayMode): "light" | "dark" {
  return mode === "day" ? "light" : "dark";
}

function initial(): DisplayMode {
  const kept = readPreference("display");
  const known = displayModes.find((mode) => mode === kept);
  if (known !== undefined) return known;
  return typeof matchMedia === "function" && matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "day";
}
