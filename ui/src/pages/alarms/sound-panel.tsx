import { Alert, Button, Group, Slider, Switch, Text } from "@mantine/core";
import { IconVolume } from "@tabler/icons-react";
import { useState } from "react";
import { useLive, useStore } from "../../state/hooks";

/** The sound of this device: on or off, how loud, and how it is. */
export function SoundPanel() {
  const { sound } = useLive();
  const enabled = useStore(sound.enabled);
  const blocked = useStore(sound.blocked);
  const volume = useStore(sound.volume);
  const [tested, setTested] = useState(false);
  return (
    <section className="page-card" aria-labelledby="sound-title" data-testid="sound-panel">
      <h3 id="sound-title">Sound of this device</h3>
      <Group gap="md" mt="xs" align="center">
        <Switch label="Sound alarms here" checked={enabled} onChange={(event) => sound.setEnabled(event.currentTarget.checked)} data-testid="sound-enabled" />
        <div className="volume">
          <Text component="label" id="volume-label" size="sm">
            Volume
          </Text>
          <Slider
            min={0.1}
            max={1}
            step={0.1}
            value={volume}
            onChange={sound.setVolume}
            label={(value) => `${Math.round(value * 100)} %`}
            thumbLabel="Volume"
            thumbSize={24}
            disabled={!enabled}
            data-testid="sound-volume"
          />
        </div>
        <Button
          variant="default"
          leftSection={<IconVolume size={18} aria-hidden="true" />}
          onClick={() => {
            sound.test();
            setTested(true);
          }}
          data-testid="sound-test"
        >
          Test
        </Button>
      </Group>
      {blocked && (
        <Alert color="yellow" mt="sm" title="The browser allows no sound yet">
          Touch this page once, anywhere; then alarms can be heard.
        </Alert>
      )}
      <Text size="sm" c="dimmed" mt="sm">
        {tested && !blocked ? "If you heard nothing, turn up the device itself and look whether it is muted. " : ""}
        Browsers let a page make sounds only after it has been touched: touch it once whenever it was opened anew. A device that sleeps makes none.
        What sounds is up to each alarm: in the zones of a path you choose which of its alarms do.
      </Text>
    </section>
  );
}
