import { Button, Group, Modal } from "@mantine/core";
import { useState } from "react";
import type { PluginDetails, PluginStatus } from "../../../api/plugins";
import { permissions } from "../model/capabilities";
import { PermissionList } from "./permission-list";

interface ConsentDialogProps {
  opened: boolean;
  onClose: () => void;
  plugin: PluginDetails;
  status: PluginStatus;
  /** Of the button that agrees. */
  label: string;
  /** False when it failed; the person has been told then. */
  onAgree: () => Promise<boolean>;
}

/** What a plugin asks for, before it gets it. */
export function ConsentDialog({ opened, onClose, plugin, status, label, onAgree }: ConsentDialogProps) {
  const [busy, setBusy] = useState(false);
  const agree = async () => {
    setBusy(true);
    await onAgree();
    setBusy(false);
    onClose();
  };
  return (
    <Modal opened={opened} onClose={onClose} title={`${plugin.name} asks for this`} centered closeButtonProps={{ "aria-label": "Close" }}>
      <PermissionList permissions={permissions(status.capabilities, status.missingConsent)} />
      <p className="muted plugin-hint">Everything else is kept from it: it runs in a sandbox, within limits.</p>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button loading={busy} onClick={() => void agree()} data-testid="agree">
          {label}
        </Button>
      </Group>
    </Modal>
  );
}
