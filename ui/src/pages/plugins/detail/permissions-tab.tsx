import { Button } from "@mantine/core";
import { useState } from "react";
import { consentToPlugin, type PluginDetails, type PluginStatus } from "../../../api/plugins";
import { act } from "../../../components/notify";
import { permissions } from "../model/capabilities";
import { ConsentDialog } from "./consent-dialog";
import { PermissionList } from "./permission-list";

interface PermissionsTabProps {
  plugin: PluginDetails;
  status: PluginStatus;
  onChanged: () => Promise<void>;
}

/** What it may do, what it asks for beyond that, and the consent. */
export function PermissionsTab({ plugin, status, onChanged }: PermissionsTabProps) {
  const [asking, setAsking] = useState(false);
  const { missingConsent: missing, pendingVersion, consented } = status;
  const agree = async () => {
    const went = await act(() => consentToPlugin(plugin.id), `You agreed to what ${plugin.name} asks for`, "Your consent was not taken");
    await onChanged();
    return went;
  };
  return (
    <section className="page-card" aria-labelledby="permissions-title">
      <h3 id="permissions-title">What it may do</h3>
      {missing.length > 0 ? (
        <>
          <p className="plugin-hint">
            {pendingVersion === null
              ? "It asks for more than was agreed to, and is not started before you agree."
              : `Version ${pendingVersion} asks for more than was agreed to. Until you agree, version ${status.version} stays.`}{" "}
            What is new is marked.
          </p>
          <PermissionList permissions={permissions(status.capabilities, missing)} />
          <Button onClick={() => setAsking(true)} mt="md" data-testid="consent">
            Agree to it
          </Button>
          <ConsentDialog opened={asking} onClose={() => setAsking(false)} plugin={plugin} status={status} label="Agree" onAgree={agree} />
        </>
      ) : (
        <>
          <p className="muted plugin-hint">
            {consented === null ? "It has not been switched on yet; you are asked when you do it." : "You have agreed to this."} Everything else is kept
            from it.
          </p>
          <PermissionList permissions={permissions(status.capabilities, [])} />
        </>
      )}
      {status.capabilityWarnings.map((warning) => (
        <p key={warning} className="muted plugin-hint">
          {warning}
        </p>
      ))}
    </section>
  );
}
