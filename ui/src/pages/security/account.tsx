import { Button, Group, PasswordInput, Stack } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { login as signIn, logout } from "../../api/auth";
import { messageOf } from "../../api/http";
import { updateUser } from "../../api/security";
import { act, notifyDone } from "../../components/notify";
import { useLive, useLogin } from "../../state/hooks";
import { levelText, passwordProblem } from "./levels";

/** The person who is signed in. */
export default function Account() {
  const live = useLive();
  const login = useLogin();
  const name = login?.username;
  const leave = async () => {
    if (!(await act(logout, "Signed out on this device", "Signing out failed"))) return;
    live.reconnect();
    await live.refreshLogin();
  };
  if (name === undefined) return <p className="muted">Nobody is signed in.</p>;
  return (
    <Stack gap="md" data-testid="account">
      <section className="page-card" aria-labelledby="session-title">
        <h3 id="session-title">This session</h3>
        <p>
          Signed in as <strong>{name}</strong>. {levelText(login?.userLevel)}.
        </p>
        <p className="muted">
          The session is a token in this browser that scripts can't read. How long it is valid is in Settings. Rights and passwords are looked up with
          each request: what an administrator changes holds at once.
        </p>
        <Group mt="sm">
          <Button variant="default" onClick={() => void leave()} data-testid="sign-out">
            Sign out here
          </Button>
        </Group>
      </section>
      <EverywhereForm name={name} />
    </Stack>
  );
}

/** A new password ends all sessions; this one begins anew with it. */
function EverywhereForm({ name }: { name: string }) {
  const live = useLive();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const target = event.currentTarget;
    const form = new FormData(target);
    const password = String(form.get("password") ?? "");
    const wrong = passwordProblem(password, String(form.get("repeated") ?? ""));
    setProblem(wrong);
    if (wrong !== undefined) return;
    setBusy(true);
    try {
      await updateUser(name, { password });
      await signIn(name, password, false);
      notifyDone("Signed out everywhere else. The new password holds.");
      live.reconnect();
      await live.refreshLogin();
      target.reset();
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="page-card" onSubmit={(event) => void submit(event)} data-testid="everywhere-form">
      <Stack gap="sm" maw={480}>
        <h3>Sign out everywhere</h3>
        <p className="muted">
          A phone is lost, or somebody has seen your password: set a new one. Every other device has to sign in again at once; this one stays.
        </p>
        <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
        <PasswordInput label="New password" name="password" autoComplete="new-password" required />
        <PasswordInput label="New password again" name="repeated" autoComplete="new-password" required />
        {problem !== undefined && (
          <p className="bad" role="alert">
            {problem}
          </p>
        )}
        <Button type="submit" loading={busy}>
          Set it, and sign out everywhere else
        </Button>
      </Stack>
    </form>
  );
}
