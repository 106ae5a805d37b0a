/** Changes to a dashboard: each gives a new one, or the same where nothing changes. */
import { compact, freePlace, reordered } from "./grid";
import { pageName, uniqueId } from "./parse";
import { MAX_PAGES, MAX_WIDGETS, type Dashboard, type DashboardPage, type Widget, type WidgetSettings } from "./types";

export function editPage(dashboard: Dashboard, id: string, edit: (page: DashboardPage) => DashboardPage): Dashboard {
  const pages = dashboard.pages.map((page) => (page.id === id ? edit(page) : page));
  return pages.every((page, index) => page === dashboard.pages[index]) ? dashboard : { ...dashboard, pages };
}

export function withWidgets(page: DashboardPage, widgets: readonly Widget[]): DashboardPage {
  return widgets === page.widgets ? page : { ...page, widgets };
}

/** Adds a widget at the first free place. Undefined when the page is full. */
export function addWidget(
  page: DashboardPage,
  { kind, settings, size }: { kind: string; settings: WidgetSettings; size: { w: number; h: number } },
): { page: DashboardPage; id: string } | undefined {
  if (page.widgets.length >= MAX_WIDGETS) return undefined;
  const id = uniqueId(kind, new Set(page.widgets.map((widget) => widget.id)));
  const widget: Widget = { id, kind, settings, more: {}, ...freePlace(page.widgets, size) };
  return { page: { ...page, widgets: reordered(page.widgets, [...page.widgets, widget]) }, id };
}

export function removeWidget(page: DashboardPage, id: string): DashboardPage {
  const widgets = page.widgets.filter((widget) => widget.id !== id);
  return widgets.length === page.widgets.length ? page : { ...page, widgets: compact(widgets) };
}

export function editWidget(page: DashboardPage, id: string, settings: WidgetSettings): DashboardPage {
  return { ...page, widgets: page.widgets.map((widget) => (widget.id === id ? { ...widget, settings } : widget)) };
}

/** One place earlier or later in the one column of a phone. */
export function moveInOrder(widgets: readonly Widget[], id: string, step: -1 | 1): readonly Widget[] {
  return moved(widgets, id, step);
}

/** Adds an empty page. Undefined when there are too many. */
export function addPage(dashboard: Dashboard, name: string): { dashboard: Dashboard; id: string } | undefined {
  if (dashboard.pages.length >= MAX_PAGES) return undefined;
  const id = uniqueId(pageName(name).toLowerCase(), new Set(dashboard.pages.map((page) => page.id)));
  const page: DashboardPage = { id, name: pageName(name), widgets: [], more: {} };
  return { dashboard: { ...dashboard, pages: [...dashboard.pages, page] }, id };
}

export function renamePage(dashboard: Dashboard, id: string, name: string): Dashboard {
  return editPage(dashboard, id, (page) => (page.name === pageName(name) ? page : { ...page, name: pageName(name) }));
}

export function movePage(dashboard: Dashboard, id: string, step: -1 | 1): Dashboard {
  const pages = moved(dashboard.pages, id, step);
  return pages === dashboard.pages ? dashboard : { ...dashboard, pages };
}

/** The last page stays: a dashboard without pages is none. */
export function removePage(dashboard: Dashboard, id: string): Dashboard {
  const pages = dashboard.pages.filter((page) => page.id !== id);
  return pages.length === 0 || pages.length === dashboard.pages.length ? dashboard : { ...dashboard, pages };
}

function moved<T extends { id: string }>(items: readonly T[], id: string, step: -1 | 1): readonly T[] {
  const from = items.findIndex((item) => item.id === id);
  const to = from + step;
  const item = items[from];
  const other = items[to];
  if (item === undefined || other === undefined) return items;
  const result = [...items];
  result[from] = other;
  result[to] = item;
  return result;
}
