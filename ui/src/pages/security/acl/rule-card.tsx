import { ActionIcon, Autocomplete, Button, Checkbox, Group, TagsInput } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconPlus, IconTrash, IconX } from "@tabler/icons-react";
import { EVERYBODY, OWN_SHIP, VISITOR, type Grant, type Rule } from "./rules";

interface RuleCardProps {
  rule: Rule;
  /** From one. */
  number: number;
  isLast: boolean;
  /** Whom there is. */
  names: readonly string[];
  change: (rule: Rule) => void;
  move: (by: number) => void;
  remove: () => void;
}

const explained: Readonly<Record<string, string>> = { [EVERYBODY]: "everybody", [VISITOR]: "visitors who are not signed in" };

/** One rule: about what, and who may do what with it. */
export function RuleCard({ rule, number, isLast, names, change, move, remove }: RuleCardProps) {
  const setGrant = (index: number, grant: Grant) => change({ ...rule, grants: rule.grants.map((other, at) => (at === index ? grant : other)) });
  const add = () => {
    const free = names.find((name) => !rule.grants.some(({ subject }) => subject === name)) ?? "";
    change({ ...rule, grants: [...rule.grants, { subject: free, read: true, write: false, put: false }] });
  };
  return (
    <section className="page-card" aria-label={`Rule ${number}`} data-testid={`rule-${number}`}>
      <Group justify="space-between">
        <h3>Rule {number}</h3>
        <Group gap={4}>
          <ActionIcon aria-label={`Move rule ${number} up`} disabled={number === 1} onClick={() => move(-1)}>
            <IconArrowUp size={20} aria-hidden="true" />
          </ActionIcon>
          <ActionIcon aria-label={`Move rule ${number} down`} disabled={isLast} onClick={() => move(1)}>
            <IconArrowDown size={20} aria-hidden="true" />
          </ActionIcon>
          <ActionIcon aria-label={`Delete rule ${number}`} onClick={remove} data-testid="delete-rule">
            <IconTrash size={20} aria-hidden="true" />
          </ActionIcon>
        </Group>
      </Group>
      <div className="rule-about">
        <Autocomplete
          label="Context"
          description="Whose values"
          data={[OWN_SHIP, "vessels.*", "atons.*", "*"]}
          value={rule.context}
          onChange={(context) => change({ ...rule, context })}
          size="md"
          data-testid="rule-context"
        />
        <TagsInput
          label="Paths"
          description="Enter after each"
          value={rule.paths}
          onChange={(paths) => change({ ...rule, paths })}
          acceptValueOnBlur
          size="md"
          data-testid="rule-paths"
        />
        <TagsInput
          label="Or sources"
          description="Such as gps.* ; may be empty"
          value={rule.sources}
          onChange={(sources) => change({ ...rule, sources })}
          acceptValueOnBlur
          size="md"
          data-testid="rule-sources"
        />
      </div>
      <ul className="grants" aria-label={`Who may do what by rule ${number}`}>
        {rule.grants.map((grant, index) => (
          // The order of grants does not matter and they have no other name.
          <li key={index} data-testid={`grant-${index + 1}`}>
            <Autocomplete
              aria-label="Who"
              data={[...names]}
              value={grant.subject}
              onChange={(subject) => setGrant(index, { ...grant, subject })}
              description={explained[grant.subject]}
              inputWrapperOrder={["input", "description"]}
              size="md"
              data-testid="grant-subject"
            />
            <Checkbox
              label="reads"
              checked={grant.read || grant.write}
              disabled={grant.write}
              onChange={(event) => setGrant(index, { ...grant, read: event.currentTarget.checked })}
              data-testid="grant-read"
            />
            <Checkbox
              label="sends values"
              checked={grant.write}
              onChange={(event) => setGrant(index, { ...grant, write: event.currentTarget.checked, read: true })}
              data-testid="grant-write"
            />
            <Checkbox
              label="switches"
              checked={grant.put}
              onChange={(event) => setGrant(index, { ...grant, put: event.currentTarget.checked })}
              data-testid="grant-put"
            />
            <ActionIcon
              aria-label={`Take ${grant.subject === "" ? "this line" : grant.subject} out of rule ${number}`}
              onClick={() => change({ ...rule, grants: rule.grants.filter((_, at) => at !== index) })}
            >
              <IconX size={20} aria-hidden="true" />
            </ActionIcon>
          </li>
        ))}
      </ul>
      {rule.grants.length === 0 && <p className="muted">Nobody: what this rule is about is hidden from all.</p>}
      <Button variant="subtle" leftSection={<IconPlus size={18} />} onClick={add} data-testid="add-grant">
        Somebody else
      </Button>
    </section>
  );
}
