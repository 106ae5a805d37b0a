import { Alert } from "@mantine/core";
import { useCallback, useDeferredValue, useMemo, useRef, useState } from "react";
import { EmptyState } from "../../components/empty-state";
import { PageHeader } from "../../components/page-header";
import { VirtualList } from "../../components/virtual-list";
import type { VesselSnapshot } from "../../signalk/vessel-model";
import { useLive, useServerEvent, useStore, useSubscription, useTimed } from "../../state/hooks";
import { navigate, useRoute, useSubroute } from "../../state/location";
import { usePreference } from "../../state/preferences";
import { Store } from "../../state/store";
import { Detail } from "./detail";
import { GroupRow } from "./group-row";
import { PathRowView } from "./path-row";
import { contextOf, listRoute, OWN } from "./route";
import { RowSearch, sameTexts, sourcesOf, wordsOf } from "./rows";
import { layouts, Toolbar } from "./toolbar";
import { flatItems, groupsOf, treeItems, type Item } from "./tree";
import { useDerived } from "./use-derived";
import { useFillHeight } from "./use-fill-height";
import { VesselSelect } from "./vessel-select";
import "./data.css";

/** Up to this many rows are all in the page, where a browser finds them. */
const SHORT = 150;
const nothingClosed: ReadonlySet<string> = new Set();
const keyOf = (item: Item) => item.key;

/** Every value of every vessel and source. */
export default function DataPage() {
  const context = contextOf(useRoute());
  const [path, tab] = useSubroute("/data");
  useSubscription([{ context: context ?? OWN, path: "*", allSources: true }]);
  return (
    <div data-testid="page-data" className="data-page">
      <Browser key={context ?? OWN} context={context} />
      {path !== undefined && <Detail key={`${context ?? OWN} ${path}`} path={path} context={context} tab={tab} />}
    </div>
  );
}

function Browser({ context }: { context: string | undefined }) {
  const live = useLive();
  const [search, setSearch] = useState("");
  const [source, setSource] = useState<string>();
  const [layout, setLayout] = usePreference("data-layout", layouts, "flat");
  const [raw, setRaw] = usePreference("data-values", ["unit", "raw"] as const, "unit");
  const [closed, setClosed] = useState(nothingClosed);
  const [frozen, setFrozen] = useState<Store<VesselSnapshot>>();
  const preferred = useServerEvent("LIVEPREFERREDSOURCES");
  const store = frozen ?? live.snapshotOf(context);

  const rowSearch = useRef<RowSearch>(undefined);
  rowSearch.current ??= new RowSearch();
  const words = useDeferredValue(search);
  const find = useCallback(
    (snapshot: VesselSnapshot) => (rowSearch.current as RowSearch).paths(snapshot, { words: wordsOf(words), source }),
    [words, source],
  );
  const paths = useDerived(store, find, sameTexts);
  const sources = useDerived(store, sourcesOf, sameTexts);
  const total = useDerived(store, countOf, Object.is);
  const items = useMemo(() => {
    if (layout === "flat") return flatItems(paths);
    // What was found is shown, also in groups that are closed.
    return treeItems(paths, words === "" ? closed : nothingClosed);
  }, [layout, paths, closed, words]);

  const toggle = useCallback((group: string) => {
    setClosed((before) => {
      const after = new Set(before);
      if (!after.delete(group)) after.add(group);
      return after;
    });
  }, []);
  const fold = {
    allClosed: closed.size > 0,
    toggle: () => setClosed(closed.size > 0 ? nothingClosed : new Set(groupsOf(paths))),
  };
  const isRaw = raw === "raw";
  const render = useCallback(
    (item: Item) =>
      item.kind === "group" ? (
        <GroupRow item={item} onToggle={toggle} />
      ) : (
        <PathRowView path={item.path} label={item.label} depth={item.depth} context={context} store={store} preferred={preferred} raw={isRaw} />
      ),
    [context, store, preferred, isRaw, toggle],
  );
  return (
    <>
      <PageHeader title="Data" description={<Summary shown={paths.length} total={total} paused={frozen !== undefined} />} />
      <Refused />
      <Toolbar
        search={search}
        onSearch={setSearch}
        sources={sources}
        source={source}
        onSource={setSource}
        layout={layout}
        onLayout={setLayout}
        raw={isRaw}
        onRaw={(on) => setRaw(on ? "raw" : "unit")}
        paused={frozen !== undefined}
        onPause={(paused) => setFrozen(paused ? new Store(live.snapshotOf(context).get()) : undefined)}
        fold={layout === "tree" ? fold : undefined}
        vessel={<VesselSelect context={context} onChange={(next) => navigate(listRoute(next))} />}
      />
      {items.length === 0 ? <Nothing isEmpty={total === 0} isOwn={context === undefined} /> : <Rows items={items} render={render} />}
    </>
  );
}

function Rows({ items, render }: { items: readonly Item[]; render: (item: Item) => React.ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  const height = useFillHeight(place);
  return (
    <div ref={place}>
      <VirtualList
        items={items}
        keyOf={keyOf}
        render={render}
        label="Paths"
        height={height}
        rowHeight={53}
        overscan={items.length <= SHORT ? SHORT : 8}
        testId="data-list"
      />
    </div>
  );
}

function Summary({ shown, total, paused }: { shown: number; total: number; paused: boolean }) {
  const { rates } = useLive();
  const { statistics } = useStore(rates);
  const count = shown === total ? `${total} paths` : `${shown} of ${total} paths`;
  return (
    <span data-testid="data-summary">
      {count}
      {statistics !== undefined && ` · ${Math.round(statistics.deltaRate)} deltas/s at the server`}
      {paused && " · paused: values stand still"}
    </span>
  );
}

/** What found no room in this page. */
function Refused() {
  const live = useLive();
  const refused = useTimed(() => live.refused);
  if (refused === 0) return null;
  return (
    <Alert color="yellow" title="Not everything is shown" mb="sm">
      {refused} values were left out: this page keeps 20,000 paths, 64 sources of each, and 2,000 vessels.
    </Alert>
  );
}

function Nothing({ isEmpty, isOwn }: { isEmpty: boolean; isOwn: boolean }) {
  if (!isEmpty) return <EmptyState title="Nothing matches" text="Search for less, for another word, or choose all sources." testId="no-match" />;
  if (!isOwn) return <EmptyState title="Nothing heard of this vessel" text="It may be out of range. What it sends appears here by itself." testId="no-data" />;
  return (
    <EmptyState title="No data yet" text="Values appear here by themselves as soon as something sends them." testId="no-data">
      <a href="#/connections">Add a data connection</a>
    </EmptyState>
  );
}

function countOf({ rows }: VesselSnapshot): number {
  return rows.length;
}
