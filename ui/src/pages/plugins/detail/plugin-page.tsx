import { Alert, Tabs } from "@mantine/core";
import { IconAlertTriangle, IconArrowLeft } from "@tabler/icons-react";
import { useState } from "react";
import { fetchPluginStatus, type PluginDetails } from "../../../api/plugins";
import { EmptyState } from "../../../components/empty-state";
import { LoadState } from "../../../components/load-state";
import { PageHeader } from "../../../components/page-header";
import { StateBadge } from "../../../components/state-badge";
import { navigate, useRoute } from "../../../state/location";
import { useLoad, type Loaded } from "../../../state/use-load";
import { Figures } from "../list/plugin-row";
import type { Cost } from "../model/costs";
import { stateOf } from "../model/state";
import { pluginRoute, tabOf, type Tab } from "../routes";
import { Actions, type Told } from "./actions";
import { LimitsTab } from "./limits-tab";
import { LogTab } from "./log-tab";
import { PermissionsTab } from "./permissions-tab";
import { SettingsTab } from "./settings-tab";

/** One plugin: whether it is on, what it says, and everything about it. */
export function PluginPage({ id, plugins, cost }: { id: string; plugins: Loaded<PluginDetails[]>; cost: Cost | undefined }) {
  return (
    <>
      <a href="#/plugins" className="plugin-back" data-testid="all-plugins">
        <IconArrowLeft size={18} aria-hidden="true" /> All plugins
      </a>
      <LoadState of={plugins} what="The plugin">
        {(list) => {
          const plugin = list.find((one) => one.id === id) ?? list.find((one) => one.packageName === id);
          if (plugin !== undefined) return <Page plugin={plugin} cost={cost} onChanged={plugins.reload} />;
          return (
            <>
              <PageHeader title="Plugins" />
              <EmptyState title="This plugin is not installed" text={<>There is none called {id}. It may have been removed.</>} />
            </>
          );
        }}
      </LoadState>
    </>
  );
}

function Page({ plugin, cost, onChanged }: { plugin: PluginDetails; cost: Cost | undefined; onChanged: () => Promise<void> }) {
  const tab = tabOf(useRoute());
  const [told, setTold] = useState<Told>();
  // What was done to it shows at once, its figures every two seconds.
  const status = useLoad(() => fetchPluginStatus(plugin.id), `${plugin.state} ${plugin.version} ${plugin.statusMessage}`, 2_000);
  const changed = async () => {
    await Promise.all([onChanged(), status.reload()]);
  };
  const { tone, word } = stateOf(plugin);
  const missing = status.data?.missingConsent ?? [];
  return (
    <>
      <PageHeader title={plugin.name} description={plugin.description || plugin.packageName}>
        <Actions plugin={plugin} status={status.data} onChanged={changed} onTold={setTold} />
      </PageHeader>
      <section className="page-card plugin-now" aria-label="How it is now" data-testid="plugin-now" data-state={plugin.state ?? "stopped"}>
        <p>
          <StateBadge tone={tone}>{word}</StateBadge> <span className="muted">Version {plugin.version || "unknown"}</span>
        </p>
        <p className={tone === "bad" ? "bad" : undefined} data-testid="plugin-says">
          {plugin.statusMessage || "It says nothing of itself."}
        </p>
        {told !== undefined && (
          <p className={told.failed ? "bad" : "muted"} role={told.failed ? "alert" : "status"} data-testid="plugin-told">
            {told.words}
          </p>
        )}
        {(status.data?.notices ?? []).map((notice) => (
          <p key={notice} className="muted">
            {notice}
          </p>
        ))}
        {plugin.data.enabled && <Figures id={plugin.id} cost={cost} />}
      </section>
      {missing.length > 0 && tab !== "permissions" && (
        <Alert color="yellow" icon={<IconAlertTriangle aria-hidden="true" />} title="It waits for your consent" my="md">
          It asks for more than was agreed to. <a href={`#${pluginRoute(plugin.id, "permissions")}`}>Look at what it asks for</a>.
        </Alert>
      )}
      <Tabs value={tab} onChange={(next) => navigate(pluginRoute(plugin.id, (next ?? "settings") as Tab), { replace: true })} mt="md" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="settings" data-testid="tab-settings">
            Settings
          </Tabs.Tab>
          <Tabs.Tab value="permissions" data-testid="tab-permissions">
            Permissions
          </Tabs.Tab>
          <Tabs.Tab value="limits" data-testid="tab-limits">
            Limits
          </Tabs.Tab>
          <Tabs.Tab value="log" data-testid="tab-log">
            Log
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="settings" pt="md">
          <SettingsTab plugin={plugin} onChanged={changed} />
        </Tabs.Panel>
        <Tabs.Panel value="permissions" pt="md">
          <LoadState of={status} what="Permissions">
            {(now) => <PermissionsTab plugin={plugin} status={now} onChanged={changed} />}
          </LoadState>
        </Tabs.Panel>
        <Tabs.Panel value="limits" pt="md">
          <LoadState of={status} what="Limits">
            {(now) => <LimitsTab status={now} />}
          </LoadState>
        </Tabs.Panel>
        <Tabs.Panel value="log" pt="md">
          <LogTab plugin={plugin} onChanged={changed} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
