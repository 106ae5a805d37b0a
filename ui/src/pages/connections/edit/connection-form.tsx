import { Alert, Button, Collapse, Group, Switch, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronUp } from "@tabler/icons-react";
import { useRef, useState } from "react";
import type { Provider } from "../../../api/connections";
import { messageOf } from "../../../api/http";
import type { FoundPort } from "../model/found";
import { problemFromServer, problemsOf, providerOf, RAW, type ConnectionForm, type Problems } from "../model/form";
import { shownFields } from "../model/kinds";
import { AccessPanel } from "./access-panel";
import { FieldInput } from "./field-input";
import { TrialPanel } from "./trial-panel";

export interface ConnectionFormViewProps {
  initial: ConnectionForm;
  /** What the server has against it as it is saved. */
  problem?: string | undefined;
  takenIds: readonly string[];
  ports: readonly FoundPort[];
  saveLabel: string;
  /** What it rejects with is shown where it belongs. */
  onSave: (provider: Provider) => Promise<void>;
  cancelRoute: string;
}

/** The fields of a connection, what matters first, with a way to try it before it is saved. */
export function ConnectionFormView(props: ConnectionFormViewProps) {
  const { initial, problem, takenIds, ports, saveLabel, onSave, cancelRoute } = props;
  const [form, setForm] = useState(initial);
  const [problems, setProblems] = useState<Problems>(() => (problem === undefined ? {} : problemFromServer(initial, problem)));
  const { kind, values } = form;
  const isAdvanced = (key: string) => kind.advanced.some((field) => field.key === key);
  const [isOpen, setOpen] = useState(() => Object.keys(problems).some(isAdvanced));
  const [busy, setBusy] = useState(false);
  const element = useRef<HTMLFormElement>(null);

  const show = (found: Problems) => {
    setProblems(found);
    const first = Object.keys(found)[0];
    if (first === undefined) return;
    if (isAdvanced(first)) setOpen(true);
    // When it is shown.
    requestAnimationFrame(() => element.current?.querySelector<HTMLElement>(`[data-field="${first}"]`)?.focus());
  };
  const change = (next: ConnectionForm, key: string) => {
    setForm(next);
    if (problems[key] === undefined && problems.form === undefined) return;
    const { [key]: _, form: __, ...rest } = problems;
    setProblems(rest);
  };
  const setValue = (key: string) => (value: string | boolean) => change({ ...form, values: { ...values, [key]: value } }, key);
  /** The connection to try or save; undefined when something is wrong with it, which is shown then. */
  const checked = (forTrial: boolean): Provider | undefined => {
    const found: Record<string, string> = { ...problemsOf(form, takenIds) };
    if (forTrial) delete found.id;
    show(found);
    return Object.keys(found).length > 0 ? undefined : providerOf(form);
  };
  const save = async () => {
    const provider = checked(false);
    if (provider === undefined) return;
    setBusy(true);
    try {
      await onSave(provider);
    } catch (error) {
      show(problemFromServer(form, messageOf(error)));
    } finally {
      setBusy(false);
    }
  };
  const inputs = (fields: typeof kind.fields) =>
    shownFields(fields, values).map((field) => (
      <FieldInput
        key={field.key}
        field={field}
        value={values[field.key] ?? ""}
        problem={problems[field.key]}
        ports={ports}
        onChange={setValue(field.key)}
      />
    ));
  return (
    <form
      ref={element}
      className="form-layout"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      noValidate
      data-testid="connection-form"
    >
      <div className="page-card form-layout">
        <div className="form-grid">
          <TextInput
            label="Name"
            description="As it is shown in lists and as the source of values."
            value={form.id}
            error={problems.id}
            withAsterisk
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => change({ ...form, id: event.currentTarget.value }, "id")}
            data-testid="field-id"
            data-field="id"
          />
          {inputs(kind.id === "other" ? [RAW] : kind.fields)}
        </div>
        {kind.id !== "other" && (
          <div>
            <Button
              type="button"
              variant="default"
              aria-expanded={isOpen}
              rightSection={isOpen ? <IconChevronUp size={18} aria-hidden="true" /> : <IconChevronDown size={18} aria-hidden="true" />}
              onClick={() => setOpen(!isOpen)}
              data-testid="more-options"
            >
              More options
            </Button>
            <Collapse expanded={isOpen} transitionDuration={0}>
              <div className="form-grid" style={{ marginTop: 16 }}>
                {isOpen && inputs(kind.advanced)}
                {isOpen && (
                  <Switch
                    label="Record everything it receives"
                    description="In hourly files of the logging folder, as a recording that can be played again."
                    checked={form.logging}
                    onChange={(event) => change({ ...form, logging: event.currentTarget.checked }, "logging")}
                    data-testid="field-logging"
                  />
                )}
              </div>
            </Collapse>
          </div>
        )}
      </div>
      {kind.id === "signalk" && (
        <AccessPanel
          // Who waits for an answer from one server gets none from another.
          key={JSON.stringify([values.host, values.port, values.secure, values.useDiscovery])}
          form={form}
          onValue={(key, value) => setForm((now) => ({ ...now, values: { ...now.values, [key]: value } }))}
        />
      )}
      {kind.id !== "clients" && <TrialPanel kind={kind} make={() => checked(true)} onProblem={(words) => show(problemFromServer(form, words))} />}
      {problems.form !== undefined && (
        <Alert color="red" title="This can't be used as it is" data-testid="form-problem">
          {problems.form}
        </Alert>
      )}
      <Group justify="flex-end" gap="xs">
        <Button component="a" href={`#${cancelRoute}`} variant="default">
          Cancel
        </Button>
        <Button type="submit" loading={busy} data-testid="save-connection">
          {saveLabel}
        </Button>
      </Group>
    </form>
  );
}
