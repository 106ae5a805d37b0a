import { ActionIcon, Button, Group, Switch, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { memo } from "react";
import type { PriorityGroup, ReconciledGroup } from "../../../api/sources";
import { EmptyState } from "../../../components/empty-state";
import { StateBadge } from "../../../components/state-badge";
import { addGroup, changeGroup, nameFor, removeGroup, suggestions, type Draft } from "./model";
import type { PartProps, Seen } from "./priorities";
import { RankedList } from "./source-row";

/** Paths that are named in a line. */
const NAMED = 4;

/** The groups in their order, and those that could be made. */
export function Groups({ draft, seen, onChange }: PartProps) {
  const { groups: offered, newcomers } = suggestions(draft, seen.reconciled);
  const { groups } = draft.priorities;
  return (
    <section aria-labelledby="groups-title">
      <h3 id="groups-title" className="section-title">
        Groups
      </h3>
      <p className="muted">Sources that measure the same, the best first. The next one is used when those above it are silent.</p>
      {groups.length === 0 && offered.length === 0 && (
        <div className="page-card">
          <EmptyState title="Nothing to decide" text="No value comes from more than one source. When a second GPS or wind sensor is connected, it appears here." />
        </div>
      )}
      <div className="group-list" style={{ marginTop: 10 }}>
        {groups.map((group, index) => (
          // By its place: the name changes while it is typed.
          <GroupCard key={index} at={index} group={group} draft={draft} seen={seen} newcomers={newcomers.get(group.id) ?? []} onChange={onChange} />
        ))}
        {offered.map((one) => (
          <Offer key={one.id} offered={one} aliases={draft.aliases} onAdd={() => onChange(addGroup(draft, one))} />
        ))}
      </div>
    </section>
  );
}

interface GroupCardProps extends PartProps {
  at: number;
  group: PriorityGroup;
  newcomers: readonly string[];
}

function GroupCard({ at, group, draft, seen, newcomers, onChange }: GroupCardProps) {
  const { id, sources, inactive } = group;
  const change = (next: Partial<PriorityGroup>) => onChange(changeGroup(draft, at, (before) => ({ ...before, ...next })));
  const paths = seen.reconciled.filter((one) => one.sources.some((source) => sources.includes(source))).flatMap((one) => one.paths);
  return (
    <div className="page-card" data-testid={`group-${id}`}>
      <Group justify="space-between" align="flex-end" gap="sm">
        <TextInput label="Name of the group" value={id} onChange={(event) => change({ id: event.currentTarget.value })} flex="1 1 180px" maw={320} />
        <Group gap="xs">
          <Switch
            label="In force"
            checked={inactive !== true}
            onChange={(event) => change({ inactive: !event.currentTarget.checked })}
            data-testid={`active-${id}`}
          />
          <Button variant="light" color="red" onClick={() => onChange(removeGroup(draft, at))} data-testid={`remove-group-${id}`}>
            Remove
          </Button>
        </Group>
      </Group>
      <RankedList
        items={sources}
        sourceOf={(source) => source}
        aliasOf={(source) => draft.aliases[source]}
        label={`Sources of ${id}, the best first`}
        onChange={(next) => change({ sources: next })}
        render={(source) => <Used source={source} seen={seen} />}
        tools={(source) => (
          <ActionIcon aria-label={`Take ${draft.aliases[source] ?? source} out of the group`} onClick={() => change({ sources: sources.filter((one) => one !== source) })}>
            <IconX size={20} aria-hidden="true" />
          </ActionIcon>
        )}
      />
      {newcomers.map((source) => (
        <Button
          key={source}
          variant="default"
          leftSection={<IconPlus size={18} aria-hidden="true" />}
          onClick={() => change({ sources: [...sources, source] })}
          data-testid={`join-${source}`}
          mr="xs"
        >
          Add {draft.aliases[source] ?? source}, which tells the same
        </Button>
      ))}
      {paths.length > 0 && <Paths paths={paths} />}
    </div>
  );
}

/** Whether a source is used now, and for how much. */
function Used({ source, seen }: { source: string; seen: Seen }) {
  const used = Object.values(seen.preferred).filter((one) => one === source).length;
  const isPresent = Object.values(seen.multi).some((sources) => sources.includes(source));
  return (
    <div data-testid={`used-${source}`} data-used={used}>
      {used > 0 ? (
        <StateBadge tone="good">
          used for {used} {used === 1 ? "value" : "values"}
        </StateBadge>
      ) : isPresent ? (
        <StateBadge tone="plain">stands by</StateBadge>
      ) : (
        <StateBadge tone="caution">not seen now</StateBadge>
      )}
    </div>
  );
}

interface OfferProps {
  offered: ReconciledGroup;
  aliases: Draft["aliases"];
  onAdd: () => void;
}

function Offer({ offered: { id, sources, paths }, aliases, onAdd }: OfferProps) {
  return (
    <div className="page-card" data-testid={`offer-${id}`}>
      <Group justify="space-between" gap="sm">
        <div style={{ flex: "1 1 240px", minWidth: 0 }}>
          <strong>{nameFor(paths)}</strong>
          <p>{sources.map((source) => aliases[source] ?? source).join(", ")} tell the same.</p>
          <Paths paths={paths} />
        </div>
        <Button variant="light" leftSection={<IconPlus size={18} aria-hidden="true" />} onClick={onAdd} data-testid={`make-group-${nameFor(paths)}`}>
          Put in order
        </Button>
      </Group>
    </div>
  );
}

const Paths = memo(function Paths({ paths }: { paths: readonly string[] }) {
  const more = paths.length - NAMED;
  return (
    <p className="muted path" style={{ overflowWrap: "anywhere" }}>
      {paths.slice(0, NAMED).join(", ")}
      {more > 0 && ` and ${more} more`}
    </p>
  );
});
