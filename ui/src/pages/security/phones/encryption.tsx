import { Accordion, Alert, Anchor, Button, Group, Stack } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { ApiError, getText, saveFile } from "../../../api/http";
import { fetchSettings, saveSettings } from "../../../api/server";
import { ConfirmButton } from "../../../components/confirm-button";
import { LoadState } from "../../../components/load-state";
import { StateBadge } from "../../../components/state-badge";
import { useLoad } from "../../../state/use-load";
import { newAddress } from "../../server/settings/outcome";
import { isLocalOnly, rootAddress } from "./addresses";
import { QrCode } from "./qr-code";

interface State {
  isOn: boolean;
  port: number | undefined;
  tlsPort: number | undefined;
}

async function load(): Promise<State> {
  const settings = await fetchSettings();
  return { isOn: settings.options.ssl === true, port: settings.port, tlsPort: settings.sslport };
}

/** The root certificate of the boat's own authority; undefined where there is none. */
async function fetchRoot(): Promise<string | undefined> {
  try {
    return await getText("/windlass/ca.pem", { quiet: true });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Whether connections are encrypted, the switch, and what each phone needs once. */
export function Encryption() {
  const state = useLoad(load);
  const [moved, setMoved] = useState<string>();
  const isEncrypted = window.location.protocol === "https:";
  const change = async (ssl: boolean) => {
    const address = newAddress(await saveSettings({ options: { ssl } }), window.location);
    setMoved(address);
    // Who has moved can't be asked from here any more.
    if (address === undefined) await state.reload();
    else if (state.data !== undefined) state.setData({ ...state.data, isOn: ssl });
  };
  return (
    <section className="page-card" aria-labelledby="tls-title" data-testid="encryption" data-state={isEncrypted ? "on" : "off"}>
      <Group justify="space-between">
        <h3 id="tls-title">Encryption</h3>
        <StateBadge tone={isEncrypted ? "good" : "plain"}>{isEncrypted ? "This page is encrypted" : "This page is not encrypted"}</StateBadge>
      </Group>
      <LoadState of={state}>
        {({ isOn, port, tlsPort }) => (
          <Stack gap="sm" mt="sm">
            <p>
              {isOn
                ? `Encryption is on: pages are at https, port ${tlsPort ?? 3443}. The other port leads there.`
                : "Encryption is off: whoever is on the boat's Wi-Fi can read passwords on their way. That is fine on a network that only you use."}
            </p>
            {moved !== undefined ? (
              <Alert color="yellow" title="Saved. This page is at another address now" data-testid="tls-moved">
                <p>
                  <Anchor href={moved}>{moved}</Anchor>
                </p>
                {isOn && <p>The browser warns until the device has the certificate of the boat; this page says there how to get it.</p>}
              </Alert>
            ) : (
              <Group>
                <ConfirmButton
                  title={isOn ? "Switch encryption off?" : "Switch encryption on?"}
                  text={
                    isOn
                      ? "From then on everything goes over the network in plain text, and everybody has to sign in again."
                      : "The boat becomes its own certificate authority. Every phone, display and app has to use the new address, and trust the boat's certificate once. Instruments that read NMEA or Signal K over TCP notice nothing. Older displays that know no encryption can't connect any more; those that are connected may stay for an hour."
                  }
                  confirmLabel={isOn ? "Switch off" : "Switch on"}
                  onConfirm={() => change(!isOn)}
                  {...(isOn ? {} : { variant: "default" })}
                  testId="tls-switch"
                >
                  {isOn ? "Switch off" : "Switch on"}
                </ConfirmButton>
              </Group>
            )}
            {isOn && moved === undefined && <Root plainPort={port} />}
          </Stack>
        )}
      </LoadState>
    </section>
  );
}

function Root({ plainPort }: { plainPort: number | undefined }) {
  const root = useLoad(fetchRoot);
  const address = rootAddress(window.location, plainPort);
  return (
    <LoadState of={root}>
      {(pem) =>
        pem === undefined ? (
          <p className="muted">The server uses a certificate of yours: devices that trust it need nothing. (The boat&apos;s own is used from the next start on, if you have none.)</p>
        ) : (
          <div data-testid="root-certificate">
            <h4>Once for each phone and computer</h4>
            <div className="with-code">
              {!isLocalOnly(window.location.hostname) && <QrCode text={address} label={`Address of the boat's certificate: ${address}`} />}
              <Stack gap="sm" flex="1 1 260px">
                <p>
                  The boat&apos;s certificate tells a device that it talks to your boat. Point its camera at the code, or open <code>{address}</code>, and
                  follow the steps.
                </p>
                <Button
                  variant="default"
                  leftSection={<IconDownload size={18} />}
                  onClick={() => saveFile(new Blob([pem], { type: "application/x-x509-ca-cert" }), "boat-ca.pem")}
                  data-testid="download-root"
                >
                  Download it here
                </Button>
              </Stack>
            </div>
            <Steps />
          </div>
        )
      }
    </LoadState>
  );
}

const steps: readonly { device: string; todo: readonly string[] }[] = [
  {
    device: "iPhone and iPad",
    todo: [
      "Open the address in Safari and allow the download of the profile.",
      "Settings, “Profile downloaded”: install it.",
      "Settings, General, About, Certificate trust settings: switch the boat's certificate on.",
    ],
  },
  {
    device: "Android",
    todo: [
      "Open the address; the file is in the downloads then.",
      "Settings, search for “CA certificate”, and choose it: Install anyway.",
      "Choose the file. The phone says that the network may be monitored; it means this certificate.",
    ],
  },
  {
    device: "Windows",
    todo: [
      "Download the file and rename it so that it ends with .crt, then open it.",
      "Install certificate, Current user, Place all certificates in: Trusted root certification authorities.",
      "Start the browser anew. Firefox: Settings, Certificates, Authorities, Import.",
    ],
  },
  {
    device: "Mac",
    todo: ["Download the file and open it: it goes to the keychain.", "In Keychain Access open it, Trust: Always trust.", "Start the browser anew."],
  },
  {
    device: "Linux",
    todo: [
      "Firefox: Settings, Certificates, Authorities, Import.",
      "Chromium: chrome://certificate-manager, Custom, Trusted certificates, Import.",
    ],
  },
];

function Steps() {
  return (
    <Accordion variant="separated" mt="sm">
      {steps.map(({ device, todo }) => (
        <Accordion.Item key={device} value={device}>
          <Accordion.Control>{device}</Accordion.Control>
          <Accordion.Panel>
            <ol className="steps">
              {todo.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}
