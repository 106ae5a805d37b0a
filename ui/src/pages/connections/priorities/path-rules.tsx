import { Button, Group, Modal, NumberInput, SegmentedControl, Switch, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { VirtualList } from "../../../components/virtual-list";
import { StateBadge } from "../../../components/state-badge";
import { FALLBACK, newRule, ruleOf, setRule, type Draft, type RankedSource, type Rule } from "./model";
import type { PartProps, Seen } from "./priorities";
import { RankedList } from "./source-row";

/** Paths with more than one source: who is used now, and rules that differ from the group. */
export function PathRules({ draft, seen, onChange }: PartProps) {
  const [search, setSearch] = useState("");
  const [open, setOpen] = useState<string>();
  const { overrides } = draft.priorities;
  const paths = [...new Set([...Object.keys(overrides), ...Object.keys(seen.multi)])].sort();
  const shown = paths.filter((path) => path.toLowerCase().includes(search.trim().toLowerCase()));
  if (paths.length === 0) return null;
  return (
    <section aria-labelledby="rules-title">
      <h3 id="rules-title" className="section-title">
        Single values
      </h3>
      <p className="muted">Where one value is to be judged differently from its group.</p>
      <TextInput
        my="sm"
        maw={420}
        type="search"
        aria-label="Search values"
        placeholder="Search"
        leftSection={<IconSearch size={18} aria-hidden="true" />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <VirtualList
        items={shown}
        keyOf={(path) => path}
        label="Values with several sources"
        rowHeight={74}
        height={Math.min(440, Math.max(1, shown.length) * 96)}
        render={(path) => <PathRow path={path} draft={draft} seen={seen} onOpen={() => setOpen(path)} />}
        testId="path-rules"
      />
      {open !== undefined && <RuleDialog path={open} draft={draft} seen={seen} onChange={onChange} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

function PathRow({ path, draft, seen, onOpen }: { path: string; draft: Draft; seen: Seen; onOpen: () => void }) {
  const override = draft.priorities.overrides[path];
  const used = seen.preferred[path];
  const name = (source: string) => draft.aliases[source] ?? source;
  return (
    <div className="override-row" data-testid={`path-${path}`}>
      <div>
        <span className="path">{path}</span>
        <div className="muted" data-cell="used" data-source={used}>
          {used === undefined ? `${(seen.multi[path] ?? []).map(name).join(", ") || "no source now"}` : `now from ${name(used)}`}
        </div>
      </div>
      <Group gap="xs">
        {override !== undefined && <StateBadge tone="plain">own rule</StateBadge>}
        <Button variant="default" onClick={onOpen} data-testid={`rule-${path}`}>
          {override === undefined ? "Set a rule" : "Change"}
          <span className="visually-hidden"> for {path}</span>
        </Button>
      </Group>
    </div>
  );
}

function RuleDialog({ path, draft, seen, onChange, onClose }: PartProps & { path: string; onClose: () => void }) {
  const { overrides, groups, defaults } = draft.priorities;
  const present = seen.multi[path] ?? [];
  const fallback = defaults.fallbackMs ?? FALLBACK;
  const saved = overrides[path];
  const [rule, setRuleState] = useState<Rule>(() => (saved === undefined ? newRule(present, groups, fallback) : ruleOf(saved)));
  const ranked = rule.mode === "ranked" ? rule.sources : [];
  const missing = present.filter((source) => !ranked.some((one) => one.source === source));
  const put = (sources: readonly RankedSource[]) => setRuleState({ mode: "ranked", sources });
  const change = (source: string, next: Partial<RankedSource>) =>
    put(ranked.map((one) => (one.source === source ? { ...one, ...next } : one)));
  const done = (next: Rule | undefined) => {
    onChange(setRule(draft, path, next));
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={<span className="path">{path}</span>} size="lg" classNames={{ content: "connections-page" }}>
      <SegmentedControl
        fullWidth
        aria-label="Which sources count"
        value={rule.mode}
        onChange={(mode) => setRuleState(mode === "everybody" ? { mode: "everybody" } : newRule(present, groups, fallback))}
        data={[
          { value: "ranked", label: "In this order" },
          { value: "everybody", label: "Whoever spoke last" },
        ]}
      />
      {rule.mode === "ranked" ? (
        <RankedList
          items={ranked}
          sourceOf={({ source }) => source}
          aliasOf={(source) => draft.aliases[source]}
          label="Sources, the best first"
          onChange={put}
          render={({ source, seconds, never }, index) => (
            <Group gap="md" align="flex-end">
              {index > 0 && !never && (
                <NumberInput
                  label="After seconds of silence"
                  value={seconds}
                  min={0}
                  max={86_400}
                  w={200}
                  onChange={(value) => change(source, { seconds: Math.max(0, Number(value)) })}
                  data-testid={`seconds-${source}`}
                />
              )}
              <Switch label="Never use it" checked={never} onChange={(event) => change(source, { never: event.currentTarget.checked })} data-testid={`never-${source}`} />
            </Group>
          )}
        />
      ) : (
        <p className="muted" style={{ marginTop: 12 }}>
          Every value is taken as it comes, from all sources.
        </p>
      )}
      {rule.mode === "ranked" &&
        missing.map((source) => (
          <Button key={source} variant="default" onClick={() => put([...ranked, { source, seconds: fallback / 1_000, never: false }])}>
            Add {draft.aliases[source] ?? source}
          </Button>
        ))}
      <Group justify="flex-end" gap="xs" mt="md">
        {saved !== undefined && (
          <Button variant="light" color="red" onClick={() => done(undefined)} data-testid="remove-rule">
            As the group says
          </Button>
        )}
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button onClick={() => done(rule)} disabled={rule.mode === "ranked" && ranked.length === 0} data-testid="set-rule">
          Use this rule
        </Button>
      </Group>
    </Modal>
  );
}
