import { Modal, Tabs } from "@mantine/core";
import { useCallback, useState } from "react";
import { fetchStore, refreshStore } from "../../../api/packages";
import { useLoad } from "../../../state/use-load";
import type { From } from "../routes";
import { FilePanel } from "./file-panel";
import { InstallProgress } from "./install-progress";
import { RegistryPanel } from "./registry-panel";
import { useInstalls } from "./use-installs";

interface InstallDialogProps {
  /** With what it opens; undefined while it is closed. */
  from: From | undefined;
  onClose: () => void;
  /** Something was installed. */
  onChanged: () => void;
}

/** Installs plugins and web apps: from a file, or from the npm registry. */
export function InstallDialog({ from, onClose, onChanged }: InstallDialogProps) {
  return (
    <Modal opened={from !== undefined} onClose={onClose} title="Install plugins" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Content from={from ?? "file"} onChanged={onChanged} />
    </Modal>
  );
}

function Content({ from, onChanged }: { from: From; onChanged: () => void }) {
  const [revision, setRevision] = useState(0);
  const store = useLoad(revision === 0 ? fetchStore : refreshStore, String(revision));
  const { reload: reloadStore } = store;
  const done = useCallback(() => {
    onChanged();
    void reloadStore();
  }, [onChanged, reloadStore]);
  const installs = useInstalls(true, done);
  const { reload } = installs;
  const updates = store.data?.updates.length ?? 0;
  return (
    <div data-testid="install-dialog">
      <Tabs defaultValue={from}>
        <Tabs.List>
          <Tabs.Tab value="file" data-testid="from-file">
            From a file
          </Tabs.Tab>
          <Tabs.Tab value="registry" data-testid="from-registry">
            {updates > 0 ? `From the npm registry (${updates} to update)` : "From the npm registry"}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="file" pt="md">
          <FilePanel onSent={() => void reload()} />
        </Tabs.Panel>
        <Tabs.Panel value="registry" pt="md">
          <RegistryPanel store={store} installs={installs.data ?? []} onAsked={() => void reload()} onAgain={() => setRevision((count) => count + 1)} />
        </Tabs.Panel>
      </Tabs>
      <InstallProgress installs={installs.data ?? []} />
    </div>
  );
}
