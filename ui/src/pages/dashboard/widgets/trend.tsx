import { lazy, Suspense, useMemo } from "react";
import { useTrend } from "../../../state/hooks";
import { zoneOf } from "../model/scale";
import { Face } from "./face";
import { statisticsOf } from "./trend-statistics";
import "./trend.css";
import type { WidgetProps } from "./types";
import { useWidgetValue } from "./use-widget-value";

const Chart = lazy(() => import("./chart"));
const DEFAULT_MINUTES = 15;

/** How a value went: what this page has seen of it since it was opened. */
export default function Trend({ settings }: WidgetProps) {
  const value = useWidgetValue(settings);
  const points = useTrend(value.path, { source: settings.source });
  const minutes = settings.minutes ?? DEFAULT_MINUTES;
  const { unit } = value;
  const shown = useMemo(() => {
    const since = (points.at(-1)?.time ?? 0) - minutes * 60_000;
    return points.filter((point) => point.time >= since);
  }, [points, minutes]);
  const statistics = useMemo(() => statisticsOf(shown), [shown]);
  return (
    <Face title={value.title} view={value} zone={zoneOf(value.meta.zones, value.number)}>
      <div className="trend">
        <p className="trend-figures">
          <strong>
            <span data-testid="value">{unit.format(value.number)}</span> {unit.symbol}
          </strong>
          {statistics !== undefined && (
            <span className="muted" data-testid="trend-statistics">
              min {unit.format(statistics.min)} · avg {unit.format(statistics.average)} · max {unit.format(statistics.max)}
            </span>
          )}
        </p>
        {shown.length < 2 ? (
          <p className="no-value">The line begins with the next values.</p>
        ) : (
          <Suspense fallback={<p className="no-value">Loading the chart</p>}>
            <Chart points={shown} convert={unit.convert} decimals={unit.decimals} label={`${value.title} over the last ${minutes} min`} min={settings.min} max={settings.max} />
          </Suspense>
        )}
      </div>
    </Face>
  );
}
