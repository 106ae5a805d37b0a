import type { CSSProperties } from "react";
import { formatWith } from "../../../units/use-unit";
import { zoneOf } from "../model/scale";
import { Face } from "./face";
import type { WidgetProps } from "./types";
import { useWidgetValue } from "./use-widget-value";

/** A number as large as its box allows. */
export default function Numeric({ settings }: WidgetProps) {
  const value = useWidgetValue(settings);
  const { text, units } = formatWith(value.unit, value.meta.units, value.number);
  return (
    <Face title={value.title} view={value} zone={zoneOf(value.meta.zones, value.number)}>
      <BigNumber text={text} units={units} />
    </Face>
  );
}

/** Text and unit in the middle of a box. */
export function BigNumber({ text, units }: { text: string; units: string }) {
  // A sign or a unit must not make the number jump: its width counts, with room for one digit more.
  const width = Math.max(3, text.length) + (units === "" ? 0 : units.length * 0.5 + 0.4);
  return (
    <p className="big-number" style={{ "--width": width } as CSSProperties} data-testid="big-number">
      <span data-testid="value">{text}</span>
      {units !== "" && <span className="unit">{units}</span>}
    </p>
  );
}
