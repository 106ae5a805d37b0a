import { Button, Tabs } from "@mantine/core";
import { IconEdit } from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { EmptyState } from "../../components/empty-state";
import { Loading } from "../../components/load-state";
import { kiosk } from "../../shell/kiosk";
import { useLive, useStore, useSubscription } from "../../state/hooks";
import { navigate, useSubroute } from "../../state/location";
import { SaveState } from "./save-state";
import "./dashboard.css";
import { GridView } from "./grid-view";
import { useDashboard, type DashboardView } from "./use-dashboard";
import { useRotation } from "./use-rotation";

const Editor = lazy(() => import("./edit/editor"));

/** What a skipper leaves on the chart table. */
export default function DashboardPage() {
  // What there is at all, for the default and the choice of paths; each widget asks for its own values.
  useSubscription([{ path: "*", period: 5_000 }]);
  const isKiosk = useStore(kiosk);
  const [isEditing, setEditing] = useState(false);
  const editing = isEditing && !isKiosk;
  const view = useDashboard(editing);
  const { kept, dashboard } = view;
  const [wanted] = useSubroute("/dashboard");
  const page = dashboard?.pages.find((one) => one.id === wanted) ?? dashboard?.pages[0];
  useRotation(dashboard, page?.id, isKiosk);

  return (
    <div className="dashboard" data-testid="page-dashboard" data-editing={editing} data-origin={kept.origin}>
      <h2 className="visually-hidden" tabIndex={-1} data-page-title>
        Dashboard
      </h2>
      {!kept.loaded ? (
        <Waiting />
      ) : editing ? (
        <Suspense fallback={<Loading what="Loading the editor" />}>
          <Editor view={view} pageId={page?.id} done={() => setEditing(false)} />
        </Suspense>
      ) : (
        <Pages view={view} pageId={page?.id} edit={isKiosk ? undefined : () => setEditing(true)} />
      )}
    </div>
  );
}

function Pages({ view, pageId, edit }: { view: DashboardView; pageId: string | undefined; edit: (() => void) | undefined }) {
  const { dashboard, kept } = view;
  const page = dashboard?.pages.find((one) => one.id === pageId);
  if (dashboard === undefined || page === undefined) return <NoData edit={edit} />;
  const button = edit !== undefined && (
    <Button variant="subtle" className="edit-button" leftSection={<IconEdit size={18} aria-hidden="true" />} onClick={edit} data-testid="edit">
      Edit
    </Button>
  );
  const content =
    page.widgets.length > 0 ? (
      <GridView key={page.id} page={page} />
    ) : (
      <EmptyState title="This page is empty" text="Edit the dashboard to put something here." testId="empty-page">
        {edit !== undefined && <Button onClick={edit}>Edit</Button>}
      </EmptyState>
    );
  if (dashboard.pages.length === 1) {
    return (
      <>
        <div className="dashboard-bar">
          <SaveState kept={kept} store={view.store} />
          {button}
        </div>
        {content}
      </>
    );
  }
  return (
    <Tabs value={page.id} onChange={(id) => id !== null && navigate(`/dashboard/${id}`, { replace: true })} keepMounted={false}>
      <div className="dashboard-bar">
        <Tabs.List className="page-tabs" aria-label="Pages of the dashboard">
          {dashboard.pages.map(({ id, name }) => (
            <Tabs.Tab key={id} value={id} data-testid={`tab-${id}`}>
              {name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <SaveState kept={kept} store={view.store} />
        {button}
      </div>
      <Tabs.Panel value={page.id}>{content}</Tabs.Panel>
    </Tabs>
  );
}

/** Until it is known what is kept; without a link that may last. */
function Waiting() {
  const { state } = useStore(useLive().connection);
  if (state === "live" || state === "connecting") return <Loading what="Loading the dashboard" />;
  return <EmptyState title="The server can't be reached" text="The dashboard appears by itself as soon as it answers." />;
}

function NoData({ edit }: { edit: (() => void) | undefined }) {
  const { state } = useStore(useLive().connection);
  const [isPatient, setPatient] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setPatient(false), 1_500);
    return () => clearTimeout(timer);
  }, []);
  // The first values are on their way.
  if (isPatient && state !== "reconnecting") return <Loading what="Waiting for values" />;
  return (
    <EmptyState
      title="No data yet"
      testId="no-data"
      text={
        <>
          Connect the instruments of this boat under <a href="#/connections">Connections</a> (NMEA 0183 over TCP, UDP or a serial port, or
          another Signal K server), or start the server with <code>windlass --demo</code> to see a simulated boat. The dashboard fills by
          itself when data arrive.
        </>
      }
    >
      {edit !== undefined && (
        <Button variant="default" onClick={edit} data-testid="edit">
          Build a dashboard by hand
        </Button>
      )}
    </EmptyState>
  );
}
