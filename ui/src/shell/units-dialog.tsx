import { Button, Group, Modal, SegmentedControl, Select, Stack, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { notifyProblem } from "../components/notify";
import { useLive } from "../state/hooks";
import { categoryIds, presetIds, presets, unitCategories, unitName, type CategoryId, type PresetId, type UnitPreferences } from "../units/preferences";
import { useUnitPreferences } from "../units/use-unit";

/** In which units the person at this screen reads what. What is chosen holds at once. */
export default function UnitsDialog({ close }: { close: () => void }) {
  const live = useLive();
  const preferences = useUnitPreferences();
  const isPhone = useMediaQuery("(max-width: 700px)");
  const save = (next: UnitPreferences) => {
    live.units.save(next).catch((error: unknown) => notifyProblem("The units hold here, but could not be saved", error));
  };
  const setUnit = (category: CategoryId, name: string) => {
    const { [category]: _, ...others } = preferences.own;
    const isOfPreset = unitName({ preset: preferences.preset, own: {} }, category) === name;
    save({ ...preferences, own: isOfPreset ? others : { ...others, [category]: name } });
  };
  const hasOwn = Object.keys(preferences.own).length > 0;
  return (
    <Modal opened onClose={close} title="Units" size="lg" fullScreen={isPhone === true} data-testid="units-dialog">
      <Stack gap="sm">
        <SegmentedControl
          fullWidth
          aria-label="Set of units"
          data={presetIds.map((id) => ({ value: id, label: presets[id].label }))}
          value={preferences.preset}
          onChange={(preset) => save({ preset: preset as PresetId, own: {} })}
        />
        <Text c="dimmed">{hasOwn ? "With units of your own below." : "Each quantity can have a unit of your own:"}</Text>
        <div className="unit-choices">
          {categoryIds.map((id) => (
            <Select
              key={id}
              label={unitCategories[id].label}
              data={Object.keys(unitCategories[id].units)}
              value={unitName(preferences, id)}
              onChange={(name) => name !== null && setUnit(id, name)}
              data-testid={`unit-${id}`}
            />
          ))}
        </div>
        <Group justify="flex-end">
          <Button onClick={close}>Close</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
