import { useSyncExternalStore } from "react";

/** The route: what is behind the `#`, such as `/plugins/anchor?tab=log`; empty without one. */
export function currentRoute(): string {
  return window.location.hash.replace(/^#/, "");
}

/** The route, followed as it changes. */
export function useRoute(): string {
  return useSyncExternalStore(subscribe, currentRoute);
}

/** Parts of the route below a page, decoded: `["anchor"]` for `/plugins/anchor` and `/plugins`. */
export function useSubroute(page: string): string[] {
  const path = useRoute().split("?")[0] ?? "";
  if (!path.startsWith(`${page}/`)) return [];
  return path
    .slice(page.length + 1)
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
}

/** Goes to a route; with `replace` the way back skips the present one. In text use a link: `<a href="#/data">`. */
export function navigate(route: string, options: { replace?: boolean } = {}): void {
  if (options.replace !== true) {
    window.location.hash = route;
    return;
  }
  const url = new URL(window.location.href);
  url.hash = route;
  window.location.replace(url);
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A percent sign of its own.
    return part;
  }
}
