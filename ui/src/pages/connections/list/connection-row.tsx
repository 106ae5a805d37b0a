import { Switch } from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";
import type { ConnectionOverview, Provider } from "../../../api/connections";
import { Sparkline } from "../../../components/sparkline";
import { StateBadge } from "../../../components/state-badge";
import { useLive, useStore } from "../../../state/hooks";
import type { RecentRates } from "../model/history";
import { detailsRoute } from "../model/routes";
import { describe, formatBytes, stateWords, type StateWords } from "../model/words";

export interface ConnectionRowProps {
  provider: Provider;
  /** Absent until it is known, and on servers that don't tell. */
  overview: ConnectionOverview | undefined;
  rates: RecentRates;
  onEnable: (enabled: boolean) => Promise<boolean>;
}

/** One connection: what it is, how it is, what comes, and the switch. */
export function ConnectionRow({ provider, overview, rates, onEnable }: ConnectionRowProps) {
  const { id, enabled } = provider;
  const words = useStateWords(provider, overview);
  const statistics = overview?.statistics;
  return (
    <li className="page-card connection-row" data-testid={`connection-${id}`} data-state={overview?.state}>
      <div className="connection-name">
        <a href={`#${detailsRoute(id)}`} className="connection-link">
          {id}
          <IconChevronRight size={18} aria-hidden="true" />
        </a>
        <span className="muted connection-what">{describe(provider)}</span>
      </div>
      <div className="connection-state" data-cell="state">
        <StateBadge tone={words.tone}>{words.word}</StateBadge>
      </div>
      <div className="connection-rate">
        <Sparkline values={rates.lines} floor={0} label={`Lines per second of ${id} lately`} width={90} height={26} />
        <div className="number">
          <div data-cell="rate">{(statistics?.linesPerSecond ?? 0).toFixed(1)} lines/s</div>
          <div className="muted" data-cell="bytes">
            {formatBytes(statistics?.bytes ?? 0)}
          </div>
        </div>
      </div>
      <EnableSwitch id={id} enabled={enabled} disabled={provider.editable === false} onEnable={onEnable} />
      <ProblemText words={words} />
    </li>
  );
}

/** Switches at once, and back when the server refuses. */
export function EnableSwitch(props: { id: string; enabled: boolean; disabled?: boolean; onEnable: (enabled: boolean) => Promise<boolean> }) {
  const { id, enabled, disabled = false, onEnable } = props;
  const [wanted, setWanted] = useState<boolean>();
  return (
    <Switch
      className="connection-switch"
      label={<span className="visually-hidden">{id} is on</span>}
      checked={wanted ?? enabled}
      disabled={disabled || wanted !== undefined}
      title={disabled ? "It is a chain of settings that only the file settings.json can change" : undefined}
      onChange={(event) => {
        const next = event.currentTarget.checked;
        setWanted(next);
        void onEnable(next).finally(() => setWanted(undefined));
      }}
      data-testid={`enable-${id}`}
    />
  );
}

/** What is wrong and what to do. */
export function ProblemText({ words }: { words: StateWords }) {
  if (words.problem === undefined && words.advice === undefined) return null;
  return (
    <div className="connection-problem" data-cell="problem">
      {words.problem !== undefined && <p className="bad">{words.problem}</p>}
      {words.advice !== undefined && <p className="muted">{words.advice}</p>}
    </div>
  );
}

/** How it is: by what this server tells, or by what every Signal K server does. */
function useStateWords(provider: Provider, overview: ConnectionOverview | undefined): StateWords {
  const live = useLive();
  const statuses = useStore(live.providers);
  const { statistics } = useStore(live.rates);
  if (overview !== undefined) return stateWords(overview, Date.now());
  if (!provider.enabled) return { tone: "plain", word: "Switched off" };
  const status = statuses.find(({ id, statusType }) => id === provider.id && statusType === "provider");
  if (status?.isError === true) return { tone: "bad", word: "Not working", problem: status.message };
  const rate = statistics?.providers.get(provider.id)?.deltaRate ?? 0;
  return rate > 0 ? { tone: "good", word: "Receiving" } : { tone: "caution", word: "Silent" };
}
