import { createContext, useContext, useSyncExternalStore } from "react";
import type { Dashboard } from "./dashboard";
import type { ReadableStore } from "./store";

export const DashboardContext = createContext<Dashboard | undefined>(undefined);

export function useDashboard(): Dashboard {
  const dashboard = useContext(DashboardContext);
  if (dashboard === undefined) throw new Error("useDashboard needs a DashboardContext above it");
  return dashboard;
}

export function useStore<T>(store: ReadableStore<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/**
 * A text or number that depends on the time. The component renders again only
 * when the result changes, not with every tick.
 */
export function useTimed<T extends string | number | boolean>(compute: (now: number) => T): T {
  const { clock } = useDashboard();
  return useSyncExternalStore(clock.subscribe, () => compute(clock.get()));
}

/** False while what is on the page may be out of date because the link is down. */
export function useIsLive(): boolean {
  return useStore(useDashboard().connection).state === "live";
}
