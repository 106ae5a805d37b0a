import { Button, Group, Modal } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useState } from "react";
import type { WidgetSettings } from "../model/types";
import { useLive } from "../../../state/hooks";
import { WidgetContent } from "../widget-card";
import { widgetKinds } from "../widgets/registry";
import type { WidgetKind } from "../widgets/types";
import { PathList } from "./path-list";

interface AddDialogProps {
  close: () => void;
  add: (widget: { kind: string; settings: WidgetSettings; size: { w: number; h: number } }) => void;
}

/** First what kind of widget, then of what, with a look at it before it is added. */
export function AddDialog({ close, add }: AddDialogProps) {
  const live = useLive();
  const isPhone = useMediaQuery("(max-width: 700px)");
  const [kind, setKind] = useState<WidgetKind>();
  const [path, setPath] = useState<string>();
  const choose = (next: WidgetKind) => {
    const { suggested, fields } = next;
    const known = suggested !== undefined && live.vessel.get().byPath.has(suggested);
    setPath(fields.includes("path") && known ? suggested : undefined);
    setKind(next);
  };
  const needsPath = kind?.fields.includes("path") === true;
  const settings: WidgetSettings = path === undefined ? {} : { path };
  return (
    <Modal opened onClose={close} title={kind === undefined ? "Add a widget" : `Add: ${kind.name}`} size="xl" fullScreen={isPhone === true}>
      {kind === undefined ? (
        <div className="kind-choices">
          {widgetKinds.map((one) => (
            <button key={one.kind} type="button" className="kind-choice" onClick={() => choose(one)} data-testid={`kind-${one.kind}`}>
              <one.icon size={28} aria-hidden="true" />
              <span>
                <strong>{one.name}</strong>
                <span className="muted">{one.description}</span>
              </span>
            </button>
          ))}
        </div>
      ) : (
        <>
          <div className="dialog-columns" data-single={!needsPath}>
            {needsPath && <PathList accepts={kind.accepts} chosen={path} onChoose={setPath} />}
            <div className="preview" aria-label="Preview" role="group" data-testid="preview">
              {!needsPath || path !== undefined ? <WidgetContent widget={{ kind: kind.kind, settings }} /> : <p className="no-value">Choose a value to see it here</p>}
            </div>
          </div>
          <Group justify="space-between" mt="md">
            <Button variant="default" onClick={() => setKind(undefined)}>
              Back
            </Button>
            <Button disabled={needsPath && path === undefined} onClick={() => add({ kind: kind.kind, settings, size: kind.size })} data-testid="add">
              Add
            </Button>
          </Group>
        </>
      )}
    </Modal>
  );
}
