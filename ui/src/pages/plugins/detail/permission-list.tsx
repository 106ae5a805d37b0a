import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { StateBadge } from "../../../components/state-badge";
import type { Permission } from "../model/capabilities";

/** What a plugin may do, in words. */
export function PermissionList({ permissions }: { permissions: readonly Permission[] }) {
  if (permissions.length === 0) return <p>It asks for nothing: it can only calculate for itself.</p>;
  return (
    <ul className="permission-list" data-testid="permissions">
      {permissions.map(({ name, words, weighty, isNew }) => (
        <li key={name} data-permission={name}>
          {weighty ? <IconAlertTriangle size={20} className="weighty" aria-label="Think about this one" /> : <IconCheck size={20} aria-hidden="true" />}
          <span>{words}</span>
          {isNew && <StateBadge tone="caution">new</StateBadge>}
        </li>
      ))}
    </ul>
  );
}
