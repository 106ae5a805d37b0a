import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useRef, type ReactNode } from "react";

export interface VirtualListProps<T> {
  items: readonly T[];
  /** Stable name of an item. */
  keyOf: (item: T) => string | number;
  render: (item: T, index: number) => ReactNode;
  /** What the list is, for screen readers. */
  label: string;
  /** Height of a row, px; measured when rows differ. */
  rowHeight?: number;
  /** CSS height of the list. */
  height?: string | number;
  /** Keeps the end in view while it is there, as for a log. */
  follow?: boolean;
  /** Rows beyond those in view that are in the page too; all of a short list can be. */
  overscan?: number;
  testId?: string;
}

/** A list of which only the rows in view are in the page: for thousands of them. */
export function VirtualList<T>(props: VirtualListProps<T>) {
  const { items, keyOf, render, label, rowHeight = 44, height = "60vh", follow = false, overscan = 12, testId } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: useCallback(
      (index: number) => {
        const item = items[index];
        return item === undefined ? index : keyOf(item);
      },
      // A function that is new would have all rows measured again.
      [items, keyOf],
    ),
    overscan,
  });
  const following = useRef(true);
  const count = useRef(0);
  if (follow && following.current && count.current !== items.length) {
    count.current = items.length;
    queueMicrotask(() => virtual.scrollToIndex(items.length - 1));
  }
  return (
    <div
      ref={scroller}
      className="virtual-list"
      style={{ height }}
      role="list"
      aria-label={label}
      // Scrolled with the keyboard too.
      tabIndex={0}
      data-testid={testId}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        following.current = scrollHeight - scrollTop - clientHeight < 2 * rowHeight;
      }}
    >
      <div style={{ height: virtual.getTotalSize(), position: "relative" }} role="presentation">
        {virtual.getVirtualItems().map((row) => {
          const item = items[row.index];
          if (item === undefined) return null;
          return (
            <div
              key={row.key}
              role="listitem"
              aria-setsize={items.length}
              aria-posinset={row.index + 1}
              data-index={row.index}
              ref={virtual.measureElement}
              className="virtual-row"
              style={{ transform: `translateY(${row.start}px)` }}
            >
              {render(item, row.index)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
