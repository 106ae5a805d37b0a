import { Stack } from "@mantine/core";
import { DataLogs } from "./data-logs";
import { LogView } from "./log-view";
import { Verbosity } from "./verbosity";

/** What the server says, how much of it, and the logs of received data. */
export default function LogsPanel() {
  return (
    <Stack gap="lg" data-testid="logs">
      <LogView />
      <Verbosity />
      <DataLogs />
    </Stack>
  );
}
