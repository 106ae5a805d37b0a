import { useEffect } from "react";
import { asString } from "../signalk/frames";
import { useDashboard, useStore } from "../state/hooks";
import { ConnectionPill } from "./connection-pill";

export function Header() {
  const dashboard = useDashboard();
  const { hello, discovery, vessel, login } = useStore(dashboard.server);
  const { byPath } = useStore(dashboard.vessel);
  const name = asString(byPath.get("name")?.latest.value) ?? vessel?.name;
  const id = hello?.self.replace(/^vessels\./, "");
  useEffect(() => {
    document.title = name === undefined ? "Windlass" : `${name} · Windlass`;
  }, [name]);
  // The version on the wire is the Signal K server version that clients may rely on, not the program's own.
  const product = discovery?.serverId ?? hello?.name;
  const protocol = discovery?.serverVersion ?? hello?.version;
  const server = [product, protocol === undefined ? undefined : `serves Signal K ${protocol}`]
    .filter((part) => part !== undefined)
    .join(", ");
  return (
    <header className="top">
      <Mark />
      <div className="identity">
        <h1 data-testid="vessel-name">{name ?? (id === undefined ? "Windlass" : "Unnamed vessel")}</h1>
        <p className="muted">
          {id !== undefined && <span data-testid="vessel-id">{shortId(id)}</span>}
          {server !== "" && <span data-testid="server-version">{server}</span>}
          {login?.username !== undefined && (
            <span>
              signed in as <a href="/access">{login.username}</a>
            </span>
          )}
        </p>
      </div>
      <ConnectionPill />
    </header>
  );
}

/** "MMSI 230099999" or the bare UUID: the part of the URN a person recognises. */
function shortId(id: string): string {
  return id.replace(/^urn:mrn:imo:mmsi:/, "MMSI ").replace(/^urn:mrn:signalk:uuid:/, "");
}

function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M16 10.8V26M11 14.5h10M6.5 18.5c.6 4.6 4.5 7.5 9.5 7.5s8.9-2.9 9.5-7.5" />
      <circle cx="16" cy="8.2" r="2.6" />
    </svg>
  );
}
