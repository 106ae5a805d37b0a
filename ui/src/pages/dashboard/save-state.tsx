import { Alert, Button, Group } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { DashboardStore, Kept } from "./documents";

/** Whether the last changes are kept, and what can be done when not. Nothing is said about what is as it should be. */
export function SaveState({ kept, store, verbose = false }: { kept: Kept; store: DashboardStore; verbose?: boolean }) {
  const { saving, problem, origin } = kept;
  if (saving === "conflict") {
    return (
      <Alert color="yellow" icon={<IconAlertTriangle aria-hidden="true" />} title="Changed somewhere else too" data-testid="save-state" data-state={saving} className="save-problem">
        <p>This dashboard was changed on another device while you edit it here. Nothing more is saved until you choose: which one is to stay?</p>
        <Group mt="sm">
          <Button onClick={() => void store.resolve("theirs")} data-testid="take-theirs">
            Load the other one
          </Button>
          <Button variant="default" onClick={() => void store.resolve("mine")} data-testid="keep-mine">
            Keep the one shown here
          </Button>
        </Group>
      </Alert>
    );
  }
  if (saving === "failed") {
    return (
      <Alert color="red" icon={<IconAlertTriangle aria-hidden="true" />} title="Not saved yet" data-testid="save-state" data-state={saving} className="save-problem">
        <p>{problem}</p>
        <Button mt="sm" onClick={() => void store.save()}>
          Try again
        </Button>
      </Alert>
    );
  }
  return (
    <span className={verbose ? "save-note muted" : "visually-hidden"} role="status" data-testid="save-state" data-state={saving} data-origin={origin}>
      {saving === "saving" ? "Saving" : wordsOf(origin)}
    </span>
  );
}

function wordsOf(origin: Kept["origin"]): string {
  if (origin === "server") return "Saved on the server";
  if (origin === "browser") return "Saved in this browser only: sign in to have it on every device";
  return origin === "everybody" ? "The dashboard for everybody" : "";
}
