import { Button, Group, SegmentedControl, Stack, Switch, TagsInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { fetchDebugKeys, fetchLogLevel, logLevels, setDebug, setLogLevel, setRememberDebug, type LogLevel } from "../../../api/server";
import { LoadState } from "../../../components/load-state";
import { act } from "../../../components/notify";
import { useServerEvent } from "../../../state/hooks";
import { useLoad } from "../../../state/use-load";
import { patternsOf } from "./filter";

const words: Readonly<Record<LogLevel, string>> = { error: "Errors", warn: "Warnings", info: "News", debug: "Details" };
const meanings: Readonly<Record<LogLevel, string>> = {
  error: "Only what does not work.",
  warn: "What does not work, and what may soon not.",
  info: "The usual: also what starts, connects and ends.",
  debug: "Everything the server can say of itself. Much; switch back when the fault is found.",
};

/** How much the server logs. */
export function Verbosity() {
  const level = useLoad(fetchLogLevel);
  return (
    <section className="page-card" aria-labelledby="verbosity-title">
      <h3 id="verbosity-title">How much is logged</h3>
      <Stack gap="sm" mt="sm">
        <LoadState of={level}>
          {(current) => (
            <div>
              <SegmentedControl
                aria-label="Level of the log"
                fullWidth
                maw={480}
                data={logLevels.map((value) => ({ value, label: words[value] }))}
                value={current}
                onChange={(next) => {
                  const chosen = next as LogLevel;
                  void act(() => setLogLevel(chosen), `Logged is now: ${words[chosen].toLowerCase()}`, "The level could not be changed").then(
                    (done) => (done ? level.setData(chosen) : undefined),
                  );
                }}
                data-testid="log-level"
              />
              <p className="muted">{meanings[current]} Holds at once, until the server restarts.</p>
            </div>
          )}
        </LoadState>
        <DebugKeys />
      </Stack>
    </section>
  );
}

interface DebugSettings {
  debugEnabled?: string;
  rememberDebug?: boolean;
}

function DebugKeys() {
  const keys = useLoad(fetchDebugKeys);
  const settings = useServerEvent<DebugSettings>("DEBUG_SETTINGS");
  const inForce = settings?.debugEnabled ?? "";
  const [patterns, setPatterns] = useState<string[]>(() => patternsOf(inForce));
  useEffect(() => setPatterns(patternsOf(inForce)), [inForce]);
  const isChanged = patterns.join() !== patternsOf(inForce).join();
  const remember = settings?.rememberDebug === true;
  return (
    <>
      <Group align="flex-end" gap="sm">
        <TagsInput
          label="Details of these parts only"
          description="Choose from the list, or type a name; * at the end stands for all that begin so"
          data={keys.data ?? []}
          value={patterns}
          onChange={(next) => setPatterns(patternsOf(next.join()))}
          size="md"
          flex="1 1 280px"
          clearable
          clearButtonProps={{ "aria-label": "None" }}
          data-testid="debug-keys"
        />
        <Button
          onClick={() => void act(() => setDebug(patterns.join()), "Done", "The parts could not be changed")}
          disabled={!isChanged}
          data-testid="debug-apply"
        >
          Apply
        </Button>
      </Group>
      <Switch
        label="Keep these parts after a restart"
        checked={remember}
        onChange={(event) => {
          const next = event.currentTarget.checked;
          void act(() => setRememberDebug(next), next ? "They are kept" : "They are not kept", "This could not be changed");
        }}
        data-testid="debug-remember"
      />
    </>
  );
}
