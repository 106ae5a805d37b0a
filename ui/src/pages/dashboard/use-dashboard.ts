import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { VesselSnapshot } from "../../signalk/vessel-model";
import { useLive, useStore } from "../../state/hooks";
import type { Store } from "../../state/store";
import type { DashboardStore, Kept } from "./documents";
import { defaultDashboard, defaultKey } from "./model/defaults";
import type { Dashboard } from "./model/types";
import { dashboardsOf } from "./session";

/** How often it is looked whether another device has changed it, while somebody can see it, ms. */
const LOOK = 5_000;
/** Steps that can be undone. */
const MAX_UNDO = 40;

export interface DashboardView {
  kept: Kept;
  store: DashboardStore;
  /** What is shown: the person's own, or the default; undefined while there is nothing to show. */
  dashboard: Dashboard | undefined;
  /** Shows and keeps a changed one. */
  change: (dashboard: Dashboard) => void;
  /** Takes the last change back; undefined when there is none. */
  undo: (() => void) | undefined;
  /** Forgets the person's own. */
  reset: () => void;
}

/** The dashboard of whoever sits here. `isEdited` says whether it is being changed now. */
export function useDashboard(isEdited: boolean): DashboardView {
  const live = useLive();
  const { login, wasLoginAsked } = useStore(live.server);
  const isLive = useStore(live.connection).state === "live";
  const store = useStore(dashboardsOf(live));
  const kept = useStore(store);
  const [past, setPast] = useState<readonly (Dashboard | undefined)[]>([]);
  const who = `${login?.authenticationRequired} ${login?.loggedIn} ${login?.username}`;
  useEffect(() => {
    // Once for each person, and after each interruption: it may have been changed elsewhere.
    if (wasLoginAsked && isLive) void store.load(login);
  }, [store, wasLoginAsked, isLive, who]);
  useEffect(() => () => store.stop(), [store]);
  useEffect(() => {
    store.setEdited(isEdited);
    return () => store.setEdited(false);
  }, [store, isEdited]);
  useEffect(() => (isLive ? lookAgain(() => void store.look()) : undefined), [store, isLive]);
  useEffect(() => setPast([]), [store, kept.taken]);
  const generated = useDefault(live.vessel);
  const dashboard = kept.loaded ? (kept.dashboard ?? generated) : undefined;

  const change = useCallback(
    (next: Dashboard) => {
      const before = store.get().dashboard;
      if (next === before) return;
      setPast((steps) => [...steps, before].slice(-MAX_UNDO));
      store.change(next);
    },
    [store],
  );
  const undo = useMemo(
    () =>
      past.length === 0
        ? undefined
        : () => {
            setPast(past.slice(0, -1));
            store.change(past.at(-1));
          },
    [past, store],
  );
  const reset = useCallback(() => {
    setPast((steps) => [...steps, store.get().dashboard].slice(-MAX_UNDO));
    store.change(undefined);
  }, [store]);
  return { kept, store, dashboard, change, undo, reset };
}

/** Calls `look` from time to time while the page can be seen, and when somebody comes back to it; gives the way to stop. */
function lookAgain(look: () => void): () => void {
  const seen = () => {
    if (document.visibilityState === "visible") look();
  };
  const timer = setInterval(seen, LOOK);
  window.addEventListener("focus", seen);
  document.addEventListener("visibilitychange", seen);
  return () => {
    clearInterval(timer);
    window.removeEventListener("focus", seen);
    document.removeEventListener("visibilitychange", seen);
  };
}

/** How often it is looked whether the default is still right, ms: a value may come to a path that had none. */
const LOOK_AGAIN = 2_000;

/**
 * The default for what the boat has; another one only when there is more to show. After a restart of the server, when
 * values come back one by one, what was shown stays.
 */
function useDefault(vessel: Store<VesselSnapshot>): Dashboard | undefined {
  const [memory] = useState(() => ({ snapshot: undefined as VesselSnapshot | undefined, most: 0, at: 0, key: "", dashboard: undefined as Dashboard | undefined }));
  return useSyncExternalStore(vessel.subscribe, () => {
    const snapshot = vessel.get();
    const count = snapshot.rows.length;
    if (snapshot === memory.snapshot || count < memory.most) return memory.dashboard;
    if (count === memory.most && Date.now() - memory.at < LOOK_AGAIN) return memory.dashboard;
    memory.snapshot = snapshot;
    memory.most = count;
    memory.at = Date.now();
    const key = defaultKey(snapshot);
    if (key !== memory.key) {
      memory.key = key;
      memory.dashboard = defaultDashboard(snapshot) ?? memory.dashboard;
    }
    return memory.dashboard;
  });
}
