import { Button, FileButton, Group, Menu, Modal, Text } from "@mantine/core";
import { IconDots, IconDownload, IconRotate, IconUpload, IconUsers } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { saveFile } from "../../../api/http";
import { act, notifyDone, notifyProblem } from "../../../components/notify";
import { useIsAdmin } from "../../../state/hooks";
import { parseExport, serializeDashboard } from "../model/parse";
import type { Dashboard } from "../model/types";
import type { DashboardView } from "../use-dashboard";

/** A dashboard of many pages is far smaller than this, bytes. */
const MAX_FILE = 1_000_000;

/** What is done with a dashboard as a whole. */
export function MoreMenu({ view, dashboard }: { view: DashboardView; dashboard: Dashboard }) {
  const isAdmin = useIsAdmin();
  const [isAsking, setAsking] = useState(false);
  const openFile = useRef<() => void>(undefined);
  const forgetFile = useRef<() => void>(null);
  const take = async (file: File | null) => {
    if (file === null) return;
    try {
      if (file.size > MAX_FILE) throw new Error("This file is too large for a dashboard.");
      view.change(parseExport(await file.text()));
      notifyDone("The dashboard of the file is shown. Undo brings back the one before.");
    } catch (error) {
      notifyProblem("The file could not be used", error);
    } finally {
      // The same file can be chosen again.
      forgetFile.current?.();
    }
  };
  const text = () => JSON.stringify(serializeDashboard(dashboard), undefined, 2);
  return (
    <>
      <FileButton accept="application/json,.json" onChange={(file) => void take(file)} resetRef={forgetFile} inputProps={{ "aria-label": "Dashboard to import" }}>
        {({ onClick }) => {
          openFile.current = onClick;
          return null;
        }}
      </FileButton>
      <Menu position="bottom-start" withinPortal>
        <Menu.Target>
          <Button variant="default" leftSection={<IconDots size={18} aria-hidden="true" />} data-testid="more">
            More
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconDownload size={18} />}
            onClick={() => saveFile(new Blob([text()], { type: "application/json" }), "dashboard.json")}
            data-testid="export"
          >
            Export to a file
          </Menu.Item>
          <Menu.Item leftSection={<IconUpload size={18} />} onClick={() => openFile.current?.()} data-testid="import">
            Import from a file
          </Menu.Item>
          {isAdmin && (
            <Menu.Item
              leftSection={<IconUsers size={18} />}
              onClick={() =>
                void act(() => view.store.saveForEverybody(dashboard), "Everybody who has made no dashboard gets this one", "It could not be saved for everybody")
              }
              data-testid="for-everybody"
            >
              Give it to everybody who has none
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconRotate size={18} />} onClick={() => setAsking(true)} disabled={view.kept.dashboard === undefined} data-testid="reset">
            Back to the default
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={isAsking} onClose={() => setAsking(false)} title="Forget this dashboard?">
        <Text>The default takes its place: it shows what the boat has data for. Undo brings yours back as long as you edit.</Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={() => setAsking(false)} data-autofocus>
            Cancel
          </Button>
          <Button
            color="red"
            onClick={() => {
              setAsking(false);
              view.reset();
            }}
            data-testid="confirm"
          >
            Forget it
          </Button>
        </Group>
      </Modal>
    </>
  );
}
