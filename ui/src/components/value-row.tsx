import { memo } from "react";
import type { PathRow, Reading } from "../signalk/vessel-model";
import { formatValue, type Formatted, type UnitMode } from "../units/format";
import { AgeText } from "./age-text";

export const ValueRow = memo(function ValueRow({ row, mode }: { row: PathRow; mode: UnitMode }) {
  const { latest, readings, meta } = row;
  const { text, units } = formatValue(row.path, latest.value, meta, mode);
  const several = readings.length > 1;
  return (
    <tr role="row" data-path={row.path}>
      <th role="rowheader" scope="row" className="path" title={meta.description}>
        <BreakablePath path={row.path} />
        {meta.displayName !== undefined && <span className="muted display-name">{meta.displayName}</span>}
      </th>
      <td role="cell" data-cell="value" data-type={valueType(latest.value)}>
        {text}
      </td>
      <td role="cell" data-cell="units">
        {units}
      </td>
      <td role="cell" data-cell="source">
        {several ? (
          <ul>
            {readings.map((reading) => (
              <SourceReading key={reading.source} row={row} reading={reading} mode={mode} />
            ))}
          </ul>
        ) : (
          latest.source
        )}
      </td>
      <td role="cell" data-cell="age">
        <AgeText row={row} reading={latest} />
        {latest.clockDiffers && latest.timestamp !== undefined && (
          <span className="muted stamped">{stamp(latest.timestamp, latest.asOf)}</span>
        )}
      </td>
    </tr>
  );
});

/** With several sources each has its own value and age. */
function SourceReading({ row, reading, mode }: { row: PathRow; reading: Reading; mode: UnitMode }) {
  return (
    <li data-type={valueType(reading.value)}>
      <span>{reading.source}</span>{" "}
      <span className="muted of-source">{inline(formatValue(row.path, reading.value, row.meta, mode))}</span>{" "}
      <AgeText row={row} reading={reading} />
    </li>
  );
}

/** The data's own time, when it is not the time at which it arrived. */
function stamp(timestamp: number, arrived: number): string {
  const [day, time] = new Date(timestamp).toISOString().split("T");
  const sameDay = new Date(arrived).toISOString().startsWith(`${day}T`);
  return sameDay ? `dated ${time?.slice(0, 5)} UTC` : `dated ${day}`;
}

function inline({ text, units }: Formatted): string {
  if (units === "") return text;
  return units === "°" ? `${text}°` : `${text} ${units}`;
}

function valueType(value: unknown): "number" | "object" | "null" | "text" {
  if (typeof value === "number") return "number";
  if (value === null) return "null";
  return typeof value === "object" ? "object" : "text";
}

/** A long path may break after its dots and nowhere else. */
function BreakablePath({ path }: { path: string }) {
  return (
    <span>
      {path.split(".").map((segment, index) => (
        <span key={index}>
          {index > 0 && (
            <>
              .<wbr />
            </>
          )}
          {segment}
        </span>
      ))}
    </span>
  );
}
