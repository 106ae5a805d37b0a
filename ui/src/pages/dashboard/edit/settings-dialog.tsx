import { Button, Group, Modal, NumberInput, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useState } from "react";
import { StateBadge } from "../../../components/state-badge";
import { usePath } from "../../../state/hooks";
import { unitCategories } from "../../../units/preferences";
import { scaleOf, toneOfState } from "../model/scale";
import type { Widget, WidgetSettings } from "../model/types";
import { WidgetContent } from "../widget-card";
import { widgetKind } from "../widgets/registry";
import { useWidgetUnit } from "../widgets/use-widget-value";
import { PathList } from "./path-list";

interface SettingsDialogProps {
  widget: Widget;
  close: () => void;
  save: (settings: WidgetSettings) => void;
}

/** What a widget shows and how, with a look at it. */
export function SettingsDialog({ widget, close, save }: SettingsDialogProps) {
  const isPhone = useMediaQuery("(max-width: 700px)");
  const [settings, setSettings] = useState(widget.settings);
  const [isChoosing, setChoosing] = useState(false);
  const kind = widgetKind(widget.kind);
  const fields = kind?.fields ?? [];
  const set = (change: { [Key in keyof WidgetSettings]?: WidgetSettings[Key] | undefined }) =>
    setSettings((before) => {
      const next: Record<string, unknown> = { ...before, ...change };
      // What is not set is absent, so that nothing is kept of it.
      for (const key of Object.keys(next)) if (next[key] === undefined || next[key] === "") delete next[key];
      return next as WidgetSettings;
    });
  return (
    <Modal opened onClose={close} title={`Settings: ${kind?.name ?? widget.kind}`} size="xl" fullScreen={isPhone === true}>
      <div className="dialog-columns">
        <Stack gap="sm">
          {fields.includes("path") &&
            (isChoosing ? (
              <PathList
                accepts={kind?.accepts ?? (() => true)}
                chosen={settings.path}
                onChoose={(path) => {
                  set({ path, source: undefined, unit: undefined, min: undefined, max: undefined });
                  setChoosing(false);
                }}
              />
            ) : (
              <Group gap="xs" align="flex-end" wrap="nowrap">
                <TextInput
                  flex={1}
                  label="Path"
                  value={settings.path ?? ""}
                  onChange={(event) => set({ path: event.currentTarget.value.trim() })}
                  spellCheck={false}
                  data-testid="setting-path"
                />
                <Button variant="default" onClick={() => setChoosing(true)}>
                  Choose
                </Button>
              </Group>
            ))}
          <TextInput
            label="Title"
            placeholder="As the value is called"
            value={settings.title ?? ""}
            maxLength={60}
            onChange={(event) => set({ title: event.currentTarget.value })}
            data-testid="setting-title"
          />
          {fields.includes("path") && settings.path !== undefined && <SourceChoice path={settings.path} settings={settings} set={set} />}
          <ValueFields key={settings.path} fields={fields} settings={settings} set={set} />
          {fields.includes("minutes") && (
            <Select
              label="Time shown"
              data={["5", "15", "30", "60", "180", "720"].map((value) => ({ value, label: Number(value) < 60 ? `${value} minutes` : `${Number(value) / 60} h` }))}
              value={String(settings.minutes ?? 15)}
              onChange={(value) => set({ minutes: Number(value) })}
            />
          )}
          {fields.includes("up") && (
            <SegmentedControl
              aria-label="What is up"
              data={[
                { value: "heading", label: "Heading up" },
                { value: "north", label: "North up" },
              ]}
              value={settings.up ?? "heading"}
              onChange={(value) => set({ up: value as "north" | "heading" })}
            />
          )}
        </Stack>
        <div className="preview" role="group" aria-label="Preview" data-testid="preview">
          <WidgetContent widget={{ kind: widget.kind, settings }} />
        </div>
      </div>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
        <Button onClick={() => save(settings)} data-testid="save-settings">
          Save
        </Button>
      </Group>
    </Modal>
  );
}

interface FieldProps {
  settings: WidgetSettings;
  set: (change: { [Key in keyof WidgetSettings]?: WidgetSettings[Key] | undefined }) => void;
}

function SourceChoice({ path, settings, set }: FieldProps & { path: string }) {
  // All that send it, not only the one that is preferred.
  const { row } = usePath(path, { source: settings.source ?? "" });
  const sources = new Set([...(row?.readings.map((reading) => reading.source) ?? []), ...(settings.source === undefined ? [] : [settings.source])]);
  return (
    <Select
      label="Source"
      data={[{ value: "", label: "The preferred one" }, ...[...sources].map((value) => ({ value, label: value }))]}
      value={settings.source ?? ""}
      onChange={(value) => set({ source: value ?? undefined })}
    />
  );
}

/** Unit, decimals and scale; numbers are typed in the unit that is shown. */
function ValueFields({ fields, settings, set }: FieldProps & { fields: readonly string[] }) {
  const path = settings.path ?? (fields.includes("path") ? "" : "environment.wind.speedApparent");
  const { meta, value } = usePath(path);
  const unit = useWidgetUnit(path, meta.units, settings);
  const number = typeof value === "number" ? value : undefined;
  const isNumeric = number !== undefined || meta.units !== undefined;
  if (!isNumeric) return null;
  const scale = scaleOf(path, meta, settings, number);
  const shown = (si: number) => Number(unit.convert(si).toFixed(unit.decimals));
  const limit = (key: "min" | "max") => (text: string | number) =>
    set({ [key]: text === "" || !Number.isFinite(Number(text)) ? undefined : unit.toSi(Number(text)) });
  return (
    <>
      {fields.includes("unit") && (
        <Group gap="xs" grow>
          {unit.category !== undefined && (
            <Select
              label="Unit"
              data={[{ value: "", label: "As I prefer" }, ...Object.keys(unitCategories[unit.category].units).map((name) => ({ value: name, label: name }))]}
              value={settings.unit ?? ""}
              onChange={(name) => set({ unit: name ?? undefined })}
              data-testid="setting-unit"
            />
          )}
          <NumberInput
            label="Decimals"
            placeholder={String(unit.decimals)}
            min={0}
            max={6}
            allowDecimal={false}
            value={settings.decimals ?? ""}
            onChange={(text) => set({ decimals: text === "" ? undefined : Number(text) })}
            data-testid="setting-decimals"
          />
        </Group>
      )}
      {fields.includes("range") && (
        <Group gap="xs" grow>
          <NumberInput label={`From (${unit.symbol})`} placeholder={String(shown(scale.min))} value={settings.min === undefined ? "" : shown(settings.min)} onChange={limit("min")} />
          <NumberInput label={`To (${unit.symbol})`} placeholder={String(shown(scale.max))} value={settings.max === undefined ? "" : shown(settings.max)} onChange={limit("max")} />
        </Group>
      )}
      {meta.zones.length > 0 ? (
        <div>
          <Text fw={500}>Zones</Text>
          <ul className="known-zones">
            {meta.zones.map((zone, index) => (
              <li key={index}>
                <StateBadge tone={toneOfState(zone.state)}>{zone.state}</StateBadge>
                {zone.lower === undefined ? "" : ` from ${unit.format(zone.lower)}`}
                {zone.upper === undefined ? "" : ` below ${unit.format(zone.upper)}`} {unit.symbol} {zone.message}
              </li>
            ))}
          </ul>
        </div>
      ) : (
        <Text c="dimmed" size="sm">
          Zones, such as from where on a depth is dangerous, are set for the value itself: choose it under <a href="#/data">Data</a>.
        </Text>
      )}
    </>
  );
}
