import { Alert, Button, Group, Stack } from "@mantine/core";
import { IconCircleCheck, IconVolumeOff } from "@tabler/icons-react";
import { EmptyState } from "../../components/empty-state";
import { PageHeader } from "../../components/page-header";
import type { Notification } from "../../signalk/notifications";
import { sounds } from "../../state/alarm-sound";
import { useAlarmHistory, useCanWrite, useLive, useNotifications, useStore } from "../../state/hooks";
import { openLogin } from "../../state/login-request";
import { AlarmCard } from "./alarm-card";
import { byUrgency, isMob, sinceWhen } from "./attention";
import { History } from "./history";
import { RulesList } from "./rules-list";
import { SoundPanel } from "./sound-panel";
import "./alarms.css";

/** Alarms shown one by one; a boat with more than this has another problem, and they are counted. */
const MAX_CARDS = 100;

/** What is wrong, what was, and what would be. */
export default function AlarmsPage() {
  const { active } = useNotifications();
  const { entries = [] } = useAlarmHistory();
  const own = useStore(useLive().server).hello?.self;
  const since = (alarm: Notification) => sinceWhen(alarm, entries, own);
  const ordered = byUrgency(active, since);
  const emergencies = ordered.filter((alarm) => alarm.state === "emergency" || isMob(alarm));
  const others = ordered.filter((alarm) => !emergencies.includes(alarm)).slice(0, MAX_CARDS);
  const left = ordered.length - emergencies.length - others.length;
  return (
    <Stack gap="lg" data-testid="page-alarms" className="alarms-page">
      <PageHeader title="Alarms" description={ordered.length === 0 ? "Nothing is wrong" : `${ordered.length} active`}>
        <SilenceHere active={active} />
      </PageHeader>
      <MayNot />
      {ordered.length === 0 && (
        <EmptyState
          icon={<IconCircleCheck size={48} />}
          title="No alarms"
          text="Nothing has raised an alarm. Values in their zones, plugins and instruments do."
          testId="no-alarms"
        />
      )}
      {emergencies.length > 0 && <Cards title="Emergencies" alarms={emergencies} since={since} testId="emergencies" />}
      {others.length > 0 && <Cards title="Active alarms" alarms={others} since={since} testId="active-alarms" />}
      {left > 0 && <p>And {left} more, less urgent ones.</p>}
      <SoundPanel />
      <RulesList />
      <History />
    </Stack>
  );
}

interface CardsProps {
  title: string;
  alarms: readonly Notification[];
  since: (alarm: Notification) => number;
  testId: string;
}

function Cards({ title, alarms, since, testId }: CardsProps) {
  return (
    <section aria-labelledby={`${testId}-title`}>
      <h3 id={`${testId}-title`}>{title}</h3>
      <ul className="alarm-cards" data-testid={testId}>
        {alarms.map((alarm) => (
          <AlarmCard key={alarm.path} alarm={alarm} since={since(alarm)} />
        ))}
      </ul>
    </section>
  );
}

/** Quiet at this device, for everybody who only wants to think. */
function SilenceHere({ active }: { active: readonly Notification[] }) {
  const { sound } = useLive();
  const silenced = useStore(sound.silenced);
  const enabled = useStore(sound.enabled);
  const loud = active.filter((alarm) => sounds(alarm) && !silenced.has(`${alarm.state} ${alarm.path}`));
  if (!enabled || loud.length === 0) return null;
  return (
    <Button
      variant="default"
      leftSection={<IconVolumeOff size={18} aria-hidden="true" />}
      // A beep that is under way ends at once.
      onClick={() => {
        sound.silence(loud);
        sound.update(active);
      }}
      data-testid="silence-all-here"
    >
      Silence this device
    </Button>
  );
}

/** Says to whom it matters why there are no buttons. */
function MayNot() {
  const { login } = useStore(useLive().server);
  const mayWrite = useCanWrite();
  if (mayWrite || login === undefined) return null;
  return (
    <Alert color="yellow" title="To read only" data-testid="read-only">
      <Group justify="space-between">
        <span>You can silence this device. To silence or acknowledge an alarm everywhere, sign in as somebody who may change values.</span>
        <Button onClick={() => openLogin()}>Sign in</Button>
      </Group>
    </Alert>
  );
}
