import { Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { fetchDevices, removeDevice, updateDevice, type Device, type Level } from "../../api/security";
import { ConfirmButton } from "../../components/confirm-button";
import { DataTable, type Column } from "../../components/data-table";
import { EmptyState } from "../../components/empty-state";
import { LoadState } from "../../components/load-state";
import { act } from "../../components/notify";
import { useServerEvent } from "../../state/hooks";
import { useLoad } from "../../state/use-load";
import { expiryText, levelChoices } from "./levels";

/** Displays, sensors and apps that have a token of their own. */
export default function Devices() {
  // What was decided about a request may be a new device.
  const devices = useLoad(fetchDevices, JSON.stringify(useServerEvent("ACCESS_REQUEST")) ?? "");
  const change = async (clientId: string, what: { permissions?: Level; description?: string }) => {
    await act(() => updateDevice(clientId, what), "Saved, and it holds at once", "The device could not be changed");
    await devices.reload();
  };
  const columns: readonly Column<Device>[] = [
    {
      key: "description",
      title: "Device",
      render: (device) => <Description key={device.description} device={device} save={(description) => change(device.clientId, { description })} />,
    },
    {
      key: "permissions",
      title: "Rights",
      render: ({ clientId, permissions }) => (
        <Select
          aria-label={`Rights of ${clientId}`}
          data={levelChoices}
          value={permissions}
          onChange={(next) => next !== null && void change(clientId, { permissions: next as Level })}
          data-testid="device-level"
        />
      ),
    },
    { key: "expiry", title: "Valid", render: ({ tokenExpiry }) => expiryText(tokenExpiry, Date.now()) },
    {
      key: "actions",
      title: "",
      align: "right",
      render: ({ clientId, description }) => (
        <ConfirmButton
          title={`Remove ${description === "" ? clientId : description}?`}
          text="Its access ends at once. It can ask for access again."
          confirmLabel="Remove"
          onConfirm={async () => {
            await removeDevice(clientId);
            await devices.reload();
          }}
          testId="remove-device"
        >
          Remove
        </ConfirmButton>
      ),
    },
  ];
  return (
    <Stack gap="sm">
      <p className="muted">Displays, sensors and apps that were let in. They need no password: each has a token of its own.</p>
      <LoadState of={devices}>
        {(list) => (
          <DataTable
            label="Devices"
            columns={columns}
            items={list}
            keyOf={({ clientId }) => clientId}
            testIdOf={({ clientId }) => `device-${clientId}`}
            empty={
              <EmptyState
                title="No devices yet"
                text="Let a display or an app ask for access in its own settings. Its request appears here, and you approve it with one tap."
              />
            }
          />
        )}
      </LoadState>
    </Stack>
  );
}

function Description({ device, save }: { device: Device; save: (description: string) => Promise<void> }) {
  const [text, setText] = useState(device.description);
  const done = () => {
    if (text.trim() !== device.description) void save(text.trim());
  };
  return (
    <div className="who">
      <TextInput
        aria-label={`Name of ${device.clientId}`}
        value={text}
        placeholder="Give it a name"
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={done}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
      />
      <code className="muted">{device.clientId}</code>
    </div>
  );
}
