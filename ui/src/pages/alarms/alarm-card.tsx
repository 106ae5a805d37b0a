import { Button, Group, Text } from "@mantine/core";
import { IconBellCheck, IconVolumeOff } from "@tabler/icons-react";
import { useState } from "react";
import { putValue } from "../../api/values";
import { ConfirmButton } from "../../components/confirm-button";
import { act } from "../../components/notify";
import { StateBadge, toneOf } from "../../components/state-badge";
import { ZoneBar } from "../../components/zone-bar";
import { formatAge } from "../../signalk/age";
import { NOTIFICATIONS, type Notification } from "../../signalk/notifications";
import { sounds } from "../../state/alarm-sound";
import { useCanWrite, useLive, usePath, useStore, useTimed } from "../../state/hooks";
import { formatWith, unitOfPath, useUnitPreferences } from "../../units/use-unit";
import { zoneOf, zoneRange } from "../../units/zones";
import { acknowledgedMethod, canBeEnded, isAcknowledged, isMob, silencedMethod } from "./attention";
import { whenText } from "./when";

/** One active alarm: what, where, since when, and what can be done about it. */
export function AlarmCard({ alarm, since }: { alarm: Notification; since: number }) {
  const age = useTimed((now) => formatAge(now - since));
  const when = useTimed((now) => whenText(since, now));
  return (
    <li className="alarm-card" data-state={alarm.state} data-testid={`alarm-${alarm.path}`}>
      <Group gap="sm" justify="space-between" wrap="nowrap" align="flex-start">
        <div className="alarm-words">
          <StateBadge tone={toneOf(alarm)}>{isMob(alarm) ? "man overboard" : alarm.state}</StateBadge>
          <strong className="alarm-message">{alarm.message || alarm.subject}</strong>
        </div>
        <span className="alarm-since number">
          since {when}
          <span className="muted"> {age}</span>
        </span>
      </Group>
      <Subject alarm={alarm} />
      <Attention alarm={alarm} />
    </li>
  );
}

/** The value that the alarm is about, and the zone it is in. */
function Subject({ alarm }: { alarm: Notification }) {
  const { value, meta } = usePath(alarm.subject, { period: 1_000 });
  const preferences = useUnitPreferences();
  const unit = unitOfPath(preferences, alarm.subject, meta.units);
  const zone = zoneOf(meta.zones, value);
  const shown = typeof value === "number" ? formatWith(unit, meta.units, value) : undefined;
  return (
    <div className="alarm-subject">
      <Text component="div" size="sm" c="dimmed">
        <a className="path" href={`#/data/${encodeURIComponent(alarm.path)}`}>
          {alarm.subject}
        </a>
        , told by {alarm.source}
      </Text>
      {shown !== undefined && (
        <Text component="div" size="sm" data-testid="alarm-value">
          {meta.displayName ?? "Now"} <strong className="number">{`${shown.text} ${shown.units}`}</strong>
          {zone !== undefined && `, in the zone “${zone.state}”: ${zoneRange(zone, unit)}`}
          {meta.zones.length > 0 && (
            <>
              {" "}
              <a href={`#/data/${encodeURIComponent(alarm.subject)}/edit`}>Change its zones</a>
            </>
          )}
        </Text>
      )}
      {shown !== undefined && <ZoneBar zones={meta.zones} unit={unit} value={value} />}
    </div>
  );
}

/** What was done about it, and what can be. */
function Attention({ alarm }: { alarm: Notification }) {
  const { sound } = useLive();
  const mayWrite = useCanWrite();
  const silencedHere = useStore(sound.silenced).has(`${alarm.state} ${alarm.path}`);
  const [busy, setBusy] = useState<"silence" | "acknowledge">();
  const key = (name: string) => `${NOTIFICATIONS}.${alarm.subject}.${name}`;
  const put = (what: "silence" | "acknowledge", method: string[], done: string) => {
    setBusy(what);
    void act(() => putValue(key("method"), method, alarm.source), done, "That did not work").finally(() => setBusy(undefined));
  };
  const [silenced, acknowledged] = [silencedMethod(alarm), acknowledgedMethod(alarm)];
  return (
    <Group gap="xs" mt="xs" align="center">
      <Text size="sm" flex="1 1 180px" data-testid="alarm-attention">
        {attentionText(alarm, silencedHere)}
      </Text>
      {mayWrite && silenced !== undefined && (
        <Button
          variant="default"
          leftSection={<IconVolumeOff size={18} aria-hidden="true" />}
          loading={busy === "silence"}
          onClick={() => put("silence", silenced, "Silenced everywhere")}
          data-testid="silence-alarm"
        >
          Silence
        </Button>
      )}
      {!mayWrite && sounds(alarm) && !silencedHere && (
        <Button variant="default" leftSection={<IconVolumeOff size={18} aria-hidden="true" />} onClick={() => sound.silence([alarm])} data-testid="silence-here">
          Silence here
        </Button>
      )}
      {mayWrite && acknowledged !== undefined && (
        <Button
          leftSection={<IconBellCheck size={18} aria-hidden="true" />}
          loading={busy === "acknowledge"}
          onClick={() => put("acknowledge", acknowledged, "Acknowledged")}
          data-testid="acknowledge"
        >
          Acknowledge
        </Button>
      )}
      {mayWrite && canBeEnded(alarm) && (
        <ConfirmButton
          title="Is it over?"
          text={`“${alarm.message || alarm.subject}” is then no alarm any more, on all devices. What told it may raise it again.`}
          confirmLabel="It is over"
          onConfirm={() => putValue(key("state"), "normal", alarm.source)}
          testId="end-alarm"
        >
          It is over
        </ConfirmButton>
      )}
    </Group>
  );
}

function attentionText(alarm: Notification, silencedHere: boolean): string {
  if (isAcknowledged(alarm)) return "Acknowledged";
  if (sounds(alarm)) return silencedHere ? "Silenced at this device" : "Makes a sound";
  if (alarm.status.silenced) return "Silenced everywhere";
  return alarm.state === "emergency" ? "Shown on all screens until it is over" : "Shown, without a sound";
}
