import { Group, Select, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { fetchVessel, saveVessel, type Vessel } from "../../../api/server";
import { LoadState } from "../../../components/load-state";
import { notifyDone } from "../../../components/notify";
import { CopyButton } from "../../../components/copy-button";
import { SaveBar } from "../../../components/save-bar";
import { useLoad } from "../../../state/use-load";
import { unitOfPath, useUnitPreferences } from "../../../units/use-unit";
import { Effect } from "./effect";
import { changesOf, fieldLabels, formOf, lengthKeys, lengthPaths, problemsOf, shipTypeChoices, type FieldKey, type LengthUnits, type VesselForm } from "./vessel";

const help: Partial<Record<FieldKey, string>> = {
  mmsi: "Nine digits. Without one the boat goes by a made-up id.",
  callsignVhf: "Of the radio licence",
  height: "Of the mast's top, for bridges",
  gpsFromCenter: "To starboard; to port it is negative",
  aisShipType: "As other ships see her by AIS",
};

/** Who the boat is, and how large. */
export function VesselSection() {
  const vessel = useLoad(fetchVessel);
  return (
    <section className="page-card" aria-labelledby="vessel-title" data-testid="vessel-form">
      <Group justify="space-between">
        <h3 id="vessel-title">The boat</h3>
        <Effect when="now" />
      </Group>
      <LoadState of={vessel}>{(data) => <Form key={JSON.stringify(data)} vessel={data} reload={vessel.reload} />}</LoadState>
    </section>
  );
}

function Form({ vessel, reload }: { vessel: Vessel; reload: () => Promise<void> }) {
  const preferences = useUnitPreferences();
  const units = useMemo(
    () => Object.fromEntries(lengthKeys.map((key) => [key, unitOfPath(preferences, lengthPaths[key], "m")])) as unknown as LengthUnits,
    [preferences],
  );
  const before = useMemo(() => formOf(vessel, units), [vessel, units]);
  const [typed, setTyped] = useState<Partial<VesselForm>>({});
  const form: VesselForm = { ...before, ...typed };
  const problems = problemsOf(form, units);
  const changes = changesOf(before, form, units);
  const set = (key: FieldKey) => (text: string) => setTyped((now) => ({ ...now, [key]: text }));
  const save = async () => {
    const first = Object.values(problems)[0];
    if (first !== undefined) throw new Error(`Not saved: ${first}`);
    // Null takes a value away.
    await saveVessel(changes as Vessel);
    notifyDone("mmsi" in changes ? "Saved. The boat's id changes with the next restart." : "Saved");
    setTyped({});
    await reload();
  };
  const text = (key: FieldKey, extra: { inputMode?: "decimal" | "numeric"; unit?: string } = {}) => (
    <TextInput
      key={key}
      label={fieldLabels[key]}
      description={help[key]}
      value={form[key]}
      onChange={(event) => set(key)(event.currentTarget.value)}
      error={problems[key]}
      inputMode={extra.inputMode}
      rightSection={extra.unit === undefined ? undefined : <span className="muted">{extra.unit}</span>}
      rightSectionPointerEvents="none"
      autoComplete="off"
      data-testid={`vessel-${key}`}
    />
  );
  return (
    <>
      <div className="form-grid">
        {text("name")}
        <div>
          {text("mmsi", { inputMode: "numeric" })}
          <Effect when="both" />
        </div>
        {text("callsignVhf")}
        <Select
          label={fieldLabels.aisShipType}
          description={help.aisShipType}
          data={shipTypeChoices(form.aisShipType)}
          value={form.aisShipType}
          onChange={(value) => set("aisShipType")(value ?? "")}
          data-testid="vessel-aisShipType"
        />
        {lengthKeys.map((key) => text(key, { inputMode: "decimal", unit: units[key].symbol }))}
      </div>
      {vessel.uuid !== undefined && (
        <p className="muted vessel-uuid">
          Id of the boat: <code>{vessel.uuid}</code> <CopyButton text={vessel.uuid} label="Copy the id" />
        </p>
      )}
      <SaveBar changed={Object.keys(changes).length > 0} onSave={save} onUndo={() => setTyped({})} label="Save the boat" />
    </>
  );
}
