import { Button, Drawer, Group, Modal, Tabs, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useState } from "react";
import { usePath, useSubscription } from "../../state/hooks";
import { navigate } from "../../state/location";
import { EditTab } from "./edit-tab";
import { JsonTab } from "./json-tab";
import { detailRoute, detailTabs, listRoute, OWN } from "./route";
import { ValueTab } from "./value-tab";

export interface DetailProps {
  path: string;
  /** Undefined is own ship. */
  context: string | undefined;
}

/** All about one path, beside the list; on a phone instead of it. */
export function Detail({ path, context, tab }: DetailProps & { tab: string | undefined }) {
  const shown = detailTabs.find((one) => one === tab) ?? "value";
  // Each reading as it comes: for a list five a second are enough, for a rate they are not.
  useSubscription([{ context: context ?? OWN, path, period: 0, allSources: true }]);
  const { meta } = usePath(path, { context });
  const isPhone = useMediaQuery("(max-width: 48em)", window.matchMedia("(max-width: 48em)").matches, { getInitialValueInEffect: false });
  const [isChanged, setChanged] = useState(false);
  const [leaving, setLeaving] = useState<string>();
  const go = (route: string) => {
    if (isChanged) setLeaving(route);
    else navigate(route, { replace: true });
  };
  return (
    <>
      <Drawer
        opened
        onClose={() => go(listRoute(context))}
        position="right"
        size={isPhone ? "100%" : 620}
        title={<span className="path detail-title">{meta.displayName ?? path}</span>}
        closeButtonProps={{ "aria-label": "Close", "data-testid": "close-detail" } as object}
        data-testid="detail"
        classNames={{ content: "detail" }}
      >
        <Tabs
          value={shown}
          onChange={(next) => go(detailRoute(path, context, detailTabs.find((one) => one === next)))}
          keepMounted={false}
        >
          <Tabs.List mb="md">
            <Tabs.Tab value="value" data-testid="tab-value">
              Value
            </Tabs.Tab>
            <Tabs.Tab value="edit" data-testid="tab-edit">
              Zones and meta
            </Tabs.Tab>
            <Tabs.Tab value="json" data-testid="tab-json">
              JSON
            </Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="value">
            <ValueTab path={path} context={context} />
          </Tabs.Panel>
          <Tabs.Panel value="edit">
            <EditTab path={path} context={context} onChanged={setChanged} />
          </Tabs.Panel>
          <Tabs.Panel value="json">
            <JsonTab path={path} context={context} />
          </Tabs.Panel>
        </Tabs>
      </Drawer>
      <Modal opened={leaving !== undefined} onClose={() => setLeaving(undefined)} title="Leave without saving?" zIndex={400}>
        <Text>What you changed of this path is not saved yet.</Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={() => setLeaving(undefined)} data-autofocus>
            Stay
          </Button>
          <Button color="red" onClick={() => leaving !== undefined && navigate(leaving, { replace: true })} data-testid="leave">
            Leave
          </Button>
        </Group>
      </Modal>
    </>
  );
}
