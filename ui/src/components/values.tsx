import { useMemo, useState } from "react";
import { useDashboard, useStore } from "../state/hooks";
import type { UnitMode } from "../units/format";
import { groupRows } from "../value-groups";
import { ValueTable } from "./value-table";

export function Values({ mode, onMode }: { mode: UnitMode; onMode: (mode: UnitMode) => void }) {
  const { rows } = useStore(useDashboard().vessel);
  const [filter, setFilter] = useState("");
  const groups = useMemo(() => groupRows(rows, filter), [rows, filter]);
  return (
    <section className="card values" aria-labelledby="values-title">
      <div className="toolbar">
        <h2 id="values-title">Values</h2>
        <input
          type="search"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
          placeholder="Filter by path, source or description"
          aria-label="Filter values by path, source or description"
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
        />
        <div className="switch" role="group" aria-label="Units">
          <UnitButton label="Sailor's units" chosen={mode === "sailor"} choose={() => onMode("sailor")} />
          <UnitButton label="SI raw" chosen={mode === "si"} choose={() => onMode("si")} />
        </div>
      </div>
      {groups.length > 0 ? (
        <ValueTable groups={groups} mode={mode} filtering={filter.trim() !== ""} />
      ) : (
        <NoValues filter={filter} hasRows={rows.length > 0} clear={() => setFilter("")} />
      )}
    </section>
  );
}

function UnitButton(props: { label: string; chosen: boolean; choose: () => void }) {
  return (
    <button type="button" aria-pressed={props.chosen} onClick={props.choose}>
      {props.label}
    </button>
  );
}

function NoValues({ filter, hasRows, clear }: { filter: string; hasRows: boolean; clear: () => void }) {
  const { state } = useStore(useDashboard().connection);
  if (hasRows && filter.trim() !== "") {
    return (
      <div className="empty" data-testid="no-match">
        <p>No path, source or description matches “{filter}”.</p>
        <button type="button" onClick={clear}>
          Show all values
        </button>
      </div>
    );
  }
  if (state !== "live") return <p className="empty">Values appear here as soon as the server is reached.</p>;
  return (
    <div className="empty" data-testid="no-data">
      <p>
        <strong>No data yet.</strong> Add a data connection (NMEA 0183 over TCP or UDP, or a recorded file) to the
        server's settings, or start the server with <code>windlass --demo</code> to see a simulated boat.
      </p>
      <p className="muted">This page fills by itself when data arrives.</p>
    </div>
  );
}
