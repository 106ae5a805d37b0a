import { Button, Menu, Switch } from "@mantine/core";
import { IconDots, IconRefresh, IconRotateClockwise } from "@tabler/icons-react";
import { useState } from "react";
import { messageOf } from "../../../api/http";
import { disablePlugin, enablePlugin, reloadPlugin, restartPlugin, type PluginDetails, type PluginStatus } from "../../../api/plugins";
import { asksFirst } from "../model/capabilities";
import { ConsentDialog } from "./consent-dialog";
import { RemoveButton } from "./remove-button";

interface ActionsProps {
  plugin: PluginDetails;
  status: PluginStatus | undefined;
  onChanged: () => Promise<void>;
  /** What came of it; beside the plugin, for a note in a corner would cover the switch. */
  onTold: (told: Told) => void;
}

export interface Told {
  words: string;
  failed: boolean;
}

/** On and off, restart, reload and remove. */
export function Actions({ plugin, status, onChanged, onTold }: ActionsProps) {
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const { id, name, data } = plugin;
  const perform = async (work: () => Promise<unknown>, done: string, failed: string) => {
    setBusy(true);
    let told: Told = { words: done, failed: false };
    try {
      await work();
    } catch (error) {
      told = { words: `${failed}: ${messageOf(error)}`, failed: true };
    }
    onTold(told);
    await onChanged();
    setBusy(false);
    return !told.failed;
  };
  const enable = (consent: boolean) => perform(() => enablePlugin(id, consent), `${name} is on`, `${name} is not on`);
  const toggle = (on: boolean) => {
    if (!on) return void perform(() => disablePlugin(id), `${name} is off`, `${name} could not be switched off`);
    if (status !== undefined && asksFirst(status)) return setAsking(true);
    void enable(false);
  };
  return (
    <>
      <Switch
        label={data.enabled ? "On" : "Off"}
        aria-label={`${name} on or off`}
        size="md"
        checked={data.enabled}
        disabled={busy || status === undefined}
        onChange={(event) => toggle(event.currentTarget.checked)}
        data-testid="plugin-enabled"
      />
      <Menu position="bottom-end" shadow="md">
        <Menu.Target>
          <Button variant="default" leftSection={<IconDots size={18} aria-hidden="true" />} loading={busy} data-testid="plugin-more">
            More
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconRotateClockwise size={18} aria-hidden="true" />}
            disabled={!data.enabled}
            onClick={() => void perform(() => restartPlugin(id), `${name} was started again`, `${name} could not be started again`)}
            data-testid="plugin-restart"
          >
            Restart
          </Menu.Item>
          <Menu.Item
            leftSection={<IconRefresh size={18} aria-hidden="true" />}
            onClick={() => void perform(() => reloadPlugin(id), `${name} was loaded anew`, `${name} was not loaded anew`)}
            data-testid="plugin-reload"
          >
            Reload its files
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {plugin.bundled !== true && <RemoveButton plugin={plugin} />}
      {status !== undefined && (
        <ConsentDialog
          opened={asking}
          onClose={() => setAsking(false)}
          plugin={plugin}
          status={status}
          label="Agree and switch on"
          onAgree={() => enable(true)}
        />
      )}
    </>
  );
}
