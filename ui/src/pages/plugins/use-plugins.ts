import { useEffect, useRef, useState } from "react";
import { fetchPluginList, fetchPluginStatistics, type PluginDetails } from "../../api/plugins";
import { useServerEvent } from "../../state/hooks";
import { useLoad, type Loaded } from "../../state/use-load";
import { costs, type Cost, type Report } from "./model/costs";

/** The plugins, as they are now: the server tells of each change. */
export function usePlugins(): Loaded<PluginDetails[]> {
  const told = useServerEvent<PluginDetails[]>("PLUGINS_CHANGED");
  const plugins = useLoad(fetchPluginList, "", 30_000);
  const { setData } = plugins;
  useEffect(() => {
    if (Array.isArray(told)) setData(told);
  }, [told, setData]);
  return plugins;
}

const noCosts: ReadonlyMap<string, Cost> = new Map();

/** What each plugin costs, every two seconds. */
export function useCosts(): ReadonlyMap<string, Cost> {
  const statistics = useLoad(fetchPluginStatistics, "", 2_000);
  const before = useRef<Report>(undefined);
  const [shown, setShown] = useState(noCosts);
  const { data } = statistics;
  useEffect(() => {
    if (data === undefined) return;
    const latest = { time: Date.now(), statistics: data };
    setShown(costs(latest, before.current));
    before.current = latest;
  }, [data]);
  return shown;
}
