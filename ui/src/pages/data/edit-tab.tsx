import { Alert, Button, Group, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import { putMeta } from "../../api/values";
import { notifyDone } from "../../components/notify";
import { SaveBar } from "../../components/save-bar";
import { ZoneBar } from "../../components/zone-bar";
import { useCanWrite, useLogin, usePath } from "../../state/hooks";
import { openLogin } from "../../state/login-request";
import { unitOfPath, useUnitPreferences } from "../../units/use-unit";
import type { DetailProps } from "./detail";
import { alarmStates, changesOf, draftOf, editorUnit, isFaulty, timeoutProblem, zonesOf, type MetaDraft } from "./meta-draft";
import { ZonesEditor } from "./zones-editor";

const soundLabels = {
  alert: "Alerts make a sound",
  warn: "Warnings make a sound",
  alarm: "Alarms make a sound",
  emergency: "Emergencies make a sound",
} as const satisfies Record<(typeof alarmStates)[number], string>;

/** What a path means, and when it is an alarm: a form for those who may change it, and the same to read for others. */
export function EditTab({ path, context, onChanged }: DetailProps & { onChanged: (changed: boolean) => void }) {
  const { meta, value } = usePath(path, { context });
  const preferences = useUnitPreferences();
  const unit = useMemo(() => editorUnit(unitOfPath(preferences, path, meta.units), meta), [preferences, path, meta]);
  const mayWrite = useCanWrite() && context === undefined;
  const [typed, setTyped] = useState<MetaDraft>();
  const saved = useMemo(() => draftOf(meta, unit), [meta, unit]);
  const draft = typed ?? saved;
  const changes = useMemo(() => (typed === undefined ? [] : changesOf(typed, meta, unit)), [typed, meta, unit]);
  const isChanged = changes.length > 0 || (typed !== undefined && isFaulty(typed));
  useEffect(() => onChanged(isChanged), [isChanged, onChanged]);
  useEffect(() => () => onChanged(false), [onChanged]);
  const change = (part: Partial<MetaDraft>) => setTyped({ ...draft, ...part });
  const save = async () => {
    if (isFaulty(draft)) throw new Error("Something is not right yet: look at what is marked above.");
    for (const [key, field] of changes) await putMeta(path, key, field);
    setTyped(undefined);
    notifyDone("Saved");
  };
  const zones = zonesOf(draft, unit);
  const used = alarmStates.filter((state) => draft.zones.some((zone) => zone.state === state));
  return (
    <Stack gap="md" data-testid="edit-meta">
      {!mayWrite && <ReadOnlyReason isOwn={context === undefined} />}
      <section aria-labelledby="zones-title">
        <h3 id="zones-title">Zones</h3>
        <Text c="dimmed" size="sm" mb="xs">
          A value that enters a zone raises its alarm. The first zone that fits counts.
        </Text>
        <ZoneBar zones={zones} unit={unit} value={value} />
        <ZonesEditor zones={draft.zones} unit={unit} readOnly={!mayWrite} onChange={(next) => change({ zones: next })} />
        {used.length > 0 && (
          <fieldset className="sounds">
            <legend>Sound</legend>
            {used.map((state) => (
              <Switch
                key={state}
                label={soundLabels[state]}
                checked={draft.sounds.includes(state)}
                disabled={!mayWrite}
                onChange={(event) => {
                  const others = draft.sounds.filter((one) => one !== state);
                  change({ sounds: event.currentTarget.checked ? [...others, state] : others });
                }}
                data-testid={`sound-${state}`}
              />
            ))}
          </fieldset>
        )}
      </section>
      <section aria-labelledby="meta-title">
        <h3 id="meta-title">Meta data</h3>
        <Stack gap="sm" mt="xs">
          <TextInput label="Units" description="As it is sent; how you read it is in the unit settings" value={meta.units ?? "none"} readOnly data-testid="meta-units" />
          <TextInput
            label="Display name"
            value={draft.displayName}
            readOnly={!mayWrite}
            onChange={(event) => change({ displayName: event.currentTarget.value })}
            data-testid="meta-displayName"
          />
          <Textarea
            label="Description"
            autosize
            minRows={2}
            value={draft.description}
            readOnly={!mayWrite}
            onChange={(event) => change({ description: event.currentTarget.value })}
            data-testid="meta-description"
          />
          <TextInput
            label="Timeout, seconds"
            description="After which the value counts as too old; empty: 30, 0: never"
            inputMode="decimal"
            value={draft.timeout}
            readOnly={!mayWrite}
            error={timeoutProblem(draft)}
            onChange={(event) => change({ timeout: event.currentTarget.value })}
            data-testid="meta-timeout"
          />
        </Stack>
      </section>
      {/* A complaint goes with its cause. */}
      <SaveBar key={String(isFaulty(draft))} changed={isChanged} onSave={save} onUndo={() => setTyped(undefined)} />
    </Stack>
  );
}

function ReadOnlyReason({ isOwn }: { isOwn: boolean }) {
  const login = useLogin();
  if (!isOwn) {
    return (
      <Alert color="gray" title="To read only" data-testid="read-only">
        Only what own ship says can be given zones and names.
      </Alert>
    );
  }
  return (
    <Alert color="yellow" title="To read only" data-testid="read-only">
      <p>
        {login?.loggedIn === true
          ? `You are signed in as ${login.username}, who may read but not change values. Ask whoever runs this server, or sign in as somebody else.`
          : "Sign in as somebody who may change values."}
      </p>
      <Group mt="sm">
        <Button onClick={() => openLogin()}>Sign in</Button>
      </Group>
    </Alert>
  );
}
