import { Alert, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { CopyButton } from "../../../components/copy-button";
import { useIsAdmin } from "../../../state/hooks";
import { isLocalOnly, pageAddress, typedAddress } from "./addresses";
import { Encryption } from "./encryption";
import { QrCode } from "./qr-code";

/** How phones get here, and whether what they say can be listened to. */
export default function PhonesPanel() {
  const isAdmin = useIsAdmin();
  const [typed, setTyped] = useState(() => pageAddress(window.location));
  const address = typedAddress(typed);
  const isLocal = address !== undefined && isLocalOnly(new URL(address).hostname);
  return (
    <Stack gap="md" data-testid="phones">
      <section className="page-card" aria-labelledby="open-title">
        <h3 id="open-title">Open the dashboard on a phone</h3>
        <div className="with-code">
          {address !== undefined && !isLocal && <QrCode text={address} label={`Address of the dashboard: ${address}`} />}
          <Stack gap="sm" flex="1 1 260px">
            <p>
              Connect the phone to the boat&apos;s Wi-Fi, then point its camera at the code. In the browser&apos;s menu choose “Add to home screen” to
              have it like an app.
            </p>
            <TextInput
              label="Address"
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              error={address === undefined ? "Write it like http://boat.local:3000" : undefined}
              rightSection={<CopyButton text={address ?? typed} label="Copy the address" />}
              rightSectionWidth={48}
              autoCapitalize="none"
              spellCheck={false}
              data-testid="phone-address"
            />
            {isLocal && (
              <Alert color="yellow" title="This address works on this computer only" data-testid="local-only">
                Write the server&apos;s name or address on the boat&apos;s network instead of {new URL(address).hostname}, such as
                http://{"<name>"}.local:{window.location.port || "3000"}. Its name is what the command hostname says there.
              </Alert>
            )}
          </Stack>
        </div>
      </section>
      {isAdmin && <Encryption />}
    </Stack>
  );
}
