import { Alert, Button } from "@mantine/core";
import { useState } from "react";
import { fetchMissing, installMissing } from "../../../api/packages";
import { notifyProblem } from "../../../components/notify";
import { useIsAdmin } from "../../../state/hooks";
import { useLoad } from "../../../state/use-load";

interface MissingPackagesProps {
  /** Changes when plugins come or go. */
  revision: string;
  /** They are being installed. */
  onAsked: () => void;
}

/** What is listed but not installed, as after a backup was restored on another computer. */
export function MissingPackages(props: MissingPackagesProps) {
  return useIsAdmin() ? <Listed {...props} /> : null;
}

function Listed({ revision, onAsked }: MissingPackagesProps) {
  const { data: missing = [] } = useLoad(fetchMissing, revision, 10_000);
  const [busy, setBusy] = useState(false);
  if (missing.length === 0) return null;
  const install = async () => {
    setBusy(true);
    try {
      if ((await installMissing()).length > 0) onAsked();
    } catch (error) {
      notifyProblem("They can't be installed", error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Alert color="yellow" title="Listed, but not installed here" my="md" data-testid="missing-packages">
      <ul>
        {missing.map(({ name, message }) => (
          <li key={name}>
            <strong>{name}</strong>: {message}
          </li>
        ))}
      </ul>
      <Button variant="default" mt="sm" loading={busy} onClick={() => void install()} data-testid="install-missing">
        Install them
      </Button>
    </Alert>
  );
}
