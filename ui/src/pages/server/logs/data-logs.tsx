import { Button, Group } from "@mantine/core";
import { IconDownload, IconFileZip, IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { saveFile } from "../../../api/http";
import { fetchLogFiles, fetchLogsZip, logFileUrl } from "../../../api/server";
import { EmptyState } from "../../../components/empty-state";
import { LoadState } from "../../../components/load-state";
import { act } from "../../../components/notify";
import { useLoad } from "../../../state/use-load";
import { VirtualList } from "../../../components/virtual-list";

/** What connections with logging have received, an hour a file. */
export function DataLogs() {
  const files = useLoad(fetchLogFiles);
  const [busy, setBusy] = useState(false);
  const zip = async () => {
    setBusy(true);
    await act(
      async () => saveFile(await fetchLogsZip(), `sk-logs-${new Date().toISOString().slice(0, 10)}.zip`),
      "The logs are on their way to your downloads",
      "The logs could not be packed",
    );
    setBusy(false);
  };
  return (
    <section className="page-card" aria-labelledby="data-logs-title" data-testid="data-logs">
      <Group justify="space-between">
        <h3 id="data-logs-title">Recorded data</h3>
        <Group gap="xs">
          <Button variant="default" leftSection={<IconRefresh size={18} />} onClick={() => void files.reload()}>
            Look again
          </Button>
          <Button
            variant="default"
            leftSection={<IconFileZip size={18} />}
            loading={busy}
            disabled={(files.data ?? []).length === 0}
            onClick={() => void zip()}
            data-testid="zip-logs"
          >
            All as one ZIP
          </Button>
        </Group>
      </Group>
      <p className="muted">What the connections have received, word for word: one file an hour. It can be played back.</p>
      <LoadState of={files}>
        {(names) =>
          names.length === 0 ? (
            <EmptyState
              title="Nothing is recorded"
              text={
                <>
                  Switch on logging of a connection in <a href="#/connections">Connections</a> to record what it receives.
                </>
              }
            />
          ) : (
            <VirtualList
              items={[...names].reverse()}
              keyOf={(name) => name}
              render={(name) => (
                <div className="file-row">
                  <span>{name}</span>
                  <Button
                    component="a"
                    href={logFileUrl(name)}
                    download={name}
                    variant="subtle"
                    leftSection={<IconDownload size={18} />}
                    aria-label={`Download ${name}`}
                    data-testid={`download-${name}`}
                  >
                    Download
                  </Button>
                </div>
              )}
              label="Recorded data, the newest first"
              rowHeight={52}
              height={Math.min(names.length, 6) * 52 + 2}
            />
          )
        }
      </LoadState>
    </section>
  );
}
