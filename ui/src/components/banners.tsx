import { useDashboard, useStore } from "../state/hooks";
import { clockTime } from "./clock-time";

/** What stands between the person and live data, and what to do about it. */
export function Banners() {
  const dashboard = useDashboard();
  const connection = useStore(dashboard.connection);
  const { hello, login } = useStore(dashboard.server);
  const error = useStore(dashboard.streamError);
  const hasData = useStore(dashboard.vessel).rows.length > 0;

  const isOpen = login !== undefined && !login.authenticationRequired;
  const isUnclaimed = login?.authenticationRequired === true && login.unclaimed;
  const mustSignIn =
    login?.authenticationRequired === true && !login.unclaimed && !login.loggedIn && !login.readOnlyAccess;
  const offlineSince = connection.state === "live" ? undefined : connection.offlineSince;
  return (
    <>
      <div role="status">
        {offlineSince !== undefined && (
          <div className="banner" data-kind="lost" data-testid="stale-banner">
            <p>
              <strong>{hello === undefined ? "The server does not answer." : "Connection to the server lost."}</strong>{" "}
              {hasData
                ? `All values below are the last known from ${clockTime(offlineSince)} and are not being updated.`
                : "Check that it is running and that this device is on the boat's network."}
            </p>
            <button type="button" onClick={dashboard.retryNow} disabled={connection.state === "connecting"}>
              Retry now
            </button>
          </div>
        )}
      </div>
      {mustSignIn && (
        <div className="banner" data-kind="note">
          <p>
            <strong>This server shows its data to signed-in users only.</strong> <a href="/access">Sign in</a>, or allow
            reading without an account in the security settings.
          </p>
        </div>
      )}
      {isUnclaimed && (
        <div className="banner" data-kind="note" data-testid="unclaimed-banner">
          <p>
            <strong>Nobody owns this server yet.</strong> Everybody may read, nobody may change anything.{" "}
            <a href="/access">Claim it</a> with the code that it shows on its console.
          </p>
        </div>
      )}
      {isOpen && (
        <div className="banner" data-kind="note" data-testid="open-banner">
          <p>
            <strong>Security is off.</strong> Everybody who reaches this server may read and change everything.
          </p>
        </div>
      )}
      {error !== undefined && (
        <div className="banner" data-kind="note">
          <p>
            <strong>The server reported a problem:</strong> {error}
          </p>
        </div>
      )}
    </>
  );
}
