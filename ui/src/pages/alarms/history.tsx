import { Group, Text } from "@mantine/core";
import { ConfirmButton } from "../../components/confirm-button";
import { EmptyState } from "../../components/empty-state";
import { StateBadge, type Tone } from "../../components/state-badge";
import { VirtualList } from "../../components/virtual-list";
import { useAlarmHistory, useLive, useTimed } from "../../state/hooks";
import type { AlarmEvent } from "../../state/notifications";
import { whenText } from "./when";

const ROW = 64;
/** Rows that are seen at once. */
const MAX_SEEN = 7;
const keyOf = (event: AlarmEvent) => `${event.time} ${event.path} ${event.state}`;
const render = (event: AlarmEvent) => <EventRow event={event} />;

/** What was raised and ended, as far as this browser has seen it. */
export function History() {
  const { alarmHistory } = useLive();
  const events = useAlarmHistory();
  return (
    <section aria-labelledby="history-title">
      <Group justify="space-between" align="flex-end" mb="xs">
        <div>
          <h3 id="history-title">History</h3>
          <Text size="sm" c="dimmed" data-testid="history-note">
            The server keeps no history of alarms: this is what was seen while a page was open in this browser, the last 500 changes.
          </Text>
        </div>
        {events.length > 0 && (
          <ConfirmButton
            title="Clear the history?"
            text="What this browser has seen is forgotten for good. Alarms that are active stay."
            confirmLabel="Clear"
            onConfirm={alarmHistory.clear}
            testId="clear-history"
          >
            Clear
          </ConfirmButton>
        )}
      </Group>
      {events.length === 0 ? (
        <EmptyState title="Nothing has been raised" text="Alarms that are raised and end while a page is open appear here." testId="no-history" />
      ) : (
        <VirtualList
          items={events}
          keyOf={keyOf}
          render={render}
          label="History of alarms"
          rowHeight={ROW}
          height={Math.min(events.length, MAX_SEEN) * ROW + 2}
          testId="alarm-history"
        />
      )}
    </section>
  );
}

function EventRow({ event }: { event: AlarmEvent }) {
  const when = useTimed((now) => whenText(event.time, now));
  return (
    <div className="event-row" data-path={event.path} data-state={event.state}>
      <span className="number">{when}</span>
      <StateBadge tone={toneOfState(event.state)}>{event.state}</StateBadge>
      <span className="event-message">{event.message || event.subject}</span>
      <span className="path muted">{event.subject}</span>
    </div>
  );
}

function toneOfState(state: AlarmEvent["state"]): Tone {
  if (state === "normal" || state === "nominal") return "good";
  if (state === "emergency") return "severe";
  return state === "alarm" ? "bad" : "caution";
}
