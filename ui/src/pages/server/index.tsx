import { Stack, Tabs } from "@mantine/core";
import { IconActivity, IconAdjustments, IconArchive, IconFileText, IconSitemap } from "@tabler/icons-react";
import { lazy, Suspense, type ComponentType } from "react";
import { Loading } from "../../components/load-state";
import { PageHeader } from "../../components/page-header";
import { formatDuration } from "../../signalk/age";
import { useLive, useStore } from "../../state/hooks";
import { navigate, useSubroute } from "../../state/location";
import "./server.css";

interface TabInfo {
  id: string;
  title: string;
  icon: typeof IconActivity;
  panel: ComponentType;
}

const tabs: readonly TabInfo[] = [
  { id: "performance", title: "Performance", icon: IconActivity, panel: lazy(() => import("./performance/panel")) },
  { id: "flow", title: "Data flow", icon: IconSitemap, panel: lazy(() => import("./flow/panel")) },
  { id: "logs", title: "Logs", icon: IconFileText, panel: lazy(() => import("./logs/panel")) },
  { id: "settings", title: "Settings", icon: IconAdjustments, panel: lazy(() => import("./settings/panel")) },
  { id: "backup", title: "Backup", icon: IconArchive, panel: lazy(() => import("./backup/panel")) },
];

/** How the server is, what it says, and how it is set up. */
export default function ServerPage() {
  const [chosen] = useSubroute("/server");
  const current = tabs.find(({ id }) => id === chosen) ?? (tabs[0] as TabInfo);
  const Panel = current.panel;
  return (
    <Stack gap="md" className="server-page" data-testid="page-server">
      <PageHeader title="Server" description={<Uptime />} />
      <Tabs value={current.id} onChange={(id) => id !== null && navigate(`/server/${id}`)} keepMounted={false}>
        <Tabs.List className="page-tabs">
          {tabs.map(({ id, title, icon: Icon }) => (
            <Tabs.Tab key={id} value={id} leftSection={<Icon size={18} aria-hidden="true" />} data-testid={`tab-${id}`}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={current.id} pt="md">
          <Suspense fallback={<Loading what={`Loading ${current.title}`} />}>
            <Panel />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Uptime() {
  const { rates, server } = useLive();
  const { statistics } = useStore(rates);
  const { hello } = useStore(server);
  if (statistics?.uptime === undefined) return <>{hello === undefined ? "Waiting for the server" : "Running"}</>;
  return <>Running for {formatDuration(statistics.uptime)}</>;
}
