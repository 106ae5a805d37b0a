import type { ReactNode } from "react";
import { formatDuration } from "../signalk/age";
import { useDashboard, useStore, useTimed } from "../state/hooks";
import { NOTHING } from "../units/format";
import { formatRate } from "./rate";
import { Sparkline } from "./sparkline";

export function Statistics() {
  const dashboard = useDashboard();
  const { statistics, receivedAt, history } = useStore(dashboard.rates);
  const live = useStore(dashboard.connection).state === "live";
  const uptime = useTimed((now) => {
    if (statistics?.uptime === undefined) return NOTHING;
    // Between two reports the server goes on; without a link that is only a hope.
    const since = live ? Math.max(0, now - receivedAt) / 1000 : 0;
    return formatDuration(statistics.uptime + since);
  });
  const rates = history.map((point) => point.rate);
  return (
    <section className="statistics" aria-label="Server statistics">
      <Figure label="Deltas per second" value={statistics === undefined ? NOTHING : formatRate(statistics.deltaRate)} testId="delta-rate">
        <Sparkline values={rates} label={historyLabel(rates)} />
      </Figure>
      <Figure label="Paths" value={statistics?.numberOfAvailablePaths?.toString() ?? NOTHING} testId="path-count" />
      <Figure label="WebSocket clients" value={statistics?.wsClients?.toString() ?? NOTHING} testId="ws-clients" />
      <Figure label="Uptime" value={uptime} testId="uptime" />
    </section>
  );
}

function Figure(props: { label: string; value: string; testId: string; children?: ReactNode }) {
  return (
    <div className="card figure">
      <div>
        <h2>{props.label}</h2>
        <p className="number" data-testid={props.testId}>
          {props.value}
        </p>
      </div>
      {props.children}
    </div>
  );
}

function historyLabel(rates: readonly number[]): string {
  return `Rate since this page was opened: lowest ${formatRate(Math.min(...rates))}, highest ${formatRate(Math.max(...rates))} per second`;
}
