import { useDashboard, useStore } from "../state/hooks";
import { clockTime } from "./clock-time";

/** What stands between the person and live data, and what to do about it. */
export function Banners() {
  const dashboard = useDashboard();
  const connection = useStore(dashboard.connection);
  const { hello, login } = useStore(dashboard.server);
  const error = useStore(dashboard.streamError);
  const hasData = useStore(dashboard.vessel).rows.length > 0;

  const mustSignIn = login?.authenticationRequired === true && !login.loggedIn && !login.readOnlyAccess;
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
            <strong>This server shows its data to signed-in users only.</strong> Sign in through one of its web apps in
            this browser and reload this page, or allow reading without an account in the security settings.
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
