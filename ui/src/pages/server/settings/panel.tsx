import { Button, Stack } from "@mantine/core";
import { IconRuler2 } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import type { SettingsReport } from "../../../api/server";
import { OutcomeAlert } from "./outcome-alert";
import { SettingsSection } from "./settings-form";
import { VesselSection } from "./vessel-form";

const UnitsDialog = lazy(() => import("../../../shell/units-dialog"));

/** The boat, the units, and how the server works. */
export default function SettingsPanel() {
  const [report, setReport] = useState<SettingsReport>();
  const [isChoosingUnits, setChoosingUnits] = useState(false);
  return (
    <Stack gap="md" data-testid="settings">
      <VesselSection />
      <section className="page-card" aria-labelledby="units-title">
        <h3 id="units-title">Units</h3>
        <p className="muted">Knots or km/h, metres or feet: everybody chooses for themselves, and it holds at once.</p>
        <Button mt="sm" variant="default" leftSection={<IconRuler2 size={18} />} onClick={() => setChoosingUnits(true)} data-testid="choose-units">
          Choose units
        </Button>
      </section>
      {report !== undefined && <OutcomeAlert report={report} />}
      <SettingsSection onSaved={setReport} />
      {isChoosingUnits && (
        <Suspense>
          <UnitsDialog close={() => setChoosingUnits(false)} />
        </Suspense>
      )}
    </Stack>
  );
}
