import { Button, Group, Text } from "@mantine/core";
import type { AlarmEntry } from "../../api/alarms";
import { ConfirmButton } from "../../components/confirm-button";
import { EmptyState } from "../../components/empty-state";
import { ErrorState, Loading } from "../../components/load-state";
import { StateBadge, type Tone } from "../../components/state-badge";
import { VirtualList } from "../../components/virtual-list";
import { NOTIFICATIONS } from "../../signalk/notifications";
import { useAlarmHistory, useIsAdmin, useLive, useStore, useTimed } from "../../state/hooks";
import { whenText } from "./when";

const ROW = 64;
/** Rows that are seen at once. */
const MAX_SEEN = 7;
const keyOf = (entry: AlarmEntry) => String(entry.id);
const render = (entry: AlarmEntry) => <EntryRow entry={entry} />;

/** What was raised, silenced, acknowledged and ended, as the server has noted it. */
export function History() {
  const { alarmHistory } = useLive();
  const { entries, more, error } = useAlarmHistory();
  const isAdmin = useIsAdmin();
  return (
    <section aria-labelledby="history-title">
      <Group justify="space-between" align="flex-end" mb="xs">
        <div>
          <h3 id="history-title">History</h3>
          <Text size="sm" c="dimmed" data-testid="history-note">
            Kept by the server, the same on all devices: the last 1,000 changes.
          </Text>
        </div>
        {isAdmin && entries !== undefined && entries.length > 0 && (
          <ConfirmButton
            title="Clear the history?"
            text="What is over is forgotten for good, on all devices. Alarms that are active stay."
            confirmLabel="Clear"
            onConfirm={alarmHistory.clear}
            testId="clear-history"
          >
            Clear
          </ConfirmButton>
        )}
      </Group>
      {error !== undefined && <ErrorState error={error} title="The history could not be read" retry={alarmHistory.changed} />}
      {entries === undefined && error === undefined && <Loading what="Loading the history" />}
      {entries?.length === 0 && (
        <EmptyState title="Nothing has been raised" text="Alarms that are raised and end appear here, also while no page is open." testId="no-history" />
      )}
      {entries !== undefined && entries.length > 0 && (
        <VirtualList
          items={entries}
          keyOf={keyOf}
          render={render}
          label="History of alarms"
          rowHeight={ROW}
          height={Math.min(entries.length, MAX_SEEN) * ROW + 2}
          testId="alarm-history"
        />
      )}
      {more === true && (
        <Button mt="xs" variant="default" onClick={() => void alarmHistory.more()} data-testid="older-history">
          Show older ones
        </Button>
      )}
    </section>
  );
}

function EntryRow({ entry }: { entry: AlarmEntry }) {
  const { hello } = useStore(useLive().server);
  const when = useTimed((now) => whenText(entry.time, now));
  const done = useTimed((now) => doneText(entry, now));
  const subject = entry.path.slice(NOTIFICATIONS.length + 1);
  return (
    <div className="event-row" data-path={entry.path} data-state={entry.state} data-id={entry.id}>
      <span className="number">{when}</span>
      <StateBadge tone={toneOfState(entry.state)}>{entry.state}</StateBadge>
      <span className="event-message">
        {entry.message || subject}
        {done !== "" && (
          <span className="event-done muted" data-testid="event-done">
            {done}
          </span>
        )}
      </span>
      <span className="path muted">{entry.context === hello?.self ? subject : `${subject} of ${entry.context}`}</span>
    </div>
  );
}

/** "Silenced 14:03:10, acknowledged 14:03:20, until 14:05:00"; empty when nothing was done about it and it goes on. */
function doneText({ silenced, acknowledged, ended, lost }: AlarmEntry, now: number): string {
  const parts: string[] = [];
  if (silenced !== undefined) parts.push(`silenced ${whenText(silenced, now)}`);
  if (acknowledged !== undefined) parts.push(`acknowledged ${whenText(acknowledged, now)}`);
  if (ended !== undefined) parts.push(lost ? "not raised again after the server was restarted" : `until ${whenText(ended, now)}`);
  const text = parts.join(", ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function toneOfState(state: AlarmEntry["state"]): Tone {
  if (state === "normal" || state === "nominal") return "good";
  if (state === "emergency") return "severe";
  return state === "alarm" ? "bad" : "caution";
}
