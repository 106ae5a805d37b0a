import { Button, Group, Stack, Switch } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { saveFile } from "../../../api/http";
import { fetchBackup } from "../../../api/server";
import { act } from "../../../components/notify";
import { RestartButton, ShutdownButton } from "./power";
import { Restore } from "./restore";
import { backupName } from "./restoring";

/** Everything of this server in one file, and back; the end of the server and its new beginning. */
export default function BackupPanel() {
  return (
    <Stack gap="md" data-testid="backup">
      <Backup />
      <Restore />
      <section className="page-card" aria-labelledby="power-title">
        <h3 id="power-title">Restart and shutdown</h3>
        <p className="muted">A restart takes some seconds; this page comes back by itself.</p>
        <Group mt="sm">
          <RestartButton />
          <ShutdownButton />
        </Group>
      </section>
    </Stack>
  );
}

function Backup() {
  const [withPlugins, setWithPlugins] = useState(false);
  const [busy, setBusy] = useState(false);
  const download = async () => {
    setBusy(true);
    await act(
      async () => saveFile(await fetchBackup(withPlugins), backupName(new Date())),
      "The backup is in your downloads",
      "The backup could not be made",
    );
    setBusy(false);
  };
  return (
    <section className="page-card" aria-labelledby="backup-title">
      <h3 id="backup-title">Backup</h3>
      <p className="muted">
        Settings, connections, users, dashboards, and what plugins keep, in one file. It has the keys of this server in it: keep it where only you
        can read it.
      </p>
      <Switch
        my="sm"
        label="With plugins and web apps themselves"
        description="Larger. Without them it has the list of them, and those that came as files; the others are fetched again when it is restored"
        checked={withPlugins}
        onChange={(event) => setWithPlugins(event.currentTarget.checked)}
      />
      <Button leftSection={<IconDownload size={18} />} loading={busy} onClick={() => void download()} data-testid="download-backup">
        Download a backup
      </Button>
    </section>
  );
}
