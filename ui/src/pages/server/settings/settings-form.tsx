import { Switch, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { fetchSettings, saveSettings, type Settings, type SettingsReport } from "../../../api/server";
import { LoadState } from "../../../components/load-state";
import { notifyDone } from "../../../components/notify";
import { SaveBar } from "../../../components/save-bar";
import { useLoad } from "../../../state/use-load";
import { groups, settingsChanges, settingsForm, settingsProblems, type Field, type SettingsForm } from "./fields";
import { notes, withChanges } from "./outcome";

/** How the server works. What is saved holds at once, unless the server says why not. */
export function SettingsSection({ onSaved }: { onSaved: (report: SettingsReport) => void }) {
  const settings = useLoad(fetchSettings);
  return (
    <LoadState of={settings}>
      {(data) => (
        <Form
          key={JSON.stringify(data)}
          settings={data}
          save={async (changes) => {
            const report = await saveSettings(changes);
            onSaved(report);
            if (notes(report).length === 0 && !report.moved) notifyDone("Saved. It holds already.");
            // Who has moved can't be asked from here any more.
            if (report.moved) settings.setData(withChanges(data, changes));
            else await settings.reload();
          }}
        />
      )}
    </LoadState>
  );
}

function Form({ settings, save }: { settings: Settings; save: (changes: Settings) => Promise<void> }) {
  const before = useMemo(() => settingsForm(settings), [settings]);
  const [typed, setTyped] = useState<SettingsForm>({});
  const form: SettingsForm = { ...before, ...typed };
  const problems = settingsProblems(form);
  const isChanged = Object.keys(typed).some((at) => typed[at] !== before[at]);
  const saveChanges = async () => {
    const bad = Object.keys(problems)[0];
    if (bad !== undefined) throw new Error(`Not saved: ${problems[bad]}`);
    await save(settingsChanges(before, form));
    setTyped({});
  };
  const set = (at: string, value: boolean | string) => setTyped((now) => ({ ...now, [at]: value }));
  return (
    <div data-testid="settings-form">
      {groups.map(({ title, fields }) => {
        const there = fields.filter(({ at }) => before[at] !== undefined);
        if (there.length === 0) return null;
        return (
          <section key={title} className="page-card settings-group" aria-label={title}>
            <h3>{title}</h3>
            <div className="form-grid">
              {there.map((field) => (
                <Input key={field.at} field={field} value={form[field.at] ?? ""} problem={problems[field.at]} set={set} />
              ))}
            </div>
          </section>
        );
      })}
      <SaveBar changed={isChanged} onSave={saveChanges} onUndo={() => setTyped({})} label="Save the settings" />
    </div>
  );
}

interface InputProps {
  field: Field;
  value: boolean | string;
  problem: string | undefined;
  set: (at: string, value: boolean | string) => void;
}

function Input({ field, value, problem, set }: InputProps) {
  const testId = `setting-${field.at}`;
  if (field.kind === "switch") {
    return (
      <Switch
        label={field.label}
        description={field.help}
        checked={value === true}
        onChange={(event) => set(field.at, event.currentTarget.checked)}
        data-testid={testId}
      />
    );
  }
  const unit = field.kind === "number" ? field.unit : "";
  return (
    <TextInput
      label={field.label}
      description={field.help}
      value={String(value)}
      onChange={(event) => set(field.at, event.currentTarget.value)}
      error={problem}
      inputMode={field.kind === "number" ? "decimal" : "text"}
      rightSection={unit === "" ? undefined : <span className="muted">{unit}</span>}
      rightSectionWidth={unit.length > 3 ? 56 : undefined}
      rightSectionPointerEvents="none"
      autoComplete="off"
      spellCheck={false}
      data-testid={testId}
    />
  );
}
