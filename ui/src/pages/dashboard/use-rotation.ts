import { useEffect } from "react";
import { navigate } from "../../state/location";
import type { Dashboard } from "./model/types";

/** Who touches the screen wants to look: the next page waits this long, ms. */
const AFTER_TOUCH = 60_000;

/** In kiosk mode shows one page after the other, if the dashboard says so. */
export function useRotation(dashboard: Dashboard | undefined, pageId: string | undefined, isKiosk: boolean): void {
  const seconds = dashboard?.rotate ?? 0;
  const ids = dashboard?.pages.map((page) => page.id).join("\n") ?? "";
  useEffect(() => {
    const pages = ids.split("\n");
    if (!isKiosk || seconds === 0 || pages.length < 2) return undefined;
    const next = () => navigate(`/dashboard/${nextPage(pages, pageId)}`, { replace: true });
    let timer = setTimeout(next, seconds * 1000);
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(next, Math.max(AFTER_TOUCH, seconds * 1000));
    };
    window.addEventListener("pointerdown", wait);
    window.addEventListener("keydown", wait);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("pointerdown", wait);
      window.removeEventListener("keydown", wait);
    };
  }, [isKiosk, seconds, ids, pageId]);
}

/** The page after one; the first after the last, and after one that is no more. */
export function nextPage(pages: readonly string[], current: string | undefined): string {
  const index = current === undefined ? -1 : pages.indexOf(current);
  return pages[(index + 1) % pages.length] ?? "";
}
