import { Drawer, Stack } from "@mantine/core";
import type { ActorReport } from "../../../api/server";
import { StateBadge, type Tone } from "../../../components/state-badge";
import { nameOf, seconds } from "../performance/verdicts";
import { rateText, stateOf, stateWords, type FlowGraph, type FlowNode, type FlowState } from "./graph";

export const toneOf: Readonly<Record<FlowState, Tone>> = { idle: "plain", flows: "good", full: "caution", drops: "bad", stuck: "bad" };

const meanings: Readonly<Record<string, string>> = {
  broker: "Passes on every delta to whoever wants it.",
  stage: "Looks at every delta on its way through the broker.",
  "data-model": "Remembers the latest value of everything.",
  "preferred-sources": "Tells which of several sources counts.",
  hub: "Hands deltas out to the clients of one thread.",
  client: "A display, an app or another server that is connected.",
  "binary-client": "A display that gets radar pictures or the like.",
  plugin: "An extension that runs in a sandbox of its own.",
  connection: "A device or network that data come from.",
  output: "A port that gives data to whoever connects.",
  "access-desk": "Where devices ask for access.",
  server: "What apps send by HTTP, and what the server says itself.",
};

/** What is known of a box and with whom it talks. */
export function Details({ node, graph, isPhone, close }: { node: FlowNode | undefined; graph: FlowGraph; isPhone: boolean; close: () => void }) {
  return (
    <Drawer
      opened={node !== undefined}
      onClose={close}
      title={node?.title ?? ""}
      position={isPhone ? "bottom" : "right"}
      size={isPhone ? "80%" : "md"}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {node !== undefined && (
        <Stack gap="md" data-testid="flow-details">
          <Talks node={node} graph={graph} />
          {node.members.slice(0, 50).map((actor) => (
            <Actor key={actor.id} actor={actor} isOnly={node.members.length === 1} />
          ))}
          {node.members.length > 50 && <p className="muted">And {node.members.length - 50} more.</p>}
        </Stack>
      )}
    </Drawer>
  );
}

function Talks({ node, graph }: { node: FlowNode; graph: FlowGraph }) {
  const title = (id: string) => graph.nodes.find((other) => other.id === id)?.title ?? id;
  const lines = graph.edges.filter(({ from, to }) => from === node.id || to === node.id);
  if (lines.length === 0) return <p className="muted">Nobody sends it deltas, and it sends none.</p>;
  return (
    <ul className="flow-talks">
      {lines.map(({ from, to, deltasPerSecond }) => (
        <li key={`${from} ${to}`}>
          {from === node.id ? `to ${title(to)}` : `from ${title(from)}`}
          <span className="number">{rateText(deltasPerSecond)}</span>
        </li>
      ))}
    </ul>
  );
}

function Actor({ actor, isOnly }: { actor: ActorReport; isOnly: boolean }) {
  const { queue, lately } = actor;
  const state = stateOf(actor);
  const facts: [string, string][] = [
    ["Deltas", `${actor.deltas.toLocaleString()}${lately === undefined ? "" : `, ${rateText(lately.deltasPerSecond)}`}`],
    ["Works", lately === undefined ? "—" : `${(lately.busy * 100).toFixed(1)} % of the time`],
    ["Longest work", `${seconds(actor.longest)}${lately === undefined ? "" : `, lately ${seconds(lately.longest)}`}`],
    ...(actor.running === undefined ? [] : [["At one message for", seconds(actor.running)] as [string, string]]),
    ...(queue === undefined
      ? []
      : [["Mailbox", `${queue.waiting} of ${queue.capacity} ${queue.unit} wait, at most ${queue.most} did`] as [string, string]]),
    ["Dropped", actor.dropped.toLocaleString()],
    ...(actor.restarts > 0 ? [["Started again", `${actor.restarts} times`] as [string, string]] : []),
    ["Thread", actor.thread],
    ["Since", new Date(actor.since).toLocaleString()],
  ];
  return (
    <section aria-label={nameOf(actor)}>
      {!isOnly && <h3>{nameOf(actor)}</h3>}
      <p>
        <StateBadge tone={toneOf[state]}>{stateWords[state]}</StateBadge> <span className="muted">{meanings[actor.kind]}</span>
      </p>
      <dl className="flow-facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt className="muted">{label}</dt>
            <dd className="number">{value}</dd>
          </div>
        ))}
      </dl>
      {actor.kind === "plugin" && <a href={`#/plugins/${encodeURIComponent(actor.name)}`}>Settings of this plugin</a>}
      {actor.kind === "connection" && <a href="#/connections">Connections</a>}
    </section>
  );
}
