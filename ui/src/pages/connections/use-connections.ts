import { useEffect, useRef } from "react";
import {
  fetchConnectionOverviews,
  fetchProviders,
  updateProvider,
  type ConnectionOverview,
  type Provider,
} from "../../api/connections";
import { act } from "../../components/notify";
import { useLoad, type Loaded } from "../../state/use-load";
import { RateHistory, type RecentRates } from "./model/history";

/** How often it is asked how the connections are, ms. */
const INTERVAL = 2_000;

export interface Connections {
  providers: Loaded<Provider[]>;
  /** How they are now. */
  overviews: Loaded<ConnectionOverview[]>;
  /** What they did lately, as far as this page has seen. */
  ratesOf: (id: string) => RecentRates;
  /** Reads everything again: after a change. */
  reload: () => Promise<void>;
  /** Switches a connection on or off. */
  enable: (provider: Provider, enabled: boolean) => Promise<boolean>;
}

/** The connections as they are saved and as they do, followed. */
export function useConnections(): Connections {
  const history = useRef(new RateHistory());
  const providers = useLoad(fetchProviders);
  const overviews = useLoad(
    async () => {
      const list = await fetchConnectionOverviews();
      history.current.add(list, Date.now());
      return list;
    },
    "",
    INTERVAL,
  );
  // Somebody else may have added or removed one.
  const ids = overviews.data?.map(({ id, enabled }) => `${id} ${enabled}`).join("\n");
  const known = useRef(ids);
  const reloadProviders = providers.reload;
  useEffect(() => {
    if (known.current !== undefined && known.current !== ids) void reloadProviders();
    known.current = ids;
  }, [ids, reloadProviders]);
  const reload = async () => {
    await Promise.all([providers.reload(), overviews.reload()]);
  };
  const enable = async (provider: Provider, enabled: boolean) => {
    const work = async () => {
      await updateProvider(provider.id, { ...provider, enabled });
      await reload();
    };
    const done = enabled ? `${provider.id} is switched on` : `${provider.id} is switched off`;
    return act(work, done, `${provider.id} could not be switched`);
  };
  return { providers, overviews, ratesOf: (id) => history.current.of(id), reload, enable };
}
