import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import type { Item } from "./tree";

/** A group of the tree, to open and close. */
export function GroupRow({ item, onToggle }: { item: Extract<Item, { kind: "group" }>; onToggle: (path: string) => void }) {
  const Chevron = item.isOpen ? IconChevronDown : IconChevronRight;
  return (
    <button
      type="button"
      className="group-row"
      style={{ paddingLeft: 8 + 16 * item.depth }}
      aria-expanded={item.isOpen}
      onClick={() => onToggle(item.path)}
      data-testid={`group-${item.path}`}
    >
      <Chevron size={18} aria-hidden="true" />
      <span className="path">{item.label}</span>
      <span className="muted">{item.count}</span>
    </button>
  );
}
