import { Button, Modal, PasswordInput, Select, Stack, Switch, TagsInput, TextInput } from "@mantine/core";
import { useMemo, useState, type FormEvent } from "react";
import { disableSecurity } from "../../api/auth";
import { messageOf } from "../../api/http";
import { fetchSecurityConfig, saveSecurityConfig, type SecurityConfig } from "../../api/security";
import { LoadState } from "../../components/load-state";
import { notifyDone } from "../../components/notify";
import { SaveBar } from "../../components/save-bar";
import { useLive } from "../../state/hooks";
import { useLoad } from "../../state/use-load";
import { lifetimeChoices, originProblem, originsOf } from "./levels";

type Switches = "allow_readonly" | "allowDeviceAccessRequests" | "allowNewUserRegistration";

const switches: readonly { key: Switches; label: string; help: string }[] = [
  { key: "allow_readonly", label: "Visitors may read without signing in", help: "Whoever is on the boat's network sees the values. Nobody changes anything without signing in." },
  { key: "allowDeviceAccessRequests", label: "Devices may ask for access", help: "Their requests appear at the top of this page and wait for you." },
  { key: "allowNewUserRegistration", label: "People may ask for an account", help: "They choose a name and a password; you decide." },
];

/** What holds for everybody; all of it holds at once. */
export default function SecuritySettings() {
  const config = useLoad(fetchSecurityConfig);
  return (
    <Stack gap="md">
      <LoadState of={config}>{(data) => <Form key={JSON.stringify(data)} config={data} saved={config.reload} />}</LoadState>
      <SwitchOff />
    </Stack>
  );
}

function Form({ config, saved }: { config: SecurityConfig; saved: () => Promise<void> }) {
  const live = useLive();
  const before = useMemo(
    () => ({
      allow_readonly: config.allow_readonly === true,
      allowDeviceAccessRequests: config.allowDeviceAccessRequests === true,
      allowNewUserRegistration: config.allowNewUserRegistration === true,
      expiration: String(config.expiration ?? "1d"),
      origins: originsOf(config.allowedCorsOrigins),
    }),
    [config],
  );
  const [form, setForm] = useState(before);
  const problem = form.origins.map(originProblem).find((words) => words !== undefined);
  const save = async () => {
    if (problem !== undefined) throw new Error(`Not saved: ${problem}`);
    const { origins, ...others } = form;
    await saveSecurityConfig({ ...others, allowedCorsOrigins: origins.join(",") });
    notifyDone("Saved, and it holds at once");
    await saved();
    await live.refreshLogin();
  };
  if (config.immutableConfig === true) {
    return (
      <p className="page-card">
        Security can't be changed here: security.json says so (<code>immutableConfig</code>). Change the file on the server's computer.
      </p>
    );
  }
  return (
    <div data-testid="security-settings">
      <section className="page-card" aria-label="Security settings">
        <Stack gap="md">
          {switches.map(({ key, label, help }) => (
            <Switch
              key={key}
              label={label}
              description={help}
              checked={form[key]}
              onChange={(event) => {
                const { checked } = event.currentTarget;
                setForm((now) => ({ ...now, [key]: checked }));
              }}
              data-testid={`security-${key}`}
            />
          ))}
          <Select
            label="Who signs in stays signed in"
            description="Without “Stay signed in” it ends with the browser, too"
            data={lifetimeChoices(form.expiration)}
            value={form.expiration}
            onChange={(value) => value !== null && setForm((now) => ({ ...now, expiration: value }))}
            maw={320}
            data-testid="security-expiration"
          />
          <TagsInput
            label="Pages of other servers that may act here"
            description="For a web app that runs elsewhere and changes values here in your name. Reading needs no entry. Enter after each."
            placeholder={form.origins.length === 0 ? "None" : ""}
            value={form.origins}
            onChange={(origins) => setForm((now) => ({ ...now, origins }))}
            error={problem}
            size="md"
            maw={560}
            data-testid="security-origins"
          />
        </Stack>
      </section>
      <SaveBar changed={JSON.stringify(form) !== JSON.stringify(before)} onSave={save} onUndo={() => setForm(before)} />
    </div>
  );
}

function SwitchOff() {
  const live = useLive();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(undefined);
    try {
      await disableSecurity(String(form.get("username") ?? "").trim(), String(form.get("password") ?? ""));
      setAsking(false);
      notifyDone("The server belongs to nobody now. Its console shows a new code to claim it.");
      live.reconnect();
      await live.refreshLogin();
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="page-card" aria-labelledby="give-up-title">
      <h3 id="give-up-title">Give the server up</h3>
      <p className="muted">
        All users and devices are set aside and all sessions end. Everybody may read, nobody may change anything, until somebody claims it with the
        code on its console or brings the users back.
      </p>
      <Button mt="sm" variant="light" color="red" onClick={() => setAsking(true)} data-testid="disable-security">
        Give it up
      </Button>
      <Modal opened={asking} onClose={() => setAsking(false)} title="Give the server up?">
        <form onSubmit={(event) => void submit(event)}>
          <Stack gap="sm">
            <p>An administrator has to sign for it.</p>
            <TextInput label="Administrator" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required />
            <PasswordInput label="Password" name="password" autoComplete="current-password" required />
            {problem !== undefined && (
              <p className="bad" role="alert">
                {problem}
              </p>
            )}
            <Button type="submit" color="red" loading={busy}>
              Give it up
            </Button>
          </Stack>
        </form>
      </Modal>
    </section>
  );
}
