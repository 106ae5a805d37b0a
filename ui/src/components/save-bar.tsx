import { Button, Group, Paper, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { messageOf } from "../api/http";

export interface SaveBarProps {
  /** Something on the form differs from what is saved. */
  changed: boolean;
  /** What it rejects with is shown in the bar. */
  onSave: () => Promise<unknown>;
  onUndo: () => void;
  label?: string;
}

/** Stays at the bottom of a form while it has unsaved changes, and says what came of saving. */
export function SaveBar({ changed, onSave, onUndo, label = "Save" }: SaveBarProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    if (!changed) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [changed]);
  if (!changed && problem === undefined) return null;
  const save = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await onSave();
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Paper className="save-bar" withBorder shadow="md" p="sm" data-testid="save-bar">
      <Group justify="space-between" gap="sm">
        <Text className={problem === undefined ? undefined : "bad"} role={problem === undefined ? "status" : "alert"} flex="1 1 200px">
          {problem ?? "Not saved yet."}
        </Text>
        <Group gap="xs">
          <Button
            variant="default"
            onClick={() => {
              setProblem(undefined);
              onUndo();
            }}
          >
            Undo
          </Button>
          <Button type="button" loading={busy} onClick={() => void save()} data-testid="save">
            {label}
          </Button>
        </Group>
      </Group>
    </Paper>
  );
}
