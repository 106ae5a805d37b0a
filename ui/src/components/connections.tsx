import { useMemo } from "react";
import type { ProviderRates } from "../signalk/server-events";
import { connectionViews, type ConnectionView } from "../state/connections";
import { useDashboard, useStore } from "../state/hooks";
import { clockTime } from "./clock-time";
import { formatRate } from "./rate";

const noRates: ReadonlyMap<string, ProviderRates> = new Map();

export function Connections() {
  const dashboard = useDashboard();
  const { statistics } = useStore(dashboard.rates);
  const statuses = useStore(dashboard.providers);
  const plugins = useStore(dashboard.plugins);
  const views = useMemo(() => {
    const pluginIds = new Set(plugins?.ok ? plugins.plugins.map((plugin) => plugin.id) : []);
    return connectionViews(statistics?.providers ?? noRates, statuses, pluginIds);
  }, [statistics, statuses, plugins]);

  const fastest = Math.max(1, ...views.map((view) => view.rates?.deltaRate ?? 0));
  const external = views.some((view) => !view.internal);
  return (
    <section className="card" aria-labelledby="connections-title">
      <h2 id="connections-title">Connections</h2>
      {!external && (
        <p className="empty">
          No data connection is running. Add one to the server's settings, or start it with <code>--demo</code> for a
          simulated boat.
        </p>
      )}
      {views.length > 0 && (
        <ul className="providers">
          {views.map((view) => (
            <Connection key={view.id} view={view} fastest={fastest} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Connection({ view, fastest }: { view: ConnectionView; fastest: number }) {
  const { status, rates } = view;
  const state = status?.isError ? "error" : rates !== undefined && rates.deltaRate > 0 ? "flowing" : "idle";
  return (
    <li data-testid={`connection-${view.id}`} data-state={state} data-internal={view.internal}>
      <div className="head">
        <span className="dot" aria-hidden="true" />
        <strong title={view.label === view.id ? undefined : view.id}>{view.label}</strong>
        <span className="rate">{rateText(view)}</span>
      </div>
      {rates !== undefined && rates.deltaRate > 0 && (
        <div className="share" aria-hidden="true">
          <span style={{ width: `${(100 * rates.deltaRate) / fastest}%` }} />
        </div>
      )}
      {status !== undefined && status.message !== "" && (
        <p className={status.isError ? "bad" : "muted"}>
          {status.isError && "Error: "}
          {status.message}
        </p>
      )}
      {status?.lastError !== undefined && status.lastError !== "" && status.lastError !== status.message && (
        <p className="muted">
          Last error{status.lastErrorTimestamp === undefined ? "" : ` at ${clockTime(status.lastErrorTimestamp)}`}:{" "}
          {status.lastError}
        </p>
      )}
    </li>
  );
}

function rateText({ rates, internal }: ConnectionView): string {
  if (rates === undefined) return "";
  if (internal && rates.deltaRate === 0) return `${rates.deltaCount} in all`;
  const written = rates.writeRate > 0 ? `, ${formatRate(rates.writeRate)}/s out` : "";
  return `${formatRate(rates.deltaRate)}/s${written}`;
}
