import { Alert, Button, Checkbox, FileButton, Group, Progress, Stack } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useState } from "react";
import { messageOf } from "../../../api/http";
import { restore, validateBackup } from "../../../api/server";
import { ConfirmButton } from "../../../components/confirm-button";
import { useServerEvent } from "../../../state/hooks";
import { RestartButton } from "./power";
import { meaningOf, namesOf, restoreStatus } from "./restoring";

interface Chosen {
  file: string;
  names: readonly string[];
  wanted: ReadonlySet<string>;
}

/** Puts back what is chosen of a backup. */
export function Restore() {
  const [chosen, setChosen] = useState<Chosen>();
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  // What the server said before belongs to another restoration.
  const [before, setBefore] = useState<unknown>();
  const [isStarted, setStarted] = useState(false);
  const said = useServerEvent("RESTORESTATUS");
  const status = isStarted && said !== before ? restoreStatus(said) : undefined;

  const look = async (file: File | null) => {
    if (file === null) return;
    setBusy(true);
    setProblem(undefined);
    setStarted(false);
    setChosen(undefined);
    try {
      const names = namesOf(await validateBackup(file));
      setChosen({ file: file.name, names, wanted: new Set(names) });
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const start = async () => {
    if (chosen === undefined) return;
    setBefore(said);
    await restore(Object.fromEntries(chosen.names.map((name) => [name, chosen.wanted.has(name)])));
    setStarted(true);
    setChosen(undefined);
  };
  return (
    <section className="page-card" aria-labelledby="restore-title">
      <h3 id="restore-title">Restore</h3>
      <p className="muted">Choose a backup of this server, or of another one. You see what is in it before anything changes.</p>
      <Stack gap="sm" mt="sm">
        <FileButton onChange={(file) => void look(file)} accept=".backup,.zip" inputProps={{ "aria-label": "File of the backup" }}>
          {(props) => (
            <Button {...props} variant="default" leftSection={<IconUpload size={18} />} loading={busy} maw={280} data-testid="choose-backup">
              Choose a backup
            </Button>
          )}
        </FileButton>
        {problem !== undefined && (
          <p className="bad" role="alert" data-testid="backup-problem">
            {problem}
          </p>
        )}
        {chosen !== undefined && <Choice chosen={chosen} setChosen={setChosen} start={start} />}
        {isStarted && (
          <div data-testid="restore-status" data-state={status?.state ?? "busy"} role="status">
            {status?.state !== "done" && status?.state !== "failed" && (
              <>
                <Progress value={status?.percent ?? 0} aria-label="Restored so far" animated />
                <p className="muted">Restoring {status?.message}</p>
              </>
            )}
            {status?.state === "failed" && (
              <Alert color="red" title="Not everything was restored">
                {status.message}. Nothing else was changed; the log has the details.
              </Alert>
            )}
            {status?.state === "done" && (
              <Alert color="green" title="Restored">
                <p>It takes effect with a restart. You may have to sign in again after it.</p>
                {status.message.includes(";") && <p data-testid="restore-left">The server says: {status.message}.</p>}
                <RestartButton />
              </Alert>
            )}
          </div>
        )}
      </Stack>
    </section>
  );
}

function Choice({ chosen, setChosen, start }: { chosen: Chosen; setChosen: (chosen: Chosen) => void; start: () => Promise<void> }) {
  const toggle = (name: string, on: boolean) => {
    const wanted = new Set(chosen.wanted);
    if (on) wanted.add(name);
    else wanted.delete(name);
    setChosen({ ...chosen, wanted });
  };
  return (
    <fieldset className="restore-choice" data-testid="restore-choice">
      <legend>
        What to restore from <strong>{chosen.file}</strong>
      </legend>
      <div className="choices">
        {chosen.names.map((name) => (
          <Checkbox
            key={name}
            label={meaningOf(name) ?? name}
            description={meaningOf(name) === undefined ? undefined : name}
            checked={chosen.wanted.has(name)}
            onChange={(event) => toggle(name, event.currentTarget.checked)}
            data-testid={`restore-${name}`}
          />
        ))}
      </div>
      <Group mt="sm">
        <ConfirmButton
          title="Replace what this server has now?"
          text="What you have chosen is overwritten with what is in the backup. This can't be undone; download a backup of now first if in doubt."
          confirmLabel="Restore"
          onConfirm={start}
          disabled={chosen.wanted.size === 0}
          testId="restore"
        >
          Restore what is chosen
        </ConfirmButton>
      </Group>
    </fieldset>
  );
}
