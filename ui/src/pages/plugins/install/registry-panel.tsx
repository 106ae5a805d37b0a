import { Alert, Button, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconRefresh, IconSearch } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState } from "react";
import { installPackage, type Install, type Store, type StoreEntry } from "../../../api/packages";
import { EmptyState } from "../../../components/empty-state";
import { LoadState } from "../../../components/load-state";
import { notifyProblem } from "../../../components/notify";
import { StateBadge } from "../../../components/state-badge";
import { VirtualList } from "../../../components/virtual-list";
import type { Loaded } from "../../../state/use-load";
import { offers } from "./offers";
import { isOver } from "./use-installs";

interface RegistryPanelProps {
  store: Loaded<Store>;
  installs: readonly Install[];
  /** An installation was asked for. */
  onAsked: () => void;
  /** The registry is to be asked anew. */
  onAgain: () => void;
}

/** What the registry has, by search; what can be updated comes first. */
export function RegistryPanel({ store, installs, onAsked, onAgain }: RegistryPanelProps) {
  const [search, setSearch] = useState("");
  const words = useDeferredValue(search);
  const found = useMemo(() => (store.data === undefined ? [] : offers(store.data, words)), [store.data, words]);
  const again = (
    <Button variant="default" leftSection={<IconRefresh size={18} aria-hidden="true" />} onClick={onAgain} loading={store.loading}>
      Ask again
    </Button>
  );
  return (
    <LoadState of={store} what="What the registry has">
      {({ storeAvailable, storeProblem }) =>
        !storeAvailable && found.length === 0 ? (
          <Alert color="yellow" icon={<IconAlertTriangle aria-hidden="true" />} title="The npm registry can't be reached" className="no-registry" data-testid="no-registry">
            <p>{storeProblem ?? "This server has no access to it. Without the internet, install from a file."}</p>
            {again}
          </Alert>
        ) : (
          <>
            <TextInput
              label="Search the registry"
              type="search"
              leftSection={<IconSearch size={18} aria-hidden="true" />}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
              mb="sm"
              data-testid="registry-search"
            />
            {found.length === 0 ? (
              <EmptyState title="Nothing of that kind" text="Search for fewer or other words." />
            ) : (
              <VirtualList
                items={found}
                keyOf={({ name }) => name}
                render={(entry) => <Offer entry={entry} busy={installs.some((one) => one.name === entry.name && !isOver(one))} onAsked={onAsked} />}
                label="Packages in the registry"
                rowHeight={96}
                height="min(45vh, 420px)"
                testId="registry"
              />
            )}
          </>
        )
      }
    </LoadState>
  );
}

function Offer({ entry, busy, onAsked }: { entry: StoreEntry; busy: boolean; onAsked: () => void }) {
  const [asking, setAsking] = useState(false);
  const { name, version, description, author, installedVersion, isPlugin, newVersion } = entry;
  const install = async () => {
    setAsking(true);
    try {
      await installPackage(name, version);
      onAsked();
    } catch (error) {
      notifyProblem(`${name} is not installed`, error);
    } finally {
      setAsking(false);
    }
  };
  const label = newVersion !== undefined ? `Update to ${newVersion}` : "Install";
  return (
    <div className="offer" data-testid={`offer-${name}`}>
      <div>
        <p>
          <strong>{name}</strong> <span className="muted">{installedVersion ?? version}</span> {!isPlugin && <StateBadge tone="plain">web app</StateBadge>}
        </p>
        <p className="muted">{[description, author].filter((text) => text !== "").join(" – ")}</p>
      </div>
      {installedVersion !== undefined && newVersion === undefined ? (
        <StateBadge tone="good">installed</StateBadge>
      ) : (
        <Button onClick={() => void install()} loading={asking || busy} aria-label={`${label}: ${name}`} data-testid={`get-${name}`}>
          {label}
        </Button>
      )}
    </div>
  );
}
