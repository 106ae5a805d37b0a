import { ActionIcon, Menu } from "@mantine/core";
import { IconCheck, IconEye, IconMoon, IconSun } from "@tabler/icons-react";
import { useStore } from "../state/hooks";
import { displayLabels, displayMode, displayModes, setDisplayMode } from "../theme/display";

const icons = { day: IconSun, night: IconMoon, red: IconEye } as const;

/** Day, night or red light. */
export function ThemeSwitch() {
  const mode = useStore(displayMode);
  const Icon = icons[mode];
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon aria-label={`Brightness: ${displayLabels[mode]}`} data-testid="theme-switch">
          <Icon aria-hidden="true" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {displayModes.map((choice) => {
          const ChoiceIcon = icons[choice];
          return (
            <Menu.Item
              key={choice}
              leftSection={<ChoiceIcon size={18} />}
              rightSection={choice === mode ? <IconCheck size={18} aria-label="chosen" /> : undefined}
              onClick={() => setDisplayMode(choice)}
              data-testid={`theme-${choice}`}
            >
              {displayLabels[choice]}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
