import type { Zone } from "../signalk/vessel-model";
import type { Unit } from "../units/use-unit";
import { zoneRange, zoneScale } from "../units/zones";
import "./zone-bar.css";

/** Zones of a path to scale, with a mark where the value is. What the colours mean is read out, and shown on hovering. */
export function ZoneBar({ zones, unit, value }: { zones: readonly Zone[]; unit: Unit; value?: unknown }) {
  const scale = zoneScale(zones);
  if (scale === undefined) return null;
  const words = zones.map((zone) => `${zone.state} ${zoneRange(zone, unit)}`).join("; ");
  return (
    <div className="zone-bar" role="img" aria-label={`Zones: ${words}`} title={words} data-testid="zone-bar">
      {scale.spans.map(({ start, width, zone }) => (
        <span key={start} data-state={zone?.state ?? "none"} style={{ left: `${start * 100}%`, width: `${width * 100}%` }} />
      ))}
      {typeof value === "number" && <i style={{ left: `${scale.at(value) * 100}%` }} />}
    </div>
  );
}
