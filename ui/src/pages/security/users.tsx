import { Button, Group, Modal, PasswordInput, Select, Stack, TextInput } from "@mantine/core";
import { IconUserPlus } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { messageOf } from "../../api/http";
import { addUser, fetchUsers, removeUser, updateUser, type Level, type User } from "../../api/security";
import { ConfirmButton } from "../../components/confirm-button";
import { DataTable, type Column } from "../../components/data-table";
import { EmptyState } from "../../components/empty-state";
import { LoadState } from "../../components/load-state";
import { act, notifyDone } from "../../components/notify";
import { useLogin } from "../../state/hooks";
import { useLoad } from "../../state/use-load";
import { levelChoices, passwordProblem } from "./levels";

/** People who may sign in. */
export default function Users() {
  const users = useLoad(fetchUsers);
  const own = useLogin()?.username;
  const [adding, setAdding] = useState(false);
  const [renewing, setRenewing] = useState<string>();
  const changeLevel = async (userId: string, type: Level) => {
    await act(() => updateUser(userId, { type }), `${userId} is changed, and it holds at once`, "The user could not be changed");
    await users.reload();
  };
  const columns: readonly Column<User>[] = [
    {
      key: "userId",
      title: "User",
      render: ({ userId }) => (
        <span className="who">
          <strong>{userId}</strong> {userId === own && <span className="muted">(you)</span>}
        </span>
      ),
    },
    {
      key: "type",
      title: "Rights",
      render: ({ userId, type }) => (
        <Select
          aria-label={`Rights of ${userId}`}
          data={levelChoices}
          value={type}
          onChange={(next) => next !== null && void changeLevel(userId, next as Level)}
          data-testid="user-level"
        />
      ),
    },
    {
      key: "actions",
      title: "",
      align: "right",
      render: ({ userId }) => (
        <Group gap="xs" justify="flex-end">
          <Button variant="default" onClick={() => setRenewing(userId)} data-testid="new-password" aria-label={`New password for ${userId}`}>
            New password
          </Button>
          <ConfirmButton
            title={`Delete ${userId}?`}
            text="All sessions of this user end at once."
            confirmLabel="Delete"
            onConfirm={async () => {
              await removeUser(userId);
              await users.reload();
            }}
            testId="delete-user"
          >
            Delete
          </ConfirmButton>
        </Group>
      ),
    },
  ];
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <p className="muted">Whoever may sign in. What you change holds at once.</p>
        <Button leftSection={<IconUserPlus size={18} />} onClick={() => setAdding(true)} data-testid="add-user">
          Add a user
        </Button>
      </Group>
      <LoadState of={users}>
        {(list) => (
          <DataTable
            label="Users"
            columns={columns}
            items={list}
            keyOf={({ userId }) => userId}
            testIdOf={({ userId }) => `user-${userId}`}
            empty={<EmptyState title="No users" text="Add the first one." />}
          />
        )}
      </LoadState>
      {adding && <AddUser taken={(users.data ?? []).map(({ userId }) => userId)} close={() => setAdding(false)} added={users.reload} />}
      {renewing !== undefined && <NewPassword userId={renewing} close={() => setRenewing(undefined)} />}
    </Stack>
  );
}

function AddUser({ taken, close, added }: { taken: readonly string[]; close: () => void; added: () => Promise<void> }) {
  const [level, setLevel] = useState<Level>("readonly");
  return (
    <PasswordForm
      title="Add a user"
      submit="Add"
      close={close}
      save={async (password, form) => {
        const name = String(form.get("userId") ?? "").trim();
        if (taken.includes(name)) throw new Error(`There is a user ${name} already. Choose another name.`);
        await addUser(name, password, level);
        notifyDone(`${name} may sign in now`);
        await added();
      }}
    >
      <TextInput label="Name" name="userId" autoComplete="off" autoCapitalize="none" spellCheck={false} required data-autofocus />
      <Select label="Rights" data={levelChoices} value={level} onChange={(next) => next !== null && setLevel(next as Level)} data-testid="new-user-level" />
    </PasswordForm>
  );
}

function NewPassword({ userId, close }: { userId: string; close: () => void }) {
  return (
    <PasswordForm
      title={`New password for ${userId}`}
      submit="Set password"
      close={close}
      save={async (password) => {
        await updateUser(userId, { password });
        notifyDone(`${userId} has a new password and has to sign in again everywhere`);
      }}
    />
  );
}

interface PasswordFormProps {
  title: string;
  submit: string;
  close: () => void;
  save: (password: string, form: FormData) => Promise<void>;
  children?: React.ReactNode;
}

/** A form that ends in a password, typed twice. */
function PasswordForm({ title, submit, close, save, children }: PasswordFormProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const onSubmit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const password = String(form.get("password") ?? "");
    const wrong = passwordProblem(password, String(form.get("repeated") ?? ""));
    setProblem(wrong);
    if (wrong !== undefined) return;
    setBusy(true);
    try {
      await save(password, form);
      close();
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={close} title={title}>
      <form onSubmit={(event) => void onSubmit(event)} data-testid="password-form">
        <Stack gap="sm">
          {children}
          <PasswordInput label="Password" name="password" autoComplete="new-password" required />
          <PasswordInput label="Password again" name="repeated" autoComplete="new-password" required />
          {problem !== undefined && (
            <p className="bad" role="alert">
              {problem}
            </p>
          )}
          <Button type="submit" loading={busy}>
            {submit}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
