import { Group, Select, Switch } from "@mantine/core";
import { useMemo, useState } from "react";
import { savePluginConfig, type PluginDetails, type PluginLogLine } from "../../../api/plugins";
import { clockTime } from "../../../components/clock-time";
import { EmptyState } from "../../../components/empty-state";
import { Loading } from "../../../components/load-state";
import { act } from "../../../components/notify";
import { VirtualList } from "../../../components/virtual-list";
import { atLeast, levelLabels, levels, type Level } from "../model/log";
import { usePluginLog } from "./use-plugin-log";

/** What it writes and what the server writes about it, live. */
export function LogTab({ plugin, onChanged }: { plugin: PluginDetails; onChanged: () => Promise<void> }) {
  const { log, loaded, problem } = usePluginLog(plugin.id);
  const [level, setLevel] = useState<Level>("debug");
  const [follow, setFollow] = useState(true);
  const visible = useMemo(() => atLeast(log.lines, level), [log, level]);
  const debug = plugin.data.enableDebug === true;
  const setDebug = async (enableDebug: boolean) => {
    const done = enableDebug ? "It writes debug lines now" : "It writes no debug lines any more";
    await act(() => savePluginConfig(plugin.id, { ...plugin.data, enableDebug }), done, "This could not be saved");
    await onChanged();
  };
  return (
    <section aria-label={`Log of ${plugin.name}`}>
      <Group gap="lg" mb="sm" align="flex-end">
        <Select
          label="Show"
          data={levels.map((value) => ({ value, label: levelLabels[value] }))}
          value={level}
          onChange={(value) => value !== null && setLevel(value as Level)}
          allowDeselect={false}
          w={220}
          data-testid="log-level"
        />
        <Switch label="Follow" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} data-testid="log-follow" />
        <Switch
          label="Debug lines"
          description="Restarts it"
          checked={debug}
          onChange={(event) => void setDebug(event.currentTarget.checked)}
          data-testid="log-debug"
        />
      </Group>
      {problem !== undefined && (
        <p className="bad" role="alert">
          {problem}
        </p>
      )}
      {!loaded ? (
        <Loading what="The log" />
      ) : visible.length === 0 ? (
        <EmptyState
          title={log.lines.length === 0 ? "Nothing logged yet" : "No line is that serious"}
          text={log.lines.length === 0 ? "Lines appear here as they are written." : "Show more to see what there is."}
        />
      ) : (
        <VirtualList
          key={follow ? "follow" : "still"}
          items={visible}
          keyOf={({ seq }) => seq}
          render={(line) => <Line line={line} />}
          label={`Log of ${plugin.name}`}
          rowHeight={30}
          height="min(55vh, 520px)"
          follow={follow}
          testId="plugin-log"
        />
      )}
      {log.missed > 0 && <p className="muted">{log.missed} older lines are gone.</p>}
    </section>
  );
}

function Line({ line }: { line: PluginLogLine }) {
  return (
    <div className="plugin-log-line" data-level={line.level}>
      <span className="muted number">{clockTime(Date.parse(line.time))}</span>
      <span className="plugin-log-level">{line.level}</span>
      <span className="plugin-log-text">{line.text}</span>
    </div>
  );
}
