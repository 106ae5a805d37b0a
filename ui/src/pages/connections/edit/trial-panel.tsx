import { Button, Group, Loader } from "@mantine/core";
import { IconAntenna } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { tryConnection, type Provider, type Trial } from "../../../api/connections";
import { messageOf } from "../../../api/http";
import { StateBadge } from "../../../components/state-badge";
import { badLineWords, formatBytes, formatCount, sentenceWords } from "../model/words";
import type { Kind } from "../model/kinds";
import { trialWords } from "../model/trial";

/** The longest trial that the server does, s. */
const LONGEST = 15;

export interface TrialPanelProps {
  kind: Kind;
  /** What to try; undefined when the form is not complete. */
  make: () => Provider | undefined;
  /** The server could not make sense of an option. */
  onProblem: (words: string) => void;
}

/** Tries what is on the form, and shows what came. */
export function TrialPanel({ kind, make, onProblem }: TrialPanelProps) {
  const [until, setUntil] = useState<number>();
  const [trial, setTrial] = useState<Trial>();
  const [problem, setProblem] = useState<string>();
  const attempt = useRef(0);
  useEffect(
    () => () => {
      attempt.current += 1;
    },
    [],
  );
  const run = async (seconds: number) => {
    const provider = make();
    if (provider === undefined) return;
    attempt.current += 1;
    const mine = attempt.current;
    setTrial(undefined);
    setProblem(undefined);
    setUntil(Date.now() + seconds * 1_000);
    try {
      const result = await tryConnection(provider, seconds);
      if (mine !== attempt.current) return;
      setTrial(result);
      if (/`(?:subO|o)ptions\./.test(result.problem ?? "")) onProblem(result.problem ?? "");
    } catch (error) {
      if (mine === attempt.current) setProblem(messageOf(error));
    } finally {
      if (mine === attempt.current) setUntil(undefined);
    }
  };
  const isRunning = until !== undefined;
  return (
    <section className="page-card" aria-labelledby="trial-title" data-testid="trial" data-state={isRunning ? "running" : trial === undefined ? "none" : "done"}>
      <Group justify="space-between" gap="sm">
        <h3 id="trial-title">Try it first</h3>
        <Button
          type="button"
          variant="light"
          leftSection={<IconAntenna size={18} aria-hidden="true" />}
          disabled={isRunning}
          onClick={() => void run(kind.trial)}
          data-testid="test"
        >
          Test
        </Button>
      </Group>
      <div aria-live="polite">
        {isRunning ? (
          <Running until={until} kind={kind} />
        ) : problem !== undefined ? (
          <p className="bad">{problem}</p>
        ) : trial === undefined ? (
          <p className="muted">It is connected for some seconds, and what comes is shown here. Nothing is saved or used by that.</p>
        ) : (
          <Result trial={trial} onLonger={() => void run(LONGEST)} />
        )}
      </div>
    </section>
  );
}

function Running({ until, kind }: { until: number; kind: Kind }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return (
    <Group gap="sm" mt="xs">
      <Loader size="sm" />
      <span>{kind.id === "listener" ? "Waiting for an app: start sending now" : "Connecting and listening"}</span>
      <span className="muted number" aria-hidden="true">
        {Math.max(0, Math.ceil((until - now) / 1_000))} s
      </span>
    </Group>
  );
}

function Result({ trial, onLonger }: { trial: Trial; onLonger: () => void }) {
  const { tone, word, text } = trialWords(trial);
  const { format, statistics, lines = [], notes = [] } = trial;
  const sentences = Object.entries(statistics?.sentences ?? {});
  const bad = Object.entries(statistics?.badLinesByKind ?? {});
  return (
    <div data-testid="trial-result">
      <Group gap="sm" mt="xs">
        <StateBadge tone={tone}>{word}</StateBadge>
        {statistics !== undefined && statistics.bytes > 0 && (
          <span className="number" data-testid="trial-bytes">
            {formatBytes(statistics.bytes)}, {formatCount(statistics.lines)} lines
          </span>
        )}
        {format !== undefined && <span data-testid="trial-format">It looks like {format.name}.</span>}
      </Group>
      {text !== undefined && <p className={tone === "bad" ? "bad" : "muted"}>{text}</p>}
      {sentences.length > 0 && (
        <ul className="trial-sentences" aria-label="Sentences that came">
          {sentences.map(([id, count]) => (
            <li key={id} className="chip" data-testid={`trial-${id}`}>
              <code>{id}</code> {count} <span className="muted">{sentenceWords[id] ?? ""}</span>
            </li>
          ))}
        </ul>
      )}
      {bad.map(([kind, count]) => (
        <p key={kind} className="muted">
          {badLineWords[kind]?.what ?? kind}: {count}. {badLineWords[kind]?.advice}
        </p>
      ))}
      {notes.map((note) => (
        <p key={note} className="muted">
          {note}
        </p>
      ))}
      {lines.length > 0 && (
        <div className="line-box trial-lines" tabIndex={0} role="region" aria-label="Lines that came">
          {lines.map(({ line }, index) => (
            // They never change.
            <div key={index} className="line">
              {line}
            </div>
          ))}
        </div>
      )}
      {trial.connected && lines.length === 0 && (
        <Button type="button" variant="default" mt="sm" onClick={onLonger} data-testid="test-longer">
          Listen for {LONGEST} seconds
        </Button>
      )}
    </div>
  );
}
