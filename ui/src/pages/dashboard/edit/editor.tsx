import "./edit.css";
import { Button, Group, Tabs } from "@mantine/core";
import { IconArrowBackUp, IconCheck, IconFiles, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { EmptyState } from "../../../components/empty-state";
import { navigate } from "../../../state/location";
import { addWidget, editPage, editWidget, removeWidget } from "../model/edit";
import type { Dashboard, DashboardPage, Widget } from "../model/types";
import { SaveState } from "../save-state";
import type { DashboardView } from "../use-dashboard";
import { AddDialog } from "./add-dialog";
import { EditGrid } from "./edit-grid";
import { MoreMenu } from "./more-menu";
import { PagesDialog } from "./pages-dialog";
import { SettingsDialog } from "./settings-dialog";

type Opened = { what: "add" } | { what: "pages" } | { what: "settings"; widget: Widget } | undefined;

/** A dashboard to start from where there is nothing at all. */
const blank: Dashboard = { pages: [{ id: "page", name: "Page", widgets: [], more: {} }], rotate: 0, more: {} };

/** The dashboard to be changed: what is changed is kept at once, and can be undone. */
export default function Editor({ view, pageId, done }: { view: DashboardView; pageId: string | undefined; done: () => void }) {
  const { kept, store, change, undo } = view;
  const dashboard = view.dashboard ?? blank;
  const page = dashboard.pages.find((one) => one.id === pageId) ?? dashboard.pages[0];
  const [opened, setOpened] = useState<Opened>();
  const [said, setSaid] = useState("");
  const [focus, setFocus] = useState<string>();
  if (page === undefined) return null;
  const close = () => setOpened(undefined);
  const editThis = (edit: (page: DashboardPage) => DashboardPage) => change(editPage(dashboard, page.id, edit));
  return (
    <Tabs value={page.id} onChange={(id) => id !== null && navigate(`/dashboard/${id}`, { replace: true })} keepMounted={false}>
      <div className="dashboard-bar editing" data-testid="edit-bar">
        <Group gap="xs">
          <Button leftSection={<IconPlus size={18} aria-hidden="true" />} onClick={() => setOpened({ what: "add" })} data-testid="add-widget">
            Add widget
          </Button>
          <Button variant="default" leftSection={<IconFiles size={18} aria-hidden="true" />} onClick={() => setOpened({ what: "pages" })} data-testid="pages">
            Pages
          </Button>
          <Button variant="default" leftSection={<IconArrowBackUp size={18} aria-hidden="true" />} disabled={undo === undefined} onClick={() => undo?.()} data-testid="undo">
            Undo
          </Button>
          <MoreMenu view={view} dashboard={dashboard} />
        </Group>
        <Group gap="xs" className="bar-end">
          <SaveState kept={kept} store={store} verbose />
          <Button leftSection={<IconCheck size={18} aria-hidden="true" />} onClick={done} data-testid="done">
            Done
          </Button>
        </Group>
      </div>
      <p className="visually-hidden" role="status" data-testid="edit-said">
        {said}
      </p>
      <Tabs.List className="page-tabs" aria-label="Pages of the dashboard">
        {dashboard.pages.map(({ id, name }) => (
          <Tabs.Tab key={id} value={id} data-testid={`tab-${id}`}>
            {name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={page.id} pt="sm">
        {page.widgets.length === 0 ? (
          <EmptyState title="This page is empty" text="Add widgets: numbers, dials, a map, what you want to see together." testId="empty-page">
            <Button onClick={() => setOpened({ what: "add" })}>Add widget</Button>
          </EmptyState>
        ) : (
          <EditGrid
            key={page.id}
            page={page}
            focus={focus}
            onWidgets={(widgets) => editThis((one) => (one.widgets === widgets ? one : { ...one, widgets }))}
            onRemove={(widget) => {
              editThis((one) => removeWidget(one, widget.id));
              setSaid("Removed. Undo brings it back.");
            }}
            onSettings={(widget) => setOpened({ what: "settings", widget })}
            say={setSaid}
          />
        )}
      </Tabs.Panel>
      {opened?.what === "add" && (
        <AddDialog
          close={close}
          add={(widget) => {
            const added = addWidget(page, widget);
            if (added === undefined) {
              setSaid("This page is full: add another page for more.");
              return;
            }
            editThis(() => added.page);
            setFocus(added.id);
            close();
          }}
        />
      )}
      {opened?.what === "settings" && (
        <SettingsDialog
          widget={opened.widget}
          close={close}
          save={(settings) => {
            editThis((one) => editWidget(one, opened.widget.id, settings));
            close();
          }}
        />
      )}
      {opened?.what === "pages" && <PagesDialog dashboard={dashboard} change={change} close={close} current={page.id} />}
    </Tabs>
  );
}
