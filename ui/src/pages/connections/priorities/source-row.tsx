import { ActionIcon } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconGripVertical } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";
import { move } from "./model";

export interface RankedListProps<T> {
  items: readonly T[];
  /** The source of an entry. */
  sourceOf: (item: T) => string;
  /** What people call it. */
  aliasOf: (source: string) => string | undefined;
  label: string;
  onChange: (items: T[]) => void;
  /** What else there is to an entry. */
  render: (item: T, index: number) => ReactNode;
  /** Buttons of an entry. */
  tools?: (item: T, index: number) => ReactNode;
}

/** Sources by rank, put in order with buttons, or dragged with a mouse. */
export function RankedList<T>({ items, sourceOf, aliasOf, label, onChange, render, tools }: RankedListProps<T>) {
  const [dragged, setDragged] = useState<number>();
  return (
    <ol className="source-list" aria-label={label} style={{ paddingLeft: 0 }}>
      {items.map((item, index) => {
        const source = sourceOf(item);
        const name = aliasOf(source) ?? source;
        return (
          <li
            key={source}
            className="source-row"
            data-dragged={dragged === index}
            data-testid={`rank-${source}`}
            data-rank={index + 1}
            onDragOver={(event) => {
              if (dragged === undefined) return;
              event.preventDefault();
              if (dragged === index) return;
              onChange(move(items, dragged, index));
              setDragged(index);
            }}
            onDrop={(event) => event.preventDefault()}
          >
            {/* Only the handle: fields of the row are clicked and selected in. */}
            <span
              className="source-grip muted"
              aria-hidden="true"
              draggable
              onDragStart={(event) => {
                event.dataTransfer.effectAllowed = "move";
                event.dataTransfer.setData("text/plain", source);
                setDragged(index);
              }}
              onDragEnd={() => setDragged(undefined)}
            >
              <IconGripVertical size={18} />
            </span>
            <span className="source-rank number">{index + 1}.</span>
            <div className="source-name">
              <strong>{name}</strong>
              {name !== source && <span className="muted"> {source}</span>}
              {render(item, index)}
            </div>
            <div className="source-tools">
              {tools?.(item, index)}
              <ActionIcon aria-label={`Move ${name} up`} disabled={index === 0} onClick={() => onChange(move(items, index, index - 1))} data-testid={`up-${source}`}>
                <IconArrowUp size={20} aria-hidden="true" />
              </ActionIcon>
              <ActionIcon
                aria-label={`Move ${name} down`}
                disabled={index === items.length - 1}
                onClick={() => onChange(move(items, index, index + 1))}
                data-testid={`down-${source}`}
              >
                <IconArrowDown size={20} aria-hidden="true" />
              </ActionIcon>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
