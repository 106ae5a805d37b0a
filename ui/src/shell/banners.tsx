import { useState } from "react";
import { Button, CloseButton } from "@mantine/core";
import { useLive, useStore } from "../state/hooks";
import { clockTime } from "../components/clock-time";
import { openLogin } from "../state/login-request";

/** What stands between the person and live data, and what to do about it. */
export function Banners() {
  const live = useLive();
  const connection = useStore(live.connection);
  const { hello, login } = useStore(live.server);
  const error = useStore(live.streamError);
  const hasData = useStore(live.vessel).rows.length > 0;

  const [isNoted, setNoted] = useState(false);
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
            <Button variant="default" onClick={live.retryNow} disabled={connection.state === "connecting"}>
              Retry now
            </Button>
          </div>
        )}
      </div>
      {mustSignIn && (
        <div className="banner" data-kind="note">
          <p>
            <strong>This server shows its data to signed-in users only.</strong> Sign in, or let an administrator allow
            reading without an account.
          </p>
          <Button onClick={() => openLogin()}>Sign in</Button>
        </div>
      )}
      {isUnclaimed && (
        <div className="banner" data-kind="note" data-testid="unclaimed-banner">
          <p>
            <strong>Nobody owns this server yet.</strong> Everybody may read, nobody may change anything.{" "}
            <a href="#/security">Claim it</a> with the code that it shows on its console.
          </p>
        </div>
      )}
      {isOpen && !isNoted && (
        <div className="banner" data-kind="note" data-testid="open-banner">
          <p>
            <strong>Security is off.</strong> Everybody who reaches this server may read and change everything.{" "}
            <a href="#/security">What to do</a>
          </p>
          <CloseButton aria-label="Hide this until the page is loaded again" onClick={() => setNoted(true)} />
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
