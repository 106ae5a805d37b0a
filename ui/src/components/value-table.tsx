import { useState } from "react";
import type { UnitMode } from "../units/format";
import type { ValueGroup } from "../value-groups";
import { ValueRow } from "./value-row";

/** A group shows this many rows until it is asked for more: ten thousand rows help nobody. */
const ROWS_SHOWN = 250;

// Roles are spelled out because the phone layout turns rows into grids, and
// browsers then forget that they were a table.
export function ValueTable(props: { groups: readonly ValueGroup[]; mode: UnitMode; filtering: boolean }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [complete, setComplete] = useState<ReadonlySet<string>>(new Set());
  return (
    <table role="table" aria-label="Latest values of own ship">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Path</th>
          <th role="columnheader" scope="col" className="numeric">Value</th>
          <th role="columnheader" scope="col">Units</th>
          <th role="columnheader" scope="col">Source</th>
          <th role="columnheader" scope="col">Age</th>
        </tr>
      </thead>
      {props.groups.map((group) => (
        <Group
          key={group.name}
          group={group}
          mode={props.mode}
          // What a filter has found must be seen.
          open={props.filtering || !closed.has(group.name)}
          toggle={() => setClosed(toggled(closed, group.name))}
          limit={complete.has(group.name) ? Number.POSITIVE_INFINITY : ROWS_SHOWN}
          showAll={() => setComplete(toggled(complete, group.name))}
        />
      ))}
    </table>
  );
}

function Group(props: {
  group: ValueGroup;
  mode: UnitMode;
  open: boolean;
  toggle: () => void;
  limit: number;
  showAll: () => void;
}) {
  const { group, open } = props;
  const rows = open ? group.rows.slice(0, props.limit) : [];
  const hidden = open ? group.rows.length - rows.length : 0;
  return (
    <tbody role="rowgroup">
      <tr role="row" className="group">
        <th role="rowheader" scope="rowgroup" colSpan={5}>
          <button type="button" aria-expanded={open} onClick={props.toggle}>
            <span className="chevron" aria-hidden="true" />
            {group.name} <span className="muted">{group.rows.length}</span>
          </button>
        </th>
      </tr>
      {rows.map((row) => (
        <ValueRow key={row.path} row={row} mode={props.mode} />
      ))}
      {hidden > 0 && (
        <tr role="row" className="more">
          <td role="cell" colSpan={5}>
            <button type="button" onClick={props.showAll}>
              Show {hidden} more in {group.name}
            </button>
          </td>
        </tr>
      )}
    </tbody>
  );
}

function toggled(set: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(name)) next.add(name);
  return next;
}
