import { Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { restoreSecurity } from "../../api/auth";
import { messageOf } from "../../api/http";
import { hasSecurityBackup } from "../../api/security";
import { notifyDone } from "../../components/notify";
import { useLive } from "../../state/hooks";
import { useLoad } from "../../state/use-load";

/** Brings back the users of before security was switched off. Shown only where there are some. */
export function RestoreForm() {
  const live = useLive();
  const backup = useLoad(hasSecurityBackup);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  if (backup.data !== true) return null;
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(undefined);
    try {
      await restoreSecurity(String(form.get("username") ?? "").trim(), String(form.get("password") ?? ""));
      notifyDone("The users are back. Sign in as one of them.");
      live.reconnect();
      await live.refreshLogin();
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="page-card" onSubmit={(event) => void submit(event)} data-testid="restore-security">
      <Stack gap="sm" maw={480}>
        <h3>Or bring the users of before back</h3>
        <Text c="dimmed">Security was switched off here. An administrator of then can switch it on again with all users and devices.</Text>
        <TextInput label="Administrator" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required />
        <PasswordInput label="Password of then" name="password" autoComplete="current-password" required />
        {problem !== undefined && (
          <Text className="bad" role="alert">
            {problem}
          </Text>
        )}
        <Button type="submit" variant="default" loading={busy}>
          Bring them back
        </Button>
      </Stack>
    </form>
  );
}
