import { scaleOf, shareOf, zoneOf, zoneSpans } from "../model/scale";
import { Face } from "./face";
import "./level.css";
import type { WidgetProps } from "./types";
import { useWidgetValue, widgetUnit } from "./use-widget-value";

/** A tank or battery, as full as it is. */
export default function Level({ settings }: WidgetProps) {
  const value = useWidgetValue(settings);
  const { number } = value;
  // Tenths of a percent are none that anybody measures in a tank.
  const unit = value.unit.symbol === "%" && settings.decimals === undefined ? widgetUnit(value.unit, undefined, 0) : value.unit;
  const scale = scaleOf(value.path, value.meta, settings, number);
  const share = number === undefined ? 0 : shareOf(scale, number);
  const zone = zoneOf(value.meta.zones, number);
  return (
    <Face title={value.title} view={value} zone={zone}>
      <div className="level">
        <svg viewBox="0 0 40 100" preserveAspectRatio="none" aria-hidden="true">
          <rect className="vessel" x="1" y="1" width="38" height="98" rx="4" />
          <rect className="content" data-kind={kindOf(value.path)} x="3" width="34" y={(97 - 94 * share).toFixed(1)} height={(94 * share).toFixed(1)} rx="2.5" />
          {zoneSpans(scale, value.meta.zones).map((span, index) => (
            <rect key={index} className="zone" data-tone={span.tone} x="35" width="3.5" y={97 - 94 * span.to} height={94 * (span.to - span.from)} />
          ))}
          <path className="marks" d="M3 26.5H12M3 50H16M3 73.5H12" />
        </svg>
        <p className="level-value">
          <span data-testid="value">{unit.format(number)}</span>
          <span className="unit">{unit.symbol}</span>
        </p>
      </div>
    </Face>
  );
}

/** What is in it, for its colour. */
function kindOf(path: string): string {
  const tank = /^tanks\.([^.]+)/.exec(path)?.[1];
  if (tank !== undefined) return tank;
  return path.startsWith("electrical") ? "battery" : "other";
}
