import { Progress } from "@mantine/core";
import type { PluginStatus } from "../../../api/plugins";
import { EmptyState } from "../../../components/empty-state";
import { StateBadge } from "../../../components/state-badge";
import { limitRows, type LimitRow } from "../model/limits";

/** What it may use up, what it uses, and how often it wanted more. */
export function LimitsTab({ status }: { status: PluginStatus }) {
  const rows = limitRows(status.limits);
  if (rows.length === 0) return <EmptyState title="No limits are known" text="They are shown as soon as the server tells them." />;
  return (
    <section className="page-card" aria-labelledby="limits-title" data-testid="limits">
      <h3 id="limits-title">Limits</h3>
      <p className="muted plugin-hint">They keep a plugin that goes wrong from taking the rest of the server with it.</p>
      <ul className="limit-list">
        {rows.map((row) => (
          <LimitItem key={row.name} row={row} />
        ))}
      </ul>
    </section>
  );
}

function LimitItem({ row }: { row: LimitRow }) {
  const { name, title, hint, used, limit, part, exceeded } = row;
  return (
    <li data-testid={`limit-${name}`}>
      <span className="limit-title">
        {title}
        {exceeded > 0 && <StateBadge tone="caution">{`${exceeded} × too much`}</StateBadge>}
      </span>
      <span className="number" data-cell="used">
        {used} <span className="muted">of {limit}</span>
      </span>
      <Progress value={part * 100} color={part > 0.9 ? "red" : part > 0.7 ? "yellow" : "green"} aria-label={`${title}: ${used} of ${limit}`} />
      {hint !== "" && <span className="muted limit-hint">Beyond it: {hint.charAt(0).toLowerCase() + hint.slice(1)}.</span>}
    </li>
  );
}
