import { Button, Modal, PasswordInput, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useEffect, useState, type FormEvent } from "react";
import { login } from "../api/auth";
import { messageOf, onUnauthorized } from "../api/http";
import { notifyDone } from "../components/notify";
import { useLive, useLogin, useStore } from "../state/hooks";
import { closeLogin, loginRequest, openLogin } from "../state/login-request";

/** Asks for name and password; opens by itself when the server refuses something because nobody is signed in. */
export function LoginDialog() {
  const live = useLive();
  const reason = useStore(loginRequest);
  const status = useLogin();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const canSignIn = status?.authenticationRequired === true && !status.unclaimed;
  useEffect(
    () =>
      onUnauthorized(() => {
        void live.refreshLogin();
        if (canSignIn) openLogin("You have to be signed in for this.");
      }),
    [live, canSignIn],
  );
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(undefined);
    try {
      const name = String(form.get("username") ?? "");
      await login(name, String(form.get("password") ?? ""), form.has("remember"));
      closeLogin();
      notifyDone(`Signed in as ${name}`);
      live.reconnect();
      await live.refreshLogin();
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const close = () => {
    setProblem(undefined);
    closeLogin();
  };
  return (
    <Modal opened={reason !== undefined} onClose={close} title="Sign in">
      <form onSubmit={(event) => void submit(event)} data-testid="login-form">
        <Stack gap="sm">
          {reason !== undefined && reason !== "" && <Text>{reason}</Text>}
          <TextInput label="User" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required data-autofocus />
          <PasswordInput label="Password" name="password" autoComplete="current-password" required />
          <Switch label="Stay signed in on this device" name="remember" />
          {problem !== undefined && (
            <Text className="bad" role="alert">
              {problem}
            </Text>
          )}
          <Button type="submit" loading={busy}>
            Sign in
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
