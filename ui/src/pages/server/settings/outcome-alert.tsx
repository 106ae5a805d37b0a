import { Alert, Anchor, Stack } from "@mantine/core";
import type { SettingsReport } from "../../../api/server";
import { newAddress, notes } from "./outcome";

/** What there is to know about settings that were saved; nothing when all is as it was asked for. */
export function OutcomeAlert({ report }: { report: SettingsReport }) {
  const address = newAddress(report, window.location);
  const said = notes(report);
  return (
    <Stack gap="sm" data-testid="settings-outcome">
      {address !== undefined && (
        <Alert color="yellow" title="Saved. The server is at another address now" data-testid="moved">
          <p>This page and all displays that you open anew have to go there. Displays that are open go on for up to an hour.</p>
          <Anchor href={address}>{address}</Anchor>
        </Alert>
      )}
      {said.length > 0 && (
        <Alert color="blue" title="Saved, and good to know">
          <ul className="outcome-notes">
            {said.map(({ label, why }) => (
              <li key={label}>
                <strong>{label}</strong>: {why}
              </li>
            ))}
          </ul>
        </Alert>
      )}
    </Stack>
  );
}
