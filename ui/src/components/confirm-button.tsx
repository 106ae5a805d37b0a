import { Button, Group, Modal, Text, type ButtonProps } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState, type ReactNode } from "react";
import { messageOf } from "../api/http";

export interface ConfirmButtonProps extends ButtonProps {
  /** Of the dialog: a question. */
  title: string;
  /** What will happen, and whether it can be undone. */
  text: ReactNode;
  /** Of the button that does it: a verb, not "OK". */
  confirmLabel: string;
  /** Does it. What it rejects with is shown, and the dialog stays. */
  onConfirm: () => Promise<unknown> | void;
  children: ReactNode;
  testId?: string;
}

/** A button for what can't be undone: it asks once. */
export function ConfirmButton({ title, text, confirmLabel, onConfirm, children, testId, ...button }: ConfirmButtonProps) {
  const [opened, { open, close }] = useDisclosure(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const run = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await onConfirm();
      close();
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button variant="light" color="red" {...button} onClick={open} data-testid={testId}>
        {children}
      </Button>
      <Modal opened={opened} onClose={close} title={title} centered closeButtonProps={{ "aria-label": "Close" }}>
        <Text component="div">{text}</Text>
        {problem !== undefined && (
          <Text className="bad" role="alert" mt="sm">
            {problem}
          </Text>
        )}
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={busy} onClick={() => void run()} data-testid="confirm">
            {confirmLabel}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
