import { IconChevronRight } from "@tabler/icons-react";
import { memo } from "react";
import type { PluginDetails } from "../../../api/plugins";
import { StateBadge } from "../../../components/state-badge";
import { useLive, useStore } from "../../../state/hooks";
import { formatBytes, formatCount, formatRate, formatShare, type Cost } from "../model/costs";
import { stateOf } from "../model/state";
import { pluginRoute } from "../routes";

/** One plugin with what it says, does and costs; leads to its page. */
export const PluginRow = memo(function PluginRow({ plugin, cost }: { plugin: PluginDetails; cost: Cost | undefined }) {
  const { tone, word } = stateOf(plugin);
  const says = plugin.statusMessage || plugin.description || "It says nothing of itself.";
  return (
    <li className="plugin-row" data-testid={`plugin-${plugin.id}`} data-state={plugin.state ?? "stopped"}>
      <a href={`#${pluginRoute(plugin.id)}`} className="plugin-link">
        <span className="plugin-name">
          <strong>{plugin.name}</strong>
          <span className="muted">{plugin.version}</span>
          <StateBadge tone={tone}>{word}</StateBadge>
        </span>
        <span className={tone === "bad" ? "plugin-says bad" : "plugin-says muted"} data-cell="says">
          {says}
        </span>
        {plugin.data.enabled && <Figures id={plugin.id} cost={cost} />}
        <IconChevronRight size={20} className="plugin-arrow" aria-hidden="true" />
      </a>
    </li>
  );
});

/** What it costs and does now. */
export function Figures({ id, cost }: { id: string; cost: Cost | undefined }) {
  const { statistics } = useStore(useLive().rates);
  const deltasOut = statistics?.providers.get(id)?.deltaRate;
  return (
    <span className="plugin-figures">
      <Figure name="cpu" title="Processor" value={cost?.cpu === undefined ? undefined : formatShare(cost.cpu)} />
      <Figure name="memory" title="Memory" value={cost?.memory === undefined ? undefined : formatBytes(cost.memory)} />
      <Figure name="in" title="Deltas in" value={cost?.deltasIn === undefined ? undefined : `${formatRate(cost.deltasIn)}/s`} />
      <Figure name="out" title="Deltas out" value={`${formatRate(deltasOut ?? 0)}/s`} />
      <Figure name="drops" title="Dropped" value={formatCount(cost?.drops ?? 0)} bad={(cost?.drops ?? 0) > 0} />
      <Figure name="crashes" title="Restarts" value={formatCount(cost?.crashes ?? 0)} bad={(cost?.crashes ?? 0) > 0} />
    </span>
  );
}

function Figure({ name, title, value, bad = false }: { name: string; title: string; value: string | undefined; bad?: boolean }) {
  return (
    <span className="plugin-figure" data-cell={name}>
      <span className="muted">{title}</span>
      <span className={bad ? "number bad" : "number"}>{value ?? "–"}</span>
    </span>
  );
}
