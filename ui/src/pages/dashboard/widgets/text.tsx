import type { CSSProperties } from "react";
import { isObject } from "../../../signalk/frames";
import { formatPosition, formatValue } from "../../../units/format";
import { Face } from "./face";
import type { WidgetProps } from "./types";
import { useWidgetValue } from "./use-widget-value";

/** Any value in words; a position in two lines, as on a chart. */
export default function TextWidget({ settings }: WidgetProps) {
  const value = useWidgetValue(settings);
  const lines = linesOf(value.path, value.value, value);
  const longest = lines.reduce((length, line) => Math.max(length, line.length), 4);
  return (
    <Face title={value.title} view={value}>
      <p className="text-value" style={{ "--width": longest, "--lines": lines.length } as CSSProperties} data-testid="value">
        {lines.map((line, index) => (
          <span key={index}>{line}</span>
        ))}
      </p>
    </Face>
  );
}

function linesOf(path: string, value: unknown, { meta, unit }: ReturnType<typeof useWidgetValue>): string[] {
  if (typeof value === "number") return [`${unit.format(value)} ${unit.symbol}`.trim()];
  const position = isObject(value) ? formatPosition(value) : undefined;
  if (position !== undefined) return position.split(/ {2}| · /);
  return [formatValue(path, value, meta, "sailor").text];
}
