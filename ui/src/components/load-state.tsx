import { Alert, Button, Center, Group, Loader } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { ApiError, messageOf } from "../api/http";
import type { Loaded } from "../state/use-load";
import { openLogin } from "../state/login-request";

/** Something is on its way. */
export function Loading({ what = "Loading" }: { what?: string }) {
  return (
    <Center py="xl" role="status" aria-label={what} data-testid="loading">
      <Loader />
    </Center>
  );
}

/** Something could not be read: why, and a way to try again, or to sign in where that is what is missing. */
export function ErrorState({ error, title, retry }: { error: unknown; title?: string; retry?: (() => void) | undefined }) {
  const denied = error instanceof ApiError && error.isDenied;
  return (
    <Alert
      color={denied ? "yellow" : "red"}
      icon={<IconAlertTriangle aria-hidden="true" />}
      title={title ?? (denied ? "Not for everybody" : "This could not be loaded")}
      data-testid="error-state"
    >
      <p>{denied ? "Only administrators of this server may see this." : messageOf(error)}</p>
      <Group mt="sm">
        {denied && <Button onClick={() => openLogin()}>Sign in</Button>}
        {retry !== undefined && (
          <Button variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}

/**
 * Shows what was loaded, or that it is on its way, or why not. What was read before stays on the screen while it is read
 * again, also when that fails: then with the error above it.
 */
export function LoadState<T>({ of, what, children }: { of: Loaded<T>; what?: string; children: (data: T) => ReactNode }) {
  const { data, error, reload } = of;
  const retry = () => void reload();
  if (data === undefined) {
    if (error !== undefined) return <ErrorState error={error} retry={retry} />;
    return what === undefined ? <Loading /> : <Loading what={what} />;
  }
  return (
    <>
      {error !== undefined && <ErrorState error={error} title="This may be out of date" retry={retry} />}
      {children(data)}
    </>
  );
}
