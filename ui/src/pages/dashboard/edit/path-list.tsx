import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState } from "react";
import { EmptyState } from "../../../components/empty-state";
import { VirtualList } from "../../../components/virtual-list";
import type { PathRow } from "../../../signalk/vessel-model";
import { usePath, useVessel } from "../../../state/hooks";
import { formatValue } from "../../../units/format";
import { formatWith, unitOfPath, useUnitPreferences } from "../../../units/use-unit";
import { labelOf } from "../model/labels";

interface PathListProps {
  /** Which paths can be chosen. */
  accepts: (row: PathRow) => boolean;
  chosen: string | undefined;
  onChoose: (path: string) => void;
}

/** The paths that have a value, to choose one from: with search, and what is there now. */
export function PathList({ accepts, chosen, onChoose }: PathListProps) {
  const { rows } = useVessel();
  const [search, setSearch] = useState("");
  const words = useDeferredValue(search).toLowerCase().split(/\s+/).filter(Boolean).join(" ");
  // The list changes with the number of paths; the values in it are each row's own affair.
  const paths = useMemo(
    () =>
      rows
        .filter((row) => accepts(row) && words.split(" ").every((word) => textOf(row).includes(word)))
        .map((row) => row.path),
    [rows.length, accepts, words],
  );
  return (
    <div className="path-list">
      <TextInput
        type="search"
        label="Value"
        description={chosen === undefined ? "Choose what it shows" : chosen}
        placeholder="Search: depth, battery, tank …"
        leftSection={<IconSearch size={18} aria-hidden="true" />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        data-testid="path-search"
      />
      {paths.length === 0 ? (
        <EmptyState
          title={words === "" ? "No such values yet" : "Nothing matches"}
          text={words === "" ? "They are listed here as soon as the boat sends them." : "Search for less, or for another word."}
        />
      ) : (
        <VirtualList
          items={paths}
          keyOf={(path) => path}
          label="Values that can be shown"
          rowHeight={56}
          height={240}
          render={(path) => <PathChoice path={path} isChosen={path === chosen} choose={() => onChoose(path)} />}
        />
      )}
    </div>
  );
}

function PathChoice({ path, isChosen, choose }: { path: string; isChosen: boolean; choose: () => void }) {
  const { row, meta, value } = usePath(path, { period: 1_000 });
  const preferences = useUnitPreferences();
  const { text, units } =
    typeof value === "number"
      ? formatWith(unitOfPath(preferences, path, meta.units), meta.units, value)
      : formatValue(path, value, row?.meta ?? meta, "sailor");
  return (
    <button type="button" className="path-choice" aria-pressed={isChosen} onClick={choose} data-testid={`path-${path}`}>
      <span>
        <strong>{labelOf(path, meta.displayName)}</strong>
        <code>{path}</code>
      </span>
      <span className="number">
        {text} {units}
      </span>
    </button>
  );
}

function textOf(row: PathRow): string {
  return [row.path, labelOf(row.path, row.meta.displayName), row.meta.description].join(" ").toLowerCase();
}
