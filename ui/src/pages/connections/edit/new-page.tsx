import { Button, Loader } from "@mantine/core";
import {
  IconBroadcast,
  IconDeviceMobile,
  IconHistory,
  IconPlug,
  IconRefresh,
  IconRouter,
  IconSatellite,
  IconServer,
  IconShare,
  IconUsb,
  type Icon,
} from "@tabler/icons-react";
import { useState } from "react";
import { addProvider, fetchSerialPorts, type Provider } from "../../../api/connections";
import { EmptyState } from "../../../components/empty-state";
import { LoadState } from "../../../components/load-state";
import { notifyDone } from "../../../components/notify";
import { PageHeader } from "../../../components/page-header";
import { useRoute } from "../../../state/location";
import { useLoad } from "../../../state/use-load";
import { BackLink } from "../detail/details";
import { foundPorts, foundServers } from "../model/found";
import { newForm, type ConnectionForm } from "../model/form";
import { kindById, offeredKinds, type Kind, type KindId } from "../model/kinds";
import { freeName, presetById, presets } from "../model/presets";
import { listRoute, newRoute } from "../model/routes";
import type { Connections } from "../use-connections";
import { afterSaving } from "./after-saving";
import { ConnectionFormView } from "./connection-form";
import { useServerSearch } from "./use-server-search";

const ICONS: Record<KindId, Icon> = {
  serial: IconUsb,
  tcp: IconRouter,
  udp: IconBroadcast,
  signalk: IconServer,
  gpsd: IconSatellite,
  listener: IconDeviceMobile,
  recording: IconHistory,
  clients: IconShare,
  other: IconPlug,
};

/** Adding a connection: what do you have, then the few fields that matter. */
export function NewPage({ kindId, connections }: { kindId: string | undefined; connections: Connections }) {
  const kind = kindId === undefined ? undefined : kindById(kindId);
  return (
    <>
      <BackLink />
      <LoadState of={connections.providers}>
        {(providers) =>
          kind === undefined || kind.id === "other" ? (
            <Choose providers={providers} />
          ) : (
            <Fill kind={kind} providers={providers} connections={connections} />
          )
        }
      </LoadState>
    </>
  );
}

/** The first step: what was found, and what there may be besides. */
function Choose({ providers }: { providers: readonly Provider[] }) {
  const ports = useLoad(fetchSerialPorts);
  const { found, isSearching, search } = useServerSearch();
  const devices = ports.data === undefined ? [] : foundPorts(ports.data, providers);
  const servers = foundServers(found, providers);
  const isEmpty = devices.length === 0 && servers.length === 0;
  return (
    <>
      <PageHeader title="Add a connection" description="What do you want to connect?" />
      <section aria-labelledby="found-title">
        <h3 id="found-title" className="section-title">
          Found here {isSearching && <Loader size="xs" role="img" aria-label="Looking for servers on the network" />}
        </h3>
        {isEmpty && !isSearching && (
          <div className="page-card">
            <EmptyState
              title="Nothing was found by itself"
              text="No serial port has a device, and no other Signal K server announces itself. Gateways on the network don't announce themselves: choose below."
            />
          </div>
        )}
        <div className="choices">
          {devices.map(({ path, title, usedBy }) => (
            <Choice
              key={path}
              href={`${newRoute}/serial?device=${encodeURIComponent(path)}`}
              icon={IconUsb}
              title={title}
              text={usedBy === undefined ? path : `${path}, used by ${usedBy}`}
              testId={`found-${path}`}
            />
          ))}
          {servers.map(({ id, options }) => (
            <Choice
              key={`${id} ${options?.type ?? ""}`}
              href={`${newRoute}/signalk?host=${encodeURIComponent(String(options?.host))}&port=${String(options?.port)}&name=${encodeURIComponent(id)}${options?.type === "wss" ? "&secure" : ""}`}
              icon={IconServer}
              title={id}
              text={`Signal K server at ${String(options?.host)}, port ${String(options?.port)}`}
              testId={`found-${id}`}
            />
          ))}
        </div>
        <Button
          variant="subtle"
          mt="xs"
          leftSection={<IconRefresh size={18} aria-hidden="true" />}
          disabled={isSearching}
          onClick={() => {
            void ports.reload();
            search();
          }}
          data-testid="search-again"
        >
          Look again
        </Button>
      </section>
      <section aria-labelledby="kinds-title">
        <h3 id="kinds-title" className="section-title">
          What do you have?
        </h3>
        <div className="choices">
          {offeredKinds.map(({ id, title, text }) => (
            <Choice key={id} href={`${newRoute}/${id}`} icon={ICONS[id]} title={title} text={text} testId={`kind-${id}`} />
          ))}
        </div>
      </section>
    </>
  );
}

function Choice(props: { href: string; icon: Icon; title: string; text: string; testId: string }) {
  const { href, icon: Picture, title, text, testId } = props;
  return (
    <a href={`#${href}`} className="choice" data-testid={testId}>
      <Picture size={28} aria-hidden="true" />
      <span>
        <strong>{title}</strong>
        <span className="muted">{text}</span>
      </span>
    </a>
  );
}

/** The second step: the form, with what is known already filled in. */
function Fill({ kind, providers, connections }: { kind: Kind; providers: readonly Provider[]; connections: Connections }) {
  const query = new URLSearchParams(useRoute().split("?")[1] ?? "");
  const ports = useLoad(fetchSerialPorts);
  const [preset, setPreset] = useState<string>();
  const taken = providers.map(({ id }) => id);
  const offered = presets.filter((one) => one.kind === kind.id);
  const chosen = presetById(preset);
  const initial = start(kind, query, chosen?.values ?? {}, chosen === undefined || chosen.id === "generic" ? undefined : chosen.title, taken);
  return (
    <>
      <PageHeader title={kind.title} description={kind.text} />
      {offered.length > 1 && (
        <section aria-labelledby="presets-title" style={{ marginBottom: 16 }}>
          <h3 id="presets-title" className="section-title">
            Which gateway is it?
          </h3>
          <div className="presets">
            {offered.map(({ id, title }) => (
              <Button
                key={id}
                variant={id === preset ? "filled" : "default"}
                aria-pressed={id === preset}
                onClick={() => setPreset(id)}
                data-testid={`preset-${id}`}
              >
                {title}
              </Button>
            ))}
          </div>
          {chosen !== undefined && (
            <p className="muted" style={{ marginTop: 8 }} data-testid="preset-advice">
              {chosen.advice}
            </p>
          )}
        </section>
      )}
      <ConnectionFormView
        // Choosing another gateway fills the form anew.
        key={preset ?? ""}
        initial={initial}
        takenIds={taken}
        ports={ports.data === undefined ? [] : foundPorts(ports.data, providers)}
        saveLabel="Add this connection"
        onSave={async (provider) => {
          await addProvider(provider);
          notifyDone(`${provider.id} is added`);
          await afterSaving(provider.id, connections);
        }}
        cancelRoute={listRoute}
      />
    </>
  );
}

function start(kind: Kind, query: URLSearchParams, values: ConnectionForm["values"], title: string | undefined, taken: readonly string[]): ConnectionForm {
  const found: ConnectionForm["values"] = { ...values };
  for (const key of ["device", "host", "port"]) {
    const value = query.get(key);
    if (value !== null) found[key] = value;
  }
  if (query.has("secure")) found.secure = true;
  return newForm(kind, freeName(title ?? query.get("name") ?? kind.name, taken), found);
}


