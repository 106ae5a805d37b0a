import { useState } from "react";

const PREFIX = "windlass.";

/** A choice of the person at this browser, kept between visits where the browser allows it. */
export function usePreference<T extends string>(
  name: string,
  allowed: readonly T[],
  initial: T,
): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    const stored = readPreference(name);
    return allowed.find((choice) => choice === stored) ?? initial;
  });
  return [
    value,
    (next) => {
      setValue(next);
      writePreference(name, next);
    },
  ];
}

/** What is kept under a name; null when nothing is. */
export function readPreference(name: string): string | null {
  try {
    return window.localStorage.getItem(PREFIX + name);
  } catch {
    // Storage is switched off in this browser: the initial choice holds.
    return null;
  }
}

/** Keeps a text under a name. */
export function writePreference(name: string, value: string): void {
  try {
    window.localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is switched off or full: the choice holds until the page is closed.
  }
}
