import { ActionIcon, Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { ConfirmButton } from "../../../components/confirm-button";
import { navigate } from "../../../state/location";
import { addPage, movePage, removePage, renamePage } from "../model/edit";
import { MAX_NAME, MAX_PAGES, type Dashboard } from "../model/types";

interface PagesDialogProps {
  dashboard: Dashboard;
  change: (dashboard: Dashboard) => void;
  close: () => void;
  current: string;
}

/** The pages: their names, their order, and how long each is shown in kiosk mode. */
export function PagesDialog({ dashboard, change, close, current }: PagesDialogProps) {
  const isPhone = useMediaQuery("(max-width: 700px)");
  const [name, setName] = useState("");
  const go = (id: string) => navigate(`/dashboard/${id}`, { replace: true });
  const add = () => {
    const added = addPage(dashboard, name);
    if (added === undefined) return;
    change(added.dashboard);
    setName("");
    go(added.id);
  };
  const remove = (id: string) => {
    const next = removePage(dashboard, id);
    change(next);
    if (id === current && next.pages[0] !== undefined) go(next.pages[0].id);
  };
  const isFull = dashboard.pages.length >= MAX_PAGES;
  return (
    <Modal opened onClose={close} title="Pages" size="lg" fullScreen={isPhone === true}>
      <Stack gap="sm">
        {dashboard.pages.map(({ id, name: present }, index) => (
          <Group key={id} gap="xs" wrap="nowrap" data-testid={`page-row-${id}`}>
            <NameField name={present} rename={(next) => change(renamePage(dashboard, id, next))} />
            <ActionIcon aria-label={`Move ${present} up`} disabled={index === 0} onClick={() => change(movePage(dashboard, id, -1))}>
              <IconArrowUp aria-hidden="true" />
            </ActionIcon>
            <ActionIcon
              aria-label={`Move ${present} down`}
              disabled={index === dashboard.pages.length - 1}
              onClick={() => change(movePage(dashboard, id, 1))}
            >
              <IconArrowDown aria-hidden="true" />
            </ActionIcon>
            <ConfirmButton
              title={`Delete the page “${present}”?`}
              text="It goes with everything on it. Undo brings it back as long as you edit."
              confirmLabel="Delete the page"
              onConfirm={() => remove(id)}
              disabled={dashboard.pages.length === 1}
              px="xs"
              testId={`delete-page-${id}`}
            >
              Delete
            </ConfirmButton>
          </Group>
        ))}
        <form
          onSubmit={(event) => {
            event.preventDefault();
            add();
          }}
        >
          <Group gap="xs" align="flex-end" wrap="nowrap">
            <TextInput
              flex={1}
              label="New page"
              placeholder="Anchoring, engine, night watch …"
              maxLength={MAX_NAME}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              data-testid="new-page-name"
            />
            <Button type="submit" leftSection={<IconPlus size={18} aria-hidden="true" />} disabled={name.trim() === "" || isFull} data-testid="add-page">
              Add
            </Button>
          </Group>
        </form>
        <Select
          label="When only the page is shown (kiosk)"
          data={[
            { value: "0", label: "Stay on a page" },
            ...["10", "20", "30", "60", "300"].map((value) => ({
              value,
              label: `Next page after ${Number(value) < 60 ? `${value} s` : `${Number(value) / 60} min`}`,
            })),
            ...(["0", "10", "20", "30", "60", "300"].includes(String(dashboard.rotate)) ? [] : [{ value: String(dashboard.rotate), label: `Next page after ${dashboard.rotate} s` }]),
          ]}
          value={String(dashboard.rotate)}
          onChange={(value) => change({ ...dashboard, rotate: Number(value) })}
          data-testid="rotation"
        />
        <Group justify="flex-end">
          <Button onClick={close} data-testid="close-pages">
            Close
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** Renames when it is left, so that each letter is no step to undo. */
function NameField({ name, rename }: { name: string; rename: (name: string) => void }) {
  const [text, setText] = useState<string>();
  const finish = () => {
    if (text !== undefined && text.trim() !== "" && text !== name) rename(text);
    setText(undefined);
  };
  return (
    <TextInput
      flex={1}
      miw={90}
      aria-label={`Name of the page ${name}`}
      value={text ?? name}
      maxLength={MAX_NAME}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={finish}
      onKeyDown={(event) => {
        if (event.key === "Enter") finish();
      }}
    />
  );
}
