import { Text } from "@mantine/core";
import { IconPower, IconRotateClockwise } from "@tabler/icons-react";
import { restartServer, shutDownServer } from "../../../api/server";
import { ConfirmButton } from "../../../components/confirm-button";
import { notifyDone } from "../../../components/notify";
import { useIsAdmin, useLogin } from "../../../state/hooks";

/** Whether this person may end the server: nobody may while everybody is let in. */
function useMayEnd(): boolean {
  const isSecured = useLogin()?.authenticationRequired === true;
  return useIsAdmin() && isSecured;
}

const notHere = "Not while security is off: anybody could do it.";

/** Restarts the server; the page comes back by itself. */
export function RestartButton() {
  if (!useMayEnd()) return <Text c="dimmed">Restart the server from its computer. {notHere}</Text>;
  return (
    <ConfirmButton
      title="Restart the server?"
      text="Everybody loses the connection for some seconds, and alarms are silent meanwhile. What was saved stays. It comes back by itself if a service manager such as systemd or Docker runs it; otherwise start it on its computer."
      confirmLabel="Restart"
      onConfirm={async () => {
        await restartServer();
        notifyDone("The server restarts. This page waits for it and comes back by itself.");
      }}
      leftSection={<IconRotateClockwise size={18} />}
      testId="restart"
    >
      Restart
    </ConfirmButton>
  );
}

/** Ends the server. */
export function ShutdownButton() {
  if (!useMayEnd()) return <Text c="dimmed">End the server from its computer. {notHere}</Text>;
  return (
    <ConfirmButton
      title="Shut the server down?"
      text="No display gets data any more, and no alarm sounds. It comes back when somebody starts it on its computer (sudo systemctl start windlass), or with the next power-up of that computer. A service manager that always starts it anew brings it back within seconds."
      confirmLabel="Shut down"
      onConfirm={async () => {
        await shutDownServer();
        notifyDone("The server ends. This page waits until somebody starts it again.");
      }}
      leftSection={<IconPower size={18} />}
      testId="shutdown"
    >
      Shut down
    </ConfirmButton>
  );
}
