import { Table } from "@mantine/core";
import type { ReactNode } from "react";

export interface Column<T> {
  /** Stable name; `data-cell` of its cells. */
  key: string;
  title: string;
  render: (item: T) => ReactNode;
  /** Numbers are easier to compare at the right. */
  align?: "left" | "right";
}

export interface DataTableProps<T> {
  /** What the table is, for screen readers. */
  label: string;
  columns: readonly Column<T>[];
  items: readonly T[];
  keyOf: (item: T) => string;
  /** Shown instead of an empty table. */
  empty: ReactNode;
  /** `data-testid` of a row. */
  testIdOf?: (item: T) => string;
}

/** A table that becomes a list of cards on a phone. For up to some hundred rows; more belong into a `VirtualList`. */
export function DataTable<T>({ label, columns, items, keyOf, empty, testIdOf }: DataTableProps<T>) {
  if (items.length === 0) return <>{empty}</>;
  return (
    <Table className="data-table" aria-label={label} verticalSpacing="xs" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          {columns.map(({ key, title, align }) => (
            <Table.Th key={key} scope="col" ta={align ?? "left"}>
              {title}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {items.map((item) => (
          <Table.Tr key={keyOf(item)} data-testid={testIdOf?.(item)}>
            {columns.map(({ key, title, render, align }) => (
              <Table.Td key={key} data-cell={key} data-title={title} ta={align ?? "left"}>
                {render(item)}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
