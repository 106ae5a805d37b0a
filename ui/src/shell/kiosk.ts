import { Store } from "../state/store";

/** Whether only the page itself is shown, as for a screen on the wall: `?kiosk` in the address, or the button. */
export const kiosk = new Store<boolean>(wantsKiosk(window.location));

export function setKiosk(on: boolean): void {
  kiosk.set(on);
  const url = new URL(window.location.href);
  if (on) url.searchParams.set("kiosk", "");
  else url.searchParams.delete("kiosk");
  window.history.replaceState(window.history.state, "", url);
  if (on) void document.documentElement.requestFullscreen?.().catch(() => undefined);
  else if (document.fullscreenElement) void document.exitFullscreen();
}

/** Before the `#` or behind it. */
export function wantsKiosk({ search, hash }: { search: string; hash: string }): boolean {
  const ofHash = hash.includes("?") ? hash.slice(hash.indexOf("?")) : "";
  return new URLSearchParams(search).has("kiosk") || new URLSearchParams(ofHash).has("kiosk");
}
