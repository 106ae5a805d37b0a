import { createContext, useCallback, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import type { LoginStatus } from "../signalk/api";
import { freshness, type Freshness } from "../signalk/age";
import { noMeta, type Meta, type PathRow, type Reading, type VesselSnapshot } from "../signalk/vessel-model";
import { aisWants, type AisTarget } from "./ais";
import type { AlarmHistoryView } from "./alarm-history";
import type { Live } from "./live";
import type { LogLine } from "./logs";
import type { NotificationsView } from "./notifications";
import type { ReadableStore } from "./store";
import type { Want } from "./subscriptions";
import type { TrendPoint } from "./trends";

export const LiveContext = createContext<Live | undefined>(undefined);

/** The one connection to the server and all that came over it. */
export function useLive(): Live {
  const live = useContext(LiveContext);
  if (live === undefined) throw new Error("useLive needs a LiveContext above it");
  return live;
}

export function useStore<T>(store: ReadableStore<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/**
 * A text or number that depends on the time. The component renders again only
 * when the result changes, not with every tick.
 */
export function useTimed<T extends string | number | boolean>(compute: (now: number) => T): T {
  const { clock } = useLive();
  return useSyncExternalStore(clock.subscribe, () => compute(clock.get()));
}

/** False while what is on the page may be out of date because the link is down. */
export function useIsLive(): boolean {
  return useStore(useLive().connection).state === "live";
}

/** Who is signed in; undefined until it is known. */
export function useLogin(): LoginStatus | undefined {
  return useStore(useLive().server).login;
}

/** Whether whoever sits here may do what admins do; also where everybody may. */
export function useIsAdmin(): boolean {
  const login = useLogin();
  return login !== undefined && (!login.authenticationRequired || login.userLevel === "admin");
}

/** Whether whoever sits here may change values. */
export function useCanWrite(): boolean {
  const login = useLogin();
  return login !== undefined && (!login.authenticationRequired || login.userLevel === "admin" || login.userLevel === "readwrite");
}

/** Asks the server for values as long as the component is shown. The wants may be a new array each time. */
export function useSubscription(wants: readonly Want[]): void {
  const live = useLive();
  const key = JSON.stringify(wants);
  useEffect(() => live.subscribe(JSON.parse(key) as Want[]), [live, key]);
}

export interface PathOptions {
  /** Only what this source says; the preferred one when absent. */
  source?: string | undefined;
  /** Own ship when absent. */
  context?: string | undefined;
  /** At most one value in this time, ms; 200 when absent. */
  period?: number | undefined;
}

/** What is known of a path at this moment. */
export interface PathView {
  path: string;
  /** Undefined until there is a value. */
  row: PathRow | undefined;
  /** The reading of the source that was asked for, or the preferred one. */
  reading: Reading | undefined;
  /** SI, as it came; undefined until there is one. */
  value: unknown;
  meta: Meta;
  /** `none` until there is a value. */
  freshness: Freshness | "none";
  /** Too old to be trusted, or the link is down: show it greyed, with `<AgeText>`. */
  stale: boolean;
}

/** The value of a path, subscribed to as long as the component is shown. Renders again only when it changes or gets stale. */
export function usePath(path: string, options: PathOptions = {}): PathView {
  const live = useLive();
  const { source, context, period } = options;
  const want: Want = { path };
  if (context !== undefined) want.context = context;
  if (period !== undefined) want.period = period;
  if (source !== undefined) want.allSources = true;
  useSubscription([want]);
  const store = live.snapshotOf(context);
  const row = useSyncExternalStore(store.subscribe, () => store.get().byPath.get(path));
  const reading = source === undefined ? row?.latest : row?.readings.find((one) => one.source === source);
  const fresh = useTimed((now) => (row === undefined || reading === undefined ? "none" : freshness(row, now - reading.asOf)));
  const isLive = useIsLive();
  return useMemo(
    () => ({
      path,
      row,
      reading,
      value: reading?.value,
      meta: row?.meta ?? noMeta,
      freshness: fresh,
      stale: fresh === "stale" || (!isLive && fresh !== "none"),
    }),
    [path, row, reading, fresh, isLive],
  );
}

/** All values of a context as they are now; renders again up to five times a second. Subscribes to nothing by itself. */
export function useVessel(context?: string): VesselSnapshot {
  return useStore(useLive().snapshotOf(context));
}

/** What is known about a path, such as its unit and zones. */
export function useMeta(path: string, context?: string): Meta {
  return usePath(path, { context }).meta;
}

/** What this page has seen of a numeric path since it was opened, oldest first, SI. Subscribes to it. */
export function useTrend(path: string, options: PathOptions = {}): readonly TrendPoint[] {
  const live = useLive();
  const { source, context } = options;
  usePath(path, options);
  const read = useCallback(() => live.trends.of(path, { source, context }).points(), [live, path, source, context]);
  return useSyncExternalStore(live.trends.subscribe, read);
}

/** The notifications of own ship, most severe first. */
export function useNotifications(): NotificationsView {
  return useStore(useLive().notifications);
}

/** What the server has noted of alarms, newest first; kept up to date as long as the component is shown. */
export function useAlarmHistory(): AlarmHistoryView {
  const { alarmHistory } = useLive();
  useEffect(alarmHistory.watch, [alarmHistory]);
  return useStore(alarmHistory);
}

/** Other vessels by distance, subscribed to as long as the component is shown. */
export function useAisTargets(): readonly AisTarget[] {
  useSubscription(aisWants);
  return useStore(useLive().ais);
}

const logWants: readonly Want[] = [{ context: "*", path: "log", period: 0 }];

/** The server's log, subscribed to as long as the component is shown; for admins only. */
export function useLogs(): readonly LogLine[] {
  useSubscription(logWants);
  return useStore(useLive().logs.lines);
}

/** The last data of a server event; undefined until it has come. The shape is what the caller says. */
export function useServerEvent<T = unknown>(type: string): T | undefined {
  const live = useLive();
  return useStore(useMemo(() => live.event(type), [live, type])) as T | undefined;
}
