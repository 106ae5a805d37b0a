import { Button, Group, Stack } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { fetchDevices, fetchSecurityConfig, fetchUsers, saveSecurityConfig, type SecurityConfig } from "../../../api/security";
import { EmptyState } from "../../../components/empty-state";
import { LoadState } from "../../../components/load-state";
import { notifyDone } from "../../../components/notify";
import { SaveBar } from "../../../components/save-bar";
import { useLoad } from "../../../state/use-load";
import { Preview } from "./preview";
import { RuleCard } from "./rule-card";
import { aclsOf, EVERYBODY, missingOpenRules, newRule, problemOf, rulesOf, VISITOR, type Person, type Rule } from "./rules";

interface Loaded {
  config: SecurityConfig;
  people: Person[];
}

async function load(): Promise<Loaded> {
  const [config, users, devices] = await Promise.all([fetchSecurityConfig(), fetchUsers(), fetchDevices()]);
  const people: Person[] = [
    ...users.map(({ userId, type }): Person => ({ name: userId, kind: "user", level: type })),
    ...devices.map(({ clientId, permissions }): Person => ({ name: clientId, kind: "device", level: permissions })),
  ];
  if (config.allow_readonly === true) people.push({ name: "Visitors", kind: "visitor", level: "readonly" });
  return { config, people };
}

/** Who may read, send and switch which values. */
export default function AclPanel() {
  const loaded = useLoad(load);
  return (
    <LoadState of={loaded}>
      {(data) => <Editor key={JSON.stringify(data.config.acls)} config={data.config} people={data.people} saved={loaded.reload} />}
    </LoadState>
  );
}

function Editor({ config, people, saved }: Loaded & { saved: () => Promise<void> }) {
  const before = useMemo(() => rulesOf(config.acls ?? []), [config]);
  const [rules, setRules] = useState<readonly Rule[]>(before);
  const isChanged = JSON.stringify(aclsOf(rules)) !== JSON.stringify(aclsOf(before));
  const change = (id: number, rule: Rule) => setRules((all) => all.map((other) => (other.id === id ? rule : other)));
  const remove = (id: number) => setRules((all) => all.filter((rule) => rule.id !== id));
  const move = (id: number, by: number) =>
    setRules((all) => {
      const from = all.findIndex((rule) => rule.id === id);
      const to = from + by;
      const rule = all[from];
      if (rule === undefined || to < 0 || to >= all.length) return all;
      const others = all.filter((other) => other.id !== id);
      return [...others.slice(0, to), rule, ...others.slice(to)];
    });
  const save = async () => {
    const problem = problemOf(rules);
    if (problem !== undefined) throw new Error(`Not saved: ${problem}`);
    await saveSecurityConfig({ acls: aclsOf(rules) });
    notifyDone("Saved, and it holds at once");
    await saved();
  };
  const names = [EVERYBODY, VISITOR, ...people.filter(({ kind }) => kind !== "visitor").map(({ name }) => name)];
  const missing = missingOpenRules(rules);
  return (
    <Stack gap="md" data-testid="acl-editor">
      <p className="muted">
        Rules are read from above: the first context that fits decides, and in it the first rule with a path or source that fits. What no rule covers is
        refused. Nobody gets more than the rights of their account, and * stands for anything.
      </p>
      {rules.length === 0 ? (
        <EmptyState
          title="No rules: everybody may do what their rights say"
          text="Add one if somebody should see or switch less than everything."
        />
      ) : (
        rules.map((rule, index) => (
          <RuleCard
            key={rule.id}
            rule={rule}
            number={index + 1}
            isLast={index === rules.length - 1}
            names={names}
            change={(next) => change(rule.id, next)}
            move={(by) => move(rule.id, by)}
            remove={() => remove(rule.id)}
          />
        ))
      )}
      <Group>
        <Button variant="default" leftSection={<IconPlus size={18} />} onClick={() => setRules([...rules, newRule()])} data-testid="add-rule">
          Add a rule
        </Button>
        {rules.length > 0 && missing.length > 0 && (
          <Button variant="default" leftSection={<IconPlus size={18} />} onClick={() => setRules([...rules, ...missing])} data-testid="add-open-rule">
            Everything else is allowed
          </Button>
        )}
      </Group>
      <Preview rules={rules} people={people} isChanged={isChanged} />
      <SaveBar changed={isChanged} onSave={save} onUndo={() => setRules(before)} label="Save the rules" />
    </Stack>
  );
}
