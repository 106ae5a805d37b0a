import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { IconDownload, IconPuzzle, IconSearch } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState } from "react";
import type { PluginDetails } from "../../../api/plugins";
import { EmptyState } from "../../../components/empty-state";
import { LoadState } from "../../../components/load-state";
import { PageHeader } from "../../../components/page-header";
import { navigate, useRoute } from "../../../state/location";
import type { Loaded } from "../../../state/use-load";
import { InstallDialog } from "../install/install-dialog";
import { MissingPackages } from "../install/missing";
import type { Cost } from "../model/costs";
import { counts, filterLabels, filters, select, type Filter } from "../model/state";
import { installOf, installRoute, listRoute } from "../routes";
import { PluginRow } from "./plugin-row";

/** All plugins, found by words and state. */
export function PluginList({ plugins, costs }: { plugins: Loaded<PluginDetails[]>; costs: ReadonlyMap<string, Cost> }) {
  const [search, setSearch] = useState("");
  const [filter, setFilter] = useState<Filter>("all");
  // In the address, so that other pages can link to it, and the way back of a phone closes it.
  const installing = installOf(useRoute());
  const words = useDeferredValue(search);
  const { data } = plugins;
  const found = useMemo(() => select(data ?? [], filter, words), [data, filter, words]);
  const numbers = useMemo(() => counts(data ?? []), [data]);
  const install = (
    <Button leftSection={<IconDownload size={18} aria-hidden="true" />} onClick={() => navigate(installRoute())} data-testid="install">
      Install
    </Button>
  );
  return (
    <>
      <PageHeader title="Plugins" description="What adds to the data of this server">
        {install}
      </PageHeader>
      <InstallDialog from={installing} onClose={() => navigate(listRoute, { replace: true })} onChanged={() => void plugins.reload()} />
      <MissingPackages revision={String(data?.length)} onAsked={() => navigate(installRoute())} />
      <LoadState of={plugins} what="Plugins">
        {(list) =>
          list.length === 0 ? (
            <div className="page-card">
              <EmptyState
                icon={<IconPuzzle size={40} />}
                title="No plugins yet"
                text="A plugin adds calculations, alarms or new kinds of data. Install one from a file or from the npm registry."
              >
                {install}
              </EmptyState>
            </div>
          ) : (
            <>
              <div className="plugin-tools">
                <TextInput
                  aria-label="Search plugins"
                  placeholder="Search"
                  type="search"
                  leftSection={<IconSearch size={18} aria-hidden="true" />}
                  value={search}
                  onChange={(event) => setSearch(event.currentTarget.value)}
                  data-testid="plugin-search"
                />
                <SegmentedControl
                  aria-label="Which plugins"
                  data={filters.map((value) => ({ value, label: `${filterLabels[value]} ${numbers[value]}` }))}
                  value={filter}
                  onChange={(value) => setFilter(value as Filter)}
                  data-testid="plugin-filter"
                />
              </div>
              {found.length === 0 ? (
                <EmptyState title="No plugin fits" text="Search for fewer words, or show all of them." />
              ) : (
                <ul className="plugin-list" aria-label="Plugins">
                  {found.map((plugin) => (
                    <PluginRow key={`${plugin.id} ${plugin.packageName}`} plugin={plugin} cost={costs.get(plugin.id)} />
                  ))}
                </ul>
              )}
            </>
          )
        }
      </LoadState>
    </>
  );
}
