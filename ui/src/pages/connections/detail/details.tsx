import { Alert, Button, Group } from "@mantine/core";
import { IconArrowLeft, IconPencil } from "@tabler/icons-react";
import { useState } from "react";
import { fetchConnectionDetails, removeProvider, type ConnectionDetails, type Provider } from "../../../api/connections";
import { ConfirmButton } from "../../../components/confirm-button";
import { EmptyState } from "../../../components/empty-state";
import { JsonView } from "../../../components/json-view";
import { LoadState } from "../../../components/load-state";
import { notifyDone } from "../../../components/notify";
import { PageHeader } from "../../../components/page-header";
import { Sparkline } from "../../../components/sparkline";
import { StateBadge } from "../../../components/state-badge";
import { useLoad } from "../../../state/use-load";
import { EnableSwitch, ProblemText } from "../list/connection-row";
import { Facts } from "../list/outputs";
import { editRoute, listRoute, navigate } from "../model/routes";
import { describe, formatBytes, formatCount, stateWords } from "../model/words";
import type { Connections } from "../use-connections";
import { BadLines } from "./bad-lines";
import { LinesPanel } from "./lines-panel";
import { SentenceTable } from "./sentence-table";

/** How often it is looked what comes, ms. */
const INTERVAL = 1_000;

/** One connection: what comes and goes, and what is wrong with it. */
export function Details({ id, connections }: { id: string; connections: Connections }) {
  const [isLeaving, setLeaving] = useState(false);
  const provider = connections.providers.data?.find((one) => one.id === id);
  const isKnown = connections.providers.data === undefined || provider !== undefined;
  // What is gone or going is not asked for.
  const details = useLoad(() => fetchConnectionDetails(id), id, isKnown && !isLeaving ? INTERVAL : undefined);
  return (
    <>
      <BackLink />
      {isKnown ? (
        <LoadState of={details} what={id}>
          {(data) => <Shown details={data} provider={provider} connections={connections} reload={details.reload} onLeaving={setLeaving} />}
        </LoadState>
      ) : (
        <EmptyState title={`There is no connection ${id}`} text="It may have been deleted or renamed.">
          <Button component="a" href={`#${listRoute}`}>
            All connections
          </Button>
        </EmptyState>
      )}
    </>
  );
}

export function BackLink() {
  return (
    <a href={`#${listRoute}`} className="back-link" data-testid="back">
      <IconArrowLeft size={18} aria-hidden="true" /> All connections
    </a>
  );
}

interface ShownProps {
  details: ConnectionDetails;
  provider: Provider | undefined;
  connections: Connections;
  reload: () => Promise<void>;
  /** It is about to be deleted. */
  onLeaving: (isLeaving: boolean) => void;
}

function Shown({ details, provider, connections, reload, onLeaving }: ShownProps) {
  const { id, statistics, notes } = details;
  const words = stateWords(details, Date.now());
  const rates = connections.ratesOf(id);
  const remove = async () => {
    onLeaving(true);
    try {
      await removeProvider(id);
    } catch (error) {
      onLeaving(false);
      throw error;
    }
    notifyDone(`${id} is deleted`);
    navigate(listRoute);
    await connections.reload();
  };
  const enable = async (enabled: boolean) => {
    if (provider === undefined) return false;
    const done = await connections.enable(provider, enabled);
    await reload();
    return done;
  };
  return (
    <div data-testid="connection-details" data-state={details.state}>
      <PageHeader title={id} description={provider === undefined ? undefined : describe(provider)}>
        {provider !== undefined && (
          <>
            <EnableSwitch id={id} enabled={provider.enabled} disabled={provider.editable === false} onEnable={enable} />
            {provider.editable !== false && (
              <Button
                component="a"
                href={`#${editRoute(id)}`}
                variant="default"
                leftSection={<IconPencil size={18} aria-hidden="true" />}
                data-testid="edit-connection"
              >
                Edit
              </Button>
            )}
            <ConfirmButton
              title={`Delete ${id}?`}
              text="Its settings are lost. Data that were received stay."
              confirmLabel="Delete"
              onConfirm={remove}
              testId="delete-connection"
            >
              Delete
            </ConfirmButton>
          </>
        )}
      </PageHeader>
      <div className="page-card">
        <Group justify="space-between" gap="sm">
          <span data-testid="state">
            <StateBadge tone={words.tone}>{words.word}</StateBadge>
          </span>
          <Sparkline values={rates.lines} floor={0} label={`Lines per second of ${id} lately`} width={180} height={32} />
        </Group>
        <ProblemText words={words} />
        {words.problem === undefined && details.message !== undefined && (
          <p className="muted" data-testid="message">
            {details.message}
          </p>
        )}
        {words.tone === "good" && details.lastError !== undefined && <p className="muted">Before that: {details.lastError}</p>}
        <Facts
          facts={[
            ["Lines per second", statistics.linesPerSecond.toFixed(1)],
            ["Lines", formatCount(statistics.lines)],
            ["Bytes", `${formatBytes(statistics.bytes)}${rates.bytesPerSecond > 0 ? `, ${formatBytes(Math.round(rates.bytesPerSecond))}/s` : ""}`],
            ["Deltas", formatCount(statistics.deltas)],
            ["Unreadable", formatCount(statistics.badLines)],
            ["Times connected", formatCount(statistics.connects)],
            ...(statistics.peers > 1 ? ([["Connected now", formatCount(statistics.peers)]] as const) : []),
            ...(statistics.linesOut + statistics.lostOut > 0
              ? ([
                  ["Sent", `${formatCount(statistics.linesOut)} lines, ${formatBytes(statistics.bytesOut)}`],
                  ["Lost in sending", formatCount(statistics.lostOut)],
                ] as const)
              : []),
          ]}
        />
      </div>
      {notes !== undefined && notes.length > 0 && (
        <Alert color="yellow" title="Settings that do nothing here" mt="md">
          <ul className="note-list">
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Alert>
      )}
      <BadLines byKind={statistics.badLinesByKind} lines={statistics.lines} />
      <div className="detail-columns">
        <LinesPanel lines={details.lastLines} />
        <SentenceTable sentences={statistics.sentences} at={details} />
      </div>
      {provider?.json !== undefined && (
        <section aria-labelledby="chain-title">
          <h3 id="chain-title" className="section-title">
            Settings
          </h3>
          <p className="muted">This connection is a chain that only settings.json can change.</p>
          <JsonView value={JSON.parse(provider.json)} label="settings" />
        </section>
      )}
    </div>
  );
}
