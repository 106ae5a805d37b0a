import { meaningOf, type Plugin } from "../signalk/plugins";
import type { ProviderStatus } from "../signalk/server-events";
import { useDashboard, useStore } from "../state/hooks";
import { formatRate } from "./rate";

export function Plugins() {
  const dashboard = useDashboard();
  const answer = useStore(dashboard.plugins);
  return (
    <section className="card" aria-labelledby="plugins-title">
      <h2 id="plugins-title">Plugins</h2>
      {answer === undefined ? (
        <p className="empty">Waiting for the list of plugins…</p>
      ) : answer.ok ? (
        <PluginList plugins={answer.plugins} />
      ) : answer.reason === "denied" ? (
        <p className="empty">Only administrators may see the plugins. Sign in as one and reload this page.</p>
      ) : (
        <div className="empty">
          <p>The list of plugins could not be read: {answer.detail}.</p>
          <button type="button" onClick={dashboard.reloadPlugins}>
            Try again
          </button>
        </div>
      )}
    </section>
  );
}

function PluginList({ plugins }: { plugins: readonly Plugin[] }) {
  const dashboard = useDashboard();
  const statuses = useStore(dashboard.providers);
  const { statistics } = useStore(dashboard.rates);
  if (plugins.length === 0) {
    return (
      <p className="empty">
        No plugins yet. Install a package with the keyword <code>signalk-wasm-plugin</code> into <code>node_modules</code>{" "}
        of the server's configuration directory.
      </p>
    );
  }
  return (
    <ul className="providers">
      {plugins.map((plugin) => (
        <PluginItem
          key={plugin.id}
          plugin={plugin}
          status={statuses.find((status) => status.statusType === "plugin" && status.id === plugin.id)}
          rate={statistics?.providers.get(plugin.id)?.deltaRate}
        />
      ))}
    </ul>
  );
}

function PluginItem(props: { plugin: Plugin; status: ProviderStatus | undefined; rate: number | undefined }) {
  const { plugin, status, rate } = props;
  const message = status?.message || plugin.statusMessage;
  const meaning = meaningOf(plugin);
  return (
    <li data-testid={`plugin-${plugin.id}`} data-state={plugin.state} title={plugin.description || undefined}>
      <div className="head">
        <span className="dot" aria-hidden="true" />
        <strong>{plugin.name}</strong>
        <span className="muted">{plugin.version}</span>
        <span className="badge">{plugin.state}</span>
      </div>
      {message !== "" && <p className={status?.isError ? "bad" : ""}>{message}</p>}
      <p className="muted">
        {plugin.state !== "running" ? meaning : rate !== undefined && `Sends ${formatRate(rate)} deltas per second.`}
      </p>
      {status?.lastError !== undefined && status.lastError !== message && (
        <p className="muted">Last error: {status.lastError}</p>
      )}
    </li>
  );
}
