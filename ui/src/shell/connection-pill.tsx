import { useLive, useStore, useTimed } from "../state/hooks";
import type { ConnectionState } from "../signalk/stream";
import { clockTime } from "../components/clock-time";

/** After this long without a connection it is called offline, ms. */
const OFFLINE_AFTER = 30_000;

export function ConnectionPill() {
  const live = useLive();
  const connection = useStore(live.connection);
  const state = useTimed((now) => displayedState(connection, now));
  const text = useTimed((now) => describe(connection, now));
  return (
    <div className="pill" data-testid="connection-state" data-state={state}>
      <span className="dot" aria-hidden="true" />
      <span>{text}</span>
    </div>
  );
}

type DisplayedState = "connecting" | "live" | "reconnecting" | "offline";

function displayedState(connection: ConnectionState, now: number): DisplayedState {
  if (connection.state === "live") return "live";
  const { offlineSince } = connection;
  return offlineSince !== undefined && now - offlineSince >= OFFLINE_AFTER ? "offline" : connection.state;
}

function describe(connection: ConnectionState, now: number): string {
  if (connection.state === "live") return "Live";
  const wait = connection.state === "connecting" ? undefined : Math.max(0, Math.ceil((connection.retryAt - now) / 1000));
  if (displayedState(connection, now) === "offline" && connection.offlineSince !== undefined) {
    const next = wait === undefined ? "connecting…" : `retry in ${wait} s`;
    return `Offline since ${clockTime(connection.offlineSince)}, ${next}`;
  }
  return wait === undefined ? "Connecting…" : `Reconnecting in ${wait} s`;
}
