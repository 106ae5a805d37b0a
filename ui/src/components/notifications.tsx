import { useMemo } from "react";
import { isActive, notificationsOf, type Notification } from "../signalk/notifications";
import { useDashboard, useStore } from "../state/hooks";
import { AgeText } from "./age-text";

export function Notifications() {
  const { rows } = useStore(useDashboard().vessel);
  const all = useMemo(() => notificationsOf(rows), [rows]);
  const active = all.filter(isActive);
  const quiet = all.filter((notification) => !isActive(notification));
  // Spoken when what is active changes, not each time a message counts another metre.
  const activeKey = active.map((n) => `${n.state} ${n.path}`).join("\n");
  const spoken = useMemo(
    () => active.map((n) => `${n.state}: ${n.message || n.subject}`).join(". "),
    [activeKey],
  );
  return (
    <>
      <p className="visually-hidden" role="alert">
        {spoken}
      </p>
      {all.length > 0 && (
        <section className="notifications" aria-label="Notifications">
          <List notifications={active} />
          {quiet.length > 0 && (
            <details>
              <summary>
                {quiet.length === 1 ? "1 notification is normal" : `${quiet.length} notifications are normal`}
              </summary>
              <List notifications={quiet} />
            </details>
          )}
        </section>
      )}
    </>
  );
}

function List({ notifications }: { notifications: readonly Notification[] }) {
  if (notifications.length === 0) return null;
  return (
    <ul>
      {notifications.map((notification) => (
        <li key={notification.path} className="notification" data-path={notification.path} data-state={notification.state}>
          <span className="badge">{notification.state}</span>
          <span className="message">{notification.message || notification.subject}</span>
          <span className="muted">
            {notification.message !== "" && <span className="path">{notification.subject}</span>}
            <span>{notification.source}</span>
            <AgeText row={notification.row} reading={notification.row.latest} />
          </span>
        </li>
      ))}
    </ul>
  );
}
