import { ActionIcon, Button, Indicator, Menu } from "@mantine/core";
import { IconBell, IconBellOff, IconVolume, IconVolumeOff } from "@tabler/icons-react";
import { useEffect, useMemo } from "react";
import { toneOf } from "../components/state-badge";
import { sounds } from "../state/alarm-sound";
import { useLive, useNotifications, useStore } from "../state/hooks";

/** Lines of the bar; the rest is on the page of the alarms. */
const MAX_SHOWN = 3;

/** How many alarms are active, and whether this device sounds them. */
export function AlarmBell() {
  const { sound } = useLive();
  const { active } = useNotifications();
  const enabled = useStore(sound.enabled);
  useEffect(() => sound.update(active), [sound, active, enabled]);
  const count = active.length;
  const label = count === 0 ? "Alarms: none active" : `Alarms: ${count} active`;
  return (
    <Menu position="bottom-end" withinPortal>
      <Indicator label={count} disabled={count === 0} size={18} offset={8} color="red" data-testid="alarm-count" data-count={count}>
        <Menu.Target>
          <ActionIcon aria-label={enabled ? label : `${label}; sound is off`} data-testid="alarm-bell">
            {enabled ? <IconBell aria-hidden="true" /> : <IconBellOff aria-hidden="true" />}
          </ActionIcon>
        </Menu.Target>
      </Indicator>
      <Menu.Dropdown>
        <Menu.Label>{count === 0 ? "Nothing is wrong" : label}</Menu.Label>
        <Menu.Item component="a" href="#/alarms">
          Show the alarms
        </Menu.Item>
        <Menu.Item
          leftSection={enabled ? <IconVolumeOff size={18} /> : <IconVolume size={18} />}
          closeMenuOnClick={false}
          onClick={() => sound.setEnabled(!enabled)}
          data-testid="alarm-sound"
          data-on={enabled}
        >
          {enabled ? "Switch the sound of this device off" : "Switch the sound of this device on"}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** What is wrong right now, on every page. */
export function AlarmBar() {
  const { sound } = useLive();
  const { active } = useNotifications();
  const silenced = useStore(sound.silenced);
  const enabled = useStore(sound.enabled);
  const blocked = useStore(sound.blocked);
  // Spoken when what is active changes, not each time a message counts another metre.
  const key = active.map((n) => `${n.state} ${n.path}`).join("\n");
  const spoken = useMemo(() => active.map((n) => `${n.state}: ${n.message || n.subject}`).join(". "), [key]);
  const shown = active.slice(0, MAX_SHOWN);
  const loud = enabled && active.some((n) => sounds(n) && !silenced.has(`${n.state} ${n.path}`));
  return (
    <>
      <p className="visually-hidden" role="alert" data-testid="spoken-alarms">
        {spoken}
      </p>
      {shown.map((notification, index) => (
        <div className="alarm-bar" key={notification.path} data-state={notification.state} data-testid="alarm-bar">
          <span className="state-badge" data-tone={toneOf(notification)}>
            {notification.state}
          </span>
          <span className="message">{notification.message || notification.subject}</span>
          {index === 0 && loud && (
            <Button
              variant="default"
              leftSection={blocked ? <IconVolume size={18} aria-hidden="true" /> : <IconVolumeOff size={18} aria-hidden="true" />}
              // A touch anywhere is all that the browser waits for.
              onClick={() => (blocked ? sound.blocked.set(false) : sound.silence(active))}
              data-testid="silence"
            >
              {blocked ? "Allow sound" : "Silence here"}
            </Button>
          )}
          {index === shown.length - 1 && (
            <a href="#/alarms">{active.length > MAX_SHOWN ? `and ${active.length - MAX_SHOWN} more` : "Details"}</a>
          )}
        </div>
      ))}
    </>
  );
}
