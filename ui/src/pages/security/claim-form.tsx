import { Button, PasswordInput, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { claim } from "../../api/auth";
import { messageOf } from "../../api/http";
import { notifyDone } from "../../components/notify";
import { useLive } from "../../state/hooks";

/** Makes the person who can read the server's console its first administrator. */
export function ClaimForm() {
  const live = useLive();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    if (text("password") !== text("repeated")) {
      setProblem("The two passwords differ. Type them again.");
      return;
    }
    setBusy(true);
    setProblem(undefined);
    try {
      await claim({
        code: text("code").trim(),
        userId: text("userId").trim(),
        password: text("password"),
        allowReadonly: form.has("allowReadonly"),
      });
      notifyDone("The server is yours now");
      live.reconnect();
      await live.refreshLogin();
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="page-card" onSubmit={(event) => void submit(event)} data-testid="claim-form">
      <Stack gap="sm" maw={480}>
        <h3>Claim this server</h3>
        <Text c="dimmed">
          Nobody owns it yet. It shows a code on its console, and in its log. Whoever has that becomes its first administrator.
        </Text>
        <TextInput label="Code" name="code" autoComplete="one-time-code" autoCapitalize="characters" spellCheck={false} required />
        <TextInput label="Your user name" name="userId" autoComplete="username" autoCapitalize="none" spellCheck={false} required />
        <PasswordInput label="Password" name="password" autoComplete="new-password" required />
        <PasswordInput label="Password again" name="repeated" autoComplete="new-password" required />
        <Switch label="Others on board may read without an account" name="allowReadonly" />
        {problem !== undefined && (
          <Text className="bad" role="alert">
            {problem}
          </Text>
        )}
        <Button type="submit" loading={busy}>
          Claim it
        </Button>
      </Stack>
    </form>
  );
}
