import { Button, Collapse, Group, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconAdjustmentsHorizontal, IconPlayerPause, IconPlayerPlay, IconSearch } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";

const ALL = "";

export interface ToolbarProps {
  search: string;
  onSearch: (search: string) => void;
  sources: readonly string[];
  source: string | undefined;
  onSource: (source: string | undefined) => void;
  layout: Layout;
  onLayout: (layout: Layout) => void;
  raw: boolean;
  onRaw: (raw: boolean) => void;
  paused: boolean;
  onPause: (paused: boolean) => void;
  /** Closes all groups of the tree, or opens them; undefined where there is no tree. */
  fold: { allClosed: boolean; toggle: () => void } | undefined;
  vessel: ReactNode;
}

export const layouts = ["flat", "tree"] as const;
export type Layout = (typeof layouts)[number];

/** What is shown, and how. On a phone only the search is always there. */
export function Toolbar(props: ToolbarProps) {
  const isPhone = useMediaQuery("(max-width: 62em)", window.matchMedia("(max-width: 62em)").matches, { getInitialValueInEffect: false });
  const [opened, setOpened] = useState(false);
  const filtered = props.source !== undefined;
  const search = (
    <TextInput
      flex="1 1 200px"
      type="search"
      label="Search"
      placeholder="Path, source or description"
      leftSection={<IconSearch size={18} aria-hidden="true" />}
      value={props.search}
      onChange={(event) => props.onSearch(event.currentTarget.value)}
      data-testid="search"
    />
  );
  if (!isPhone) {
    return (
      <>
        <Group gap="sm" mb="sm" align="flex-end">
          {search}
          {props.vessel}
          <SourceSelect {...props} />
        </Group>
        <Choices {...props} />
      </>
    );
  }
  return (
    <>
      <Group gap="xs" mb="sm" align="flex-end" wrap="nowrap">
        {search}
        <Button
          variant={opened || filtered ? "light" : "default"}
          px="sm"
          aria-expanded={opened}
          aria-label={filtered ? "Filters, one is set" : "Filters"}
          onClick={() => setOpened(!opened)}
          data-testid="filters"
        >
          <IconAdjustmentsHorizontal size={20} aria-hidden="true" />
        </Button>
      </Group>
      <Collapse expanded={opened}>
        <Group gap="xs" mb="sm" grow>
          {props.vessel}
          <SourceSelect {...props} />
        </Group>
        <Choices {...props} />
      </Collapse>
    </>
  );
}

function SourceSelect({ sources, source, onSource }: ToolbarProps) {
  return (
    <Select
      label="Source"
      searchable
      data={[{ value: ALL, label: "All sources" }, ...sources.map((value) => ({ value, label: value }))]}
      value={source ?? ALL}
      onChange={(value) => onSource(value === null || value === ALL ? undefined : value)}
      nothingFoundMessage="No such source"
      data-testid="source-select"
    />
  );
}

function Choices({ layout, onLayout, raw, onRaw, paused, onPause, fold }: ToolbarProps) {
  const PauseIcon = paused ? IconPlayerPlay : IconPlayerPause;
  return (
    <Group gap="xs" mb="sm">
      <SegmentedControl
        aria-label="Layout"
        data={[
          { value: "flat", label: "List" },
          { value: "tree", label: "Tree" },
        ]}
        value={layout}
        onChange={(value) => onLayout(value === "tree" ? "tree" : "flat")}
        data-testid="layout"
      />
      {fold !== undefined && (
        <Button variant="default" onClick={fold.toggle} data-testid="fold">
          {fold.allClosed ? "Open all" : "Close all"}
        </Button>
      )}
      <Button variant={raw ? "filled" : "default"} aria-pressed={raw} onClick={() => onRaw(!raw)} data-testid="raw-values">
        SI raw
      </Button>
      <Button
        variant={paused ? "filled" : "default"}
        leftSection={<PauseIcon size={18} aria-hidden="true" />}
        aria-pressed={paused}
        onClick={() => onPause(!paused)}
        data-testid="pause"
      >
        {paused ? "Go on" : "Pause"}
      </Button>
    </Group>
  );
}
