import { StateBadge, toneOf } from "../../../components/state-badge";
import { useNotifications } from "../../../state/hooks";
import { Face } from "./face";
import "./alarms.css";
import type { WidgetProps } from "./types";

/** More than a widget has room for; the rest is on its page. */
const MAX_SHOWN = 8;

/** What is wrong on board right now, the worst first. */
export default function Alarms({ settings }: WidgetProps) {
  const { active } = useNotifications();
  return (
    <Face title={settings.title ?? "Alarms"}>
      {active.length === 0 ? (
        <p className="all-well" data-testid="all-well">
          Nothing is wrong
        </p>
      ) : (
        <ul className="alarm-list" tabIndex={0} aria-label="Active alarms">
          {active.slice(0, MAX_SHOWN).map((notification) => (
            <li key={notification.path}>
              <StateBadge tone={toneOf(notification)}>{notification.state}</StateBadge>
              <span>{notification.message || notification.subject}</span>
            </li>
          ))}
          <li>
            <a href="#/alarms">{active.length > MAX_SHOWN ? `${active.length - MAX_SHOWN} more` : "Silence or acknowledge"}</a>
          </li>
        </ul>
      )}
    </Face>
  );
}
