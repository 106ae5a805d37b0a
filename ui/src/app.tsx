import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { Shell } from "./shell/shell";
import { LiveContext, useStore } from "./state/hooks";
import type { Live } from "./state/live";
import { displayMode, schemeOf } from "./theme/display";
import { theme } from "./theme/theme";

/** The whole of it, on a connection that is already started. */
export function App({ live }: { live: Live }) {
  const mode = useStore(displayMode);
  return (
    <MantineProvider theme={theme} forceColorScheme={schemeOf(mode)}>
      <LiveContext value={live}>
        <Notifications position="top-right" />
        <Shell />
      </LiveContext>
    </MantineProvider>
  );
}
