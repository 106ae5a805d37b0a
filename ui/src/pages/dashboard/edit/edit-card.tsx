import { ActionIcon } from "@mantine/core";
import { IconArrowDown, IconArrowsMove, IconArrowUp, IconMinus, IconPlus, IconResize, IconSettings, IconTrash, type Icon } from "@tabler/icons-react";
import { useEffect, useRef, type KeyboardEvent } from "react";
import { labelOf } from "../model/labels";
import type { Direction } from "../model/grid";
import type { Widget } from "../model/types";
import { WidgetContent } from "../widget-card";
import { widgetKind } from "../widgets/registry";

interface EditCardProps {
  widget: Widget;
  isPhone: boolean;
  /** It has just been added: it gets the focus. */
  isNew: boolean;
  move: (direction: Direction) => void;
  resize: (direction: Direction) => void;
  remove: () => void;
  settings: () => void;
}

const directions: Readonly<Record<string, Direction>> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

/** A widget with what can be done to it. Arrow keys move and size it from its handles; on a phone buttons do. */
export function EditCard({ widget, isPhone, isNew, move, resize, remove, settings }: EditCardProps) {
  const name = titleOf(widget);
  const tools = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isNew) return;
    tools.current?.scrollIntoView({ block: "nearest" });
    tools.current?.querySelector<HTMLElement>("[data-move]")?.focus();
    // Only when it appears.
  }, []);
  const byKeys = (step: (direction: Direction) => void) => (event: KeyboardEvent) => {
    const direction = directions[event.key];
    if (direction === undefined) return;
    event.preventDefault();
    step(direction);
  };
  return (
    <>
      <div className="edit-tools" ref={tools}>
        {isPhone ? (
          <>
            <Tool label={`Move ${name} up`} icon={IconArrowUp} onClick={() => move("up")} testId={`move-up-${widget.id}`} isMove />
            <Tool label={`Move ${name} down`} icon={IconArrowDown} onClick={() => move("down")} testId={`move-down-${widget.id}`} />
            <Tool label={`Make ${name} taller`} icon={IconPlus} onClick={() => resize("down")} testId={`taller-${widget.id}`} />
            <Tool label={`Make ${name} shorter`} icon={IconMinus} onClick={() => resize("up")} testId={`shorter-${widget.id}`} />
          </>
        ) : (
          <>
            <Tool label={`Move ${name}: drag, or use the arrow keys`} icon={IconArrowsMove} onKeyDown={byKeys(move)} testId={`move-${widget.id}`} isMove />
            <Tool
              label={`Size of ${name}: use the arrow keys, or drag the lower right corner`}
              icon={IconResize}
              onKeyDown={byKeys(resize)}
              testId={`resize-${widget.id}`}
            />
          </>
        )}
        <Tool label={`Settings of ${name}`} icon={IconSettings} onClick={settings} testId={`settings-${widget.id}`} />
        <Tool label={`Remove ${name}`} icon={IconTrash} onClick={remove} testId={`remove-${widget.id}`} />
      </div>
      {/* What is in it is only looked at now: its own buttons would be pressed by mistake. */}
      <div className="edit-content" inert>
        <WidgetContent widget={widget} />
      </div>
    </>
  );
}

function Tool(props: {
  label: string;
  icon: Icon;
  onClick?: () => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  testId: string;
  /** What a widget is dragged by, and what gets the focus when it is new. */
  isMove?: boolean;
}) {
  const { label, icon: Picture, onClick, onKeyDown, testId, isMove } = props;
  return (
    <ActionIcon aria-label={label} title={label} onClick={onClick} onKeyDown={onKeyDown} data-testid={testId} {...(isMove === true ? { "data-move": "" } : {})}>
      <Picture size={20} aria-hidden="true" />
    </ActionIcon>
  );
}

function titleOf({ kind, settings }: Widget): string {
  return settings.title ?? (settings.path === undefined ? (widgetKind(kind)?.name ?? kind) : labelOf(settings.path));
}
