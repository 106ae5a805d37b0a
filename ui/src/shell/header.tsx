import { useEffect, type ReactNode } from "react";
import { asString } from "../signalk/frames";
import { useLive, useStore } from "../state/hooks";
import { useRoute } from "../state/location";
import { AlarmBell } from "./alarms";
import { ConnectionPill } from "./connection-pill";
import { pageOf } from "./pages";
import { ThemeSwitch } from "./theme-switch";
import { UserMenu } from "./user-menu";

/** Whose data this is, whether it is live, and what can be switched from every page. */
export function Header({ children }: { children?: ReactNode }) {
  const live = useLive();
  const location = useRoute();
  const { hello, discovery, vessel } = useStore(live.server);
  const { byPath } = useStore(live.vessel);
  const name = asString(byPath.get("name")?.latest.value) ?? vessel?.name;
  const id = hello?.self.replace(/^vessels\./, "");
  const page = pageOf(location)?.title;
  useEffect(() => {
    document.title = [page, name ?? "Windlass"].filter((part) => part !== undefined).join(" · ");
  }, [page, name]);
  // The version on the wire is the Signal K server version that clients may rely on, not the program's own.
  const product = discovery?.serverId ?? hello?.name;
  const protocol = discovery?.serverVersion ?? hello?.version;
  const server = [product, protocol === undefined ? undefined : `serves Signal K ${protocol}`]
    .filter((part) => part !== undefined)
    .join(", ");
  return (
    <div className="top">
      <Mark />
      <div className="identity">
        <h1 data-testid="vessel-name">{name ?? (id === undefined ? "Windlass" : "Unnamed vessel")}</h1>
        <p>
          {id !== undefined && <span data-testid="vessel-id">{shortId(id)}</span>}
          {server !== "" && <span data-testid="server-version">{server}</span>}
        </p>
      </div>
      <ConnectionPill />
      <AlarmBell />
      <ThemeSwitch />
      {children}
      <UserMenu />
    </div>
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
