import { Fragment, memo, useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { AgeText } from "../../components/age-text";
import { Sparkline } from "../../components/sparkline";
import { freshness } from "../../signalk/age";
import type { PathRow, Reading, VesselSnapshot } from "../../signalk/vessel-model";
import { useLive, useTimed } from "../../state/hooks";
import type { ReadableStore } from "../../state/store";
import { useUnitPreferences } from "../../units/use-unit";
import { dateOf, partsOf } from "./parts";
import { shownReading } from "./preferred";
import { detailRoute } from "./route";
import { useRate } from "./use-rate";

/** The stream brings a path to the list at most this often, a second. */
const SEEN_AT_MOST = 5;
/** How long a row is in the page before its line is drawn, ms. */
const BEFORE_LINE = 500;
/** Points of the small line. */
const MAX_POINTS = 60;

export interface PathRowProps {
  path: string;
  label: string;
  depth: number;
  /** Undefined is own ship. */
  context: string | undefined;
  store: ReadableStore<VesselSnapshot>;
  /** Data of the event that says which source is preferred. */
  preferred: unknown;
  raw: boolean;
}

/** One path: it follows its own row, so that the list is not rendered again for each value. */
export const PathRowView = memo(function PathRowView(props: PathRowProps) {
  const { path, store } = props;
  const row = useSyncExternalStore(store.subscribe, () => store.get().byPath.get(path));
  return row === undefined ? null : <Known {...props} row={row} />;
});

function Known({ path, label, depth, context, preferred, raw, row }: PathRowProps & { row: PathRow }) {
  const preferences = useUnitPreferences();
  const { reading, isPreferred } = shownReading(row, preferred);
  const parts = useMemo(() => partsOf(row, reading.value, preferences), [row, reading, preferences]);
  const rate = useRate(row.readings.reduce((sum, one) => sum + one.count, 0), SEEN_AT_MOST);
  const isStale = useTimed((now) => freshness(row, now - reading.asOf) === "stale");
  const others = row.readings.length - 1;
  const [value, units] = raw ? [parts.si, parts.siUnits] : [parts.text, parts.units];
  return (
    <div className="data-row" data-path={path} data-stale={isStale}>
      <span className="data-path" style={{ paddingLeft: 16 * depth }}>
        <a className="path" href={`#${detailRoute(path, context)}`}>
          <Breakable text={label} />
        </a>
        {row.meta.displayName !== undefined && <span className="muted display-name">{row.meta.displayName}</span>}
      </span>
      <span className="value number">
        <span data-cell="value">{value}</span> <span data-cell="units">{units}</span>
        {!raw && parts.isConverted && (
          <span className="muted si" data-cell="si">
            {parts.siShort} {parts.siUnits}
          </span>
        )}
      </span>
      <span className="line">
        <PathLine path={path} context={context} isNumber={typeof reading.value === "number"} />
      </span>
      <span className="muted number rate" data-cell="rate">
        {rate}
      </span>
      <span className="source">
        <span data-cell="source">{reading.source}</span>
        {others > 0 && (
          <span className="muted" data-cell="other-sources">
            {isPreferred ? " preferred, " : " "}+{others}
          </span>
        )}
      </span>
      <span className="when" data-cell="age">
        <AgeText row={row} reading={reading} />
        <OldDate reading={reading} />
      </span>
    </div>
  );
}

/** A path that breaks at its dots where it is too long for its line. */
function Breakable({ text }: { text: string }) {
  return text.split(/(?=\.)/).map((part, index) => (
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

/** The date of a value that is not of today. */
export function OldDate({ reading }: { reading: Reading }) {
  const date = useTimed((now) => dateOf(reading, now));
  return date === "" ? null : <span className="muted date"> {date}</span>;
}

/** The small line of a path, from what this page has seen of it. */
function PathLine({ path, context, isNumber }: { path: string; context: string | undefined; isNumber: boolean }) {
  const { trends } = useLive();
  // What is only scrolled past would push other lines out of the page's memory.
  const [stays, setStays] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setStays(true), BEFORE_LINE);
    return () => clearTimeout(timer);
  }, []);
  const read = useCallback(
    () => (stays && isNumber ? trends.of(path, { context }).points() : undefined),
    [trends, path, context, isNumber, stays],
  );
  const points = useSyncExternalStore(trends.subscribe, read);
  const values = useMemo(() => points?.slice(-MAX_POINTS).map((point) => point.value) ?? [], [points]);
  return values.length < 2 ? null : <Sparkline values={values} label={`Trend of ${path}`} />;
}
