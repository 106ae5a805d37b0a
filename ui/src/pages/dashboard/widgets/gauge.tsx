import { scaleOf, shareOf, zoneOf, zoneSpans } from "../model/scale";
import { Face } from "./face";
import { arc, polar } from "./svg";
import "./dial.css";
import type { WidgetProps } from "./types";
import { useWidgetValue } from "./use-widget-value";

/** Half of the opening below, degrees. */
const OPENING = 60;
const FROM = 180 + OPENING;
const SWEEP = 360 - 2 * OPENING;

/** A pointer on a round scale, with the zones along it. */
export default function Gauge({ settings }: WidgetProps) {
  const value = useWidgetValue(settings);
  const { unit, number } = value;
  const scale = scaleOf(value.path, value.meta, settings, number);
  const share = number === undefined ? undefined : shareOf(scale, number);
  const [low, high] = [polar(44, FROM), polar(44, FROM + SWEEP)];
  return (
    <Face title={value.title} view={value} zone={zoneOf(value.meta.zones, number)}>
      <svg viewBox="-50 -50 100 92" className="dial" role="img" aria-label={`${unit.format(number)} ${unit.symbol}`}>
        <path className="track" d={arc(40, FROM, FROM + SWEEP)} />
        {share !== undefined && <path className="fill" d={arc(40, FROM, FROM + SWEEP * Math.max(share, 0.002))} />}
        {zoneSpans(scale, value.meta.zones).map((span, index) => (
          <path key={index} className="zone" data-tone={span.tone} d={arc(46.5, FROM + SWEEP * span.from, FROM + SWEEP * span.to)} />
        ))}
        {Array.from({ length: 11 }, (_, index) => {
          const angle = FROM + (SWEEP * index) / 10;
          const [a, b] = [polar(index % 5 === 0 ? 30 : 32, angle), polar(34.5, angle)];
          return <path key={index} className="tick" d={`M${a.x} ${a.y}L${b.x} ${b.y}`} />;
        })}
        {share !== undefined && <path className="pointer" d="M0 -38.5L-3 -27H3Z" transform={`rotate(${(FROM + SWEEP * share).toFixed(1)})`} />}
        <text className="center" data-long={unit.format(number).length > 3} y="6" data-testid="value">
          {unit.format(number)}
        </text>
        <text className="center-unit" y="18">
          {unit.symbol}
        </text>
        <text className="limit" x={low.x} y={low.y + 9} textAnchor="middle">
          {unit.format(scale.min)}
        </text>
        <text className="limit" x={high.x} y={high.y + 9} textAnchor="middle">
          {unit.format(scale.max)}
        </text>
      </svg>
    </Face>
  );
}
