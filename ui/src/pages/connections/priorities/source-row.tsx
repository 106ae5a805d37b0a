import { ActionIcon } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconGripVertical } from "@tabler/icons-react";
import { useEffect, useRef, useState, type ReactNode, type RefObject } from "react";
import { move, placeAt } from "./model";

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

/** Sources by rank, put in order with buttons, or dragged with a mouse or a finger. */
export function RankedList<T>({ items, sourceOf, aliasOf, label, onChange, render, tools }: RankedListProps<T>) {
  const list = useRef<HTMLOListElement>(null);
  const [said, setSaid] = useState("");
  const nameOf = (source: string) => aliasOf(source) ?? source;
  const moveTo = (from: number, to: number) => {
    const item = items[from];
    if (item === undefined || to < 0 || to >= items.length || to === from) return;
    onChange(move(items, from, to));
    setSaid(`${nameOf(sourceOf(item))} is now number ${to + 1} of ${items.length}`);
  };
  const [dragged, setDragged] = useDrag(list, (source, place) => moveTo(items.findIndex((item) => sourceOf(item) === source), place));
  return (
    <>
      <ol className="source-list" aria-label={label} style={{ paddingLeft: 0 }} ref={list}>
        {items.map((item, index) => {
          const source = sourceOf(item);
          const name = nameOf(source);
          return (
            <li key={source} className="source-row" data-source={source} data-dragged={dragged === source} data-testid={`rank-${source}`} data-rank={index + 1}>
              {/* Only the handle: fields of the row are clicked and selected in. */}
              <span
                className="source-grip muted"
                aria-hidden="true"
                onPointerDown={(event) => {
                  if (event.button !== 0) return;
                  event.preventDefault();
                  setDragged(source);
                }}
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
                <Step label={`Move ${name} up`} isLast={index === 0} onStep={() => moveTo(index, index - 1)} testId={`up-${source}`}>
                  <IconArrowUp size={20} aria-hidden="true" />
                </Step>
                <Step label={`Move ${name} down`} isLast={index === items.length - 1} onStep={() => moveTo(index, index + 1)} testId={`down-${source}`}>
                  <IconArrowDown size={20} aria-hidden="true" />
                </Step>
              </div>
            </li>
          );
        })}
      </ol>
      <p className="visually-hidden" role="status" data-testid="rank-said">
        {said}
      </p>
    </>
  );
}

interface StepProps {
  label: string;
  /** It goes no further. */
  isLast: boolean;
  onStep: () => void;
  testId: string;
  children: ReactNode;
}

/** A button that is not disabled at the end of the list but only says so: a disabled one would lose the focus of the keyboard. */
function Step({ label, isLast, onStep, testId, children }: StepProps) {
  return (
    <ActionIcon aria-label={label} aria-disabled={isLast} {...(isLast && { "data-disabled": true })} onClick={onStep} data-testid={testId}>
      {children}
    </ActionIcon>
  );
}

/**
 * Follows a pointer from a handle to wherever it is let go, and tells over which place of the list it is. The row moves in the
 * document meanwhile, so it is the document that is listened to.
 */
function useDrag(list: RefObject<HTMLOListElement | null>, onPlace: (source: string, place: number) => void) {
  const [dragged, setDragged] = useState<string>();
  const latest = useRef(onPlace);
  useEffect(() => {
    latest.current = onPlace;
  });
  useEffect(() => {
    if (dragged === undefined) return;
    const follow = (event: PointerEvent) => {
      const rows = [...(list.current?.children ?? [])].filter((row): row is HTMLElement => row instanceof HTMLElement);
      const boxes = rows.filter((row) => row.dataset.source !== dragged).map((row) => row.getBoundingClientRect());
      latest.current(dragged, placeAt(boxes, event.clientY));
    };
    const end = () => setDragged(undefined);
    const events = new AbortController();
    const options = { signal: events.signal };
    document.addEventListener("pointermove", follow, options);
    for (const type of ["pointerup", "pointercancel"] as const) document.addEventListener(type, end, options);
    return () => events.abort();
  }, [dragged, list]);
  return [dragged, setDragged] as const;
}
