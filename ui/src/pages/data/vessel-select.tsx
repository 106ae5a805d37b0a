import { Select } from "@mantine/core";
import { useCallback, useState } from "react";
import { asString } from "../../signalk/frames";
import type { Live } from "../../state/live";
import { useLive, useSubscription } from "../../state/hooks";
import type { Want } from "../../state/subscriptions";
import { OWN } from "./route";

/** What tells that somebody is there, and who it is. */
const wants: readonly Want[] = ["", "navigation.position"].map((path) => ({ context: "*", path, period: 5_000 }));
/** Lines of the menu; the rest is found by searching. */
const MAX_SHOWN = 100;

/** Chooses whose data are shown; undefined is own ship. */
export function VesselSelect({ context, onChange }: { context: string | undefined; onChange: (context: string | undefined) => void }) {
  const live = useLive();
  useSubscription(wants);
  // Put together when the menu opens: names come and go with each AIS message.
  const [choices, setChoices] = useState(() => choicesOf(live, context));
  const open = useCallback(() => setChoices(choicesOf(live, context)), [live, context]);
  return (
    <Select
      label="Vessel"
      searchable
      limit={MAX_SHOWN}
      data={choices}
      value={context ?? OWN}
      onDropdownOpen={open}
      onChange={(value) => onChange(value === null || value === OWN ? undefined : value)}
      nothingFoundMessage="No such vessel"
      data-testid="vessel-select"
    />
  );
}

function choicesOf(live: Live, context: string | undefined): { value: string; label: string }[] {
  const contexts = new Set(live.contexts.get());
  if (context !== undefined) contexts.add(context);
  const others = [...contexts].map((value) => ({ value, label: vesselName(value, live.snapshotOf(value).get().byPath.get("name")?.latest.value) }));
  return [{ value: OWN, label: "Own ship" }, ...others.sort((a, b) => (a.label < b.label ? -1 : 1))];
}

/** "Aurora, 230000001", "230000001", "atons 992301234": name and MMSI, as far as they are known. */
export function vesselName(context: string, name: unknown): string {
  const dot = context.indexOf(".");
  const kind = context.slice(0, dot);
  const id = context.slice(dot + 1).replace(/^urn:mrn:imo:mmsi:/, "").replace(/^urn:mrn:signalk:uuid:/, "");
  const place = kind === "vessels" ? id : `${kind} ${id}`;
  const known = asString(name)?.trim() ?? "";
  return known === "" ? place : `${known}, ${place}`;
}
