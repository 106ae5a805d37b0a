import { Button, Group, Select, TextInput } from "@mantine/core";
import { IconDownload, IconPlayerPause, IconPlayerPlay, IconTrash } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState } from "react";
import { saveFile } from "../../../api/http";
import { EmptyState } from "../../../components/empty-state";
import { VirtualList } from "../../../components/virtual-list";
import { useLive, useLogs } from "../../../state/hooks";
import type { LogLine } from "../../../state/logs";
import { filterLines, levelLabels, levels, logName, logText, type Shown } from "./filter";

/** The server's log as it is written. */
export function LogView() {
  const { logs } = useLive();
  const lines = useLogs();
  const [shown, setShown] = useState<Shown>("all");
  const [search, setSearch] = useState("");
  const [held, setHeld] = useState<readonly LogLine[]>();
  const words = useDeferredValue(search);
  const source = held ?? lines;
  const visible = useMemo(() => filterLines(source, shown, words), [source, shown, words]);
  const missed = held === undefined ? 0 : (lines.at(-1)?.number ?? 0) - (held.at(-1)?.number ?? 0);
  const download = () => saveFile(new Blob([logText(visible)], { type: "text/plain" }), logName(new Date()));
  const clear = () => {
    setHeld(undefined);
    logs.clear();
  };
  return (
    <section aria-labelledby="log-title">
      <h3 id="log-title">Server log</h3>
      <Group gap="sm" my="sm" align="flex-end">
        <Select
          label="Show"
          data={levels.map((level) => ({ value: level, label: levelLabels[level] }))}
          value={shown}
          onChange={(level) => level !== null && setShown(level as Shown)}
          w={220}
          data-testid="log-filter"
        />
        <TextInput
          label="Search"
          type="search"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          flex="1 1 180px"
          data-testid="log-search"
        />
        <Button
          variant={held === undefined ? "default" : "filled"}
          leftSection={held === undefined ? <IconPlayerPause size={18} /> : <IconPlayerPlay size={18} />}
          onClick={() => setHeld(held === undefined ? lines : undefined)}
          data-testid="log-pause"
        >
          {held === undefined ? "Pause" : `Go on${missed > 0 ? ` (${missed} new)` : ""}`}
        </Button>
        <Button variant="default" leftSection={<IconDownload size={18} />} onClick={download} disabled={visible.length === 0} data-testid="log-download">
          Download
        </Button>
        <Button variant="default" leftSection={<IconTrash size={18} />} onClick={clear} disabled={lines.length === 0}>
          Clear here
        </Button>
      </Group>
      {visible.length === 0 ? (
        <EmptyState
          title={lines.length === 0 ? "Nothing logged yet" : "No line fits"}
          text={lines.length === 0 ? "Lines appear here as the server writes them." : "Search for less, or show more levels."}
        />
      ) : (
        <VirtualList
          items={visible}
          keyOf={(line) => line.number}
          render={(line) => (
            <div className="log-line" data-level={line.isError ? "ERROR" : line.level}>
              <span className="muted">{line.time}</span> {line.text}
            </div>
          )}
          label="Log of the server"
          rowHeight={27}
          height="min(50vh, 480px)"
          follow={held === undefined}
          testId="log"
        />
      )}
      <p className="muted" data-testid="log-count">
        {visible.length} of {source.length} lines.{logs.dropped > 0 && ` ${logs.dropped} older ones made room.`} The page keeps 5000.
      </p>
    </section>
  );
}
