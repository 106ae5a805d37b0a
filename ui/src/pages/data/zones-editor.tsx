import { ActionIcon, Button, Select, Text, TextInput } from "@mantine/core";
import { IconArrowUp, IconPlus, IconTrash } from "@tabler/icons-react";
import type { Unit } from "../../units/use-unit";
import { zoneStates } from "../../units/zones";
import { problemOf, type ZoneDraft } from "./meta-draft";

/** As many as a server keeps of a path. */
const MAX_ZONES = 100;

interface ZonesEditorProps {
  zones: readonly ZoneDraft[];
  unit: Unit;
  readOnly: boolean;
  onChange: (zones: ZoneDraft[]) => void;
}

/** The zones of a path, in the order in which they are tested. */
export function ZonesEditor({ zones, unit, readOnly, onChange }: ZonesEditorProps) {
  const add = () => {
    const key = 1 + Math.max(-1, ...zones.map((zone) => zone.key));
    onChange([...zones, { key, state: "alarm", lower: "", upper: "", message: "", saved: {} }]);
  };
  return (
    <>
      {zones.length === 0 && (
        <Text py="sm" data-testid="no-zones">
          {readOnly ? "No zones: this value raises no alarm." : "No zones yet: this value raises no alarm. Add a zone for when it should."}
        </Text>
      )}
      <ol className="zones">
        {zones.map((zone, index) => (
          <ZoneRow
            key={zone.key}
            zone={zone}
            number={index + 1}
            unit={unit}
            readOnly={readOnly}
            onChange={(part) => onChange(zones.map((one) => (one.key === zone.key ? { ...one, ...part } : one)))}
            onRemove={() => onChange(zones.filter((one) => one.key !== zone.key))}
            onUp={() => onChange(zones.toSpliced(index, 1).toSpliced(index - 1, 0, zone))}
          />
        ))}
      </ol>
      {!readOnly && (
        <Button
          variant="default"
          leftSection={<IconPlus size={18} aria-hidden="true" />}
          onClick={add}
          disabled={zones.length >= MAX_ZONES}
          data-testid="add-zone"
        >
          Add a zone
        </Button>
      )}
    </>
  );
}

interface ZoneRowProps {
  zone: ZoneDraft;
  number: number;
  unit: Unit;
  readOnly: boolean;
  onChange: (part: Partial<ZoneDraft>) => void;
  onRemove: () => void;
  onUp: () => void;
}

function ZoneRow({ zone, number, unit, readOnly, onChange, onRemove, onUp }: ZoneRowProps) {
  const inUnit = unit.symbol === "" ? "" : ` (${unit.symbol})`;
  const states = zoneStates.some((state) => state === zone.state) ? zoneStates : [...zoneStates, zone.state];
  const problem = problemOf(zone);
  // What has not been typed yet is no mistake.
  const isUntouched = zone.lower === "" && zone.upper === "";
  return (
    <li className="zone" data-testid={`zone-${number}`}>
      <Select
        label="State"
        data={[...states]}
        value={zone.state}
        readOnly={readOnly}
        onChange={(state) => onChange({ state: state ?? zone.state })}
        data-testid={`zone-state-${number}`}
      />
      <TextInput
        label={`From${inUnit}`}
        inputMode="decimal"
        placeholder="no limit"
        value={zone.lower}
        readOnly={readOnly}
        error={problem !== undefined && !isUntouched}
        onChange={(event) => onChange({ lower: event.currentTarget.value })}
        data-testid={`zone-lower-${number}`}
      />
      <TextInput
        label={`To${inUnit}`}
        inputMode="decimal"
        placeholder="no limit"
        value={zone.upper}
        readOnly={readOnly}
        error={problem !== undefined && !isUntouched}
        onChange={(event) => onChange({ upper: event.currentTarget.value })}
        data-testid={`zone-upper-${number}`}
      />
      <TextInput
        className="zone-message"
        label="Message"
        placeholder="What to tell the crew"
        value={zone.message}
        readOnly={readOnly}
        onChange={(event) => onChange({ message: event.currentTarget.value })}
        data-testid={`zone-message-${number}`}
      />
      {!readOnly && (
        <span className="zone-actions">
          <ActionIcon aria-label={`Test zone ${number} earlier`} disabled={number === 1} onClick={onUp}>
            <IconArrowUp size={20} aria-hidden="true" />
          </ActionIcon>
          <ActionIcon aria-label={`Remove zone ${number}`} onClick={onRemove} data-testid={`remove-zone-${number}`}>
            <IconTrash size={20} aria-hidden="true" />
          </ActionIcon>
        </span>
      )}
      {problem !== undefined && (
        <Text className={isUntouched ? "muted zone-problem" : "bad zone-problem"} size="sm" role={isUntouched ? undefined : "alert"}>
          {problem}
        </Text>
      )}
    </li>
  );
}
