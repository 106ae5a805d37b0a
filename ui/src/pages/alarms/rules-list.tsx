import { Button, Group, Text, TextInput } from "@mantine/core";
import { IconRefresh, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { getJson } from "../../api/http";
import { pathUrl } from "../../api/values";
import { EmptyState } from "../../components/empty-state";
import { LoadState } from "../../components/load-state";
import { VirtualList } from "../../components/virtual-list";
import { ZoneBar } from "../../components/zone-bar";
import { usePath } from "../../state/hooks";
import { useLoad } from "../../state/use-load";
import { formatWith, unitOfPath, useUnitPreferences } from "../../units/use-unit";
import { zoneOf } from "../../units/zones";
import { rulesOf, type Rule } from "./rules";

/** How often it is looked whether somebody has made other zones, ms. */
const INTERVAL = 60_000;
/** More are searched than read. */
const SEARCH_FROM = 8;
const ROW = 96;
const MAX_SEEN = 6;
const keyOf = (rule: Rule) => rule.path;
const render = (rule: Rule) => <RuleRow rule={rule} />;

/** The paths that raise an alarm by themselves, and when. */
export function RulesList() {
  const rules = useLoad(async () => rulesOf(await getJson(pathUrl(""))), "", INTERVAL);
  const [search, setSearch] = useState("");
  return (
    <section aria-labelledby="rules-title" data-testid="rules">
      <Group justify="space-between" align="flex-end" mb="xs">
        <div>
          <h3 id="rules-title">What raises alarms</h3>
          <Text size="sm" c="dimmed">
            Paths with zones. Plugins and instruments raise alarms of their own.
          </Text>
        </div>
        <Group gap="xs">
          <Button variant="default" loading={rules.loading} leftSection={<IconRefresh size={18} aria-hidden="true" />} onClick={() => void rules.reload()}>
            Read again
          </Button>
          <Button variant="light" component="a" href="#/data" data-testid="new-rule">
            New
          </Button>
        </Group>
      </Group>
      <LoadState of={rules}>
        {(list) =>
          list.length === 0 ? (
            <EmptyState
              title="No value has zones yet"
              text="Open a path among the data, such as the depth, and say under “Zones and meta” when it is an alarm."
              testId="no-rules"
            >
              <a href="#/data">Choose a path</a>
            </EmptyState>
          ) : (
            <>
              {list.length >= SEARCH_FROM && (
                <TextInput
                  mb="xs"
                  type="search"
                  label="Search among them"
                  leftSection={<IconSearch size={18} aria-hidden="true" />}
                  value={search}
                  onChange={(event) => setSearch(event.currentTarget.value)}
                />
              )}
              <Found rules={list.filter((rule) => `${rule.path} ${rule.meta.displayName ?? ""}`.toLowerCase().includes(search.toLowerCase()))} />
            </>
          )
        }
      </LoadState>
    </section>
  );
}

function Found({ rules }: { rules: readonly Rule[] }) {
  if (rules.length === 0) return <EmptyState title="Nothing matches" text="Search for less, or for another word." testId="no-match" />;
  return (
    <VirtualList items={rules} keyOf={keyOf} render={render} label="Paths with zones" rowHeight={ROW} height={Math.min(rules.length, MAX_SEEN) * ROW + 2} />
  );
}

function RuleRow({ rule: { path, meta } }: { rule: Rule }) {
  const { value } = usePath(path, { period: 1_000 });
  const unit = unitOfPath(useUnitPreferences(), path, meta.units);
  const shown = typeof value === "number" ? formatWith(unit, meta.units, value) : { text: "—", units: "" };
  const zone = zoneOf(meta.zones, value);
  return (
    <div className="rule-row" data-testid={`rule-${path}`}>
      <span className="rule-name">
        {meta.displayName !== undefined && <strong>{meta.displayName} </strong>}
        <span className="path">{path}</span>
      </span>
      <span className="number rule-value">
        {shown.text} {shown.units} <span className="muted">{zone?.state ?? "normal"}</span>
      </span>
      <div className="rule-bar">
        <ZoneBar zones={meta.zones} unit={unit} value={value} />
      </div>
      <a className="rule-edit" href={`#/data/${encodeURIComponent(path)}/edit`} aria-label={`Change the zones of ${path}`}>
        Change
      </a>
    </div>
  );
}
