import { Stack } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useMemo, useState } from "react";
import { fetchActors, type Actors } from "../../../api/server";
import { EmptyState } from "../../../components/empty-state";
import { LoadState } from "../../../components/load-state";
import { StateBadge } from "../../../components/state-badge";
import { useLoad } from "../../../state/use-load";
import { Details, toneOf } from "./details";
import { Diagram, inWords } from "./diagram";
import { graphOf, laneTitles, lanes, stateWords, type FlowGraph } from "./graph";
import { layoutOf } from "./layout";

/** ms; the server counts in intervals of five seconds. */
const INTERVAL = 5_000;

/** Who sends data to whom, and where they are held up. */
export default function FlowPanel() {
  const actors = useLoad(fetchActors, "", INTERVAL);
  return (
    <LoadState of={actors} what="Loading the actors">
      {(seen) => <Flow seen={seen} />}
    </LoadState>
  );
}

function Flow({ seen }: { seen: Actors }) {
  const graph = useMemo(() => graphOf(seen), [seen]);
  const [chosen, setChosen] = useState<string>();
  const isPhone = useMediaQuery("(max-width: 800px)", undefined, { getInitialValueInEffect: false }) === true;
  if (graph.nodes.length === 0) return <EmptyState title="Nothing to see" text="This server does not show its actors." />;
  return (
    <Stack gap="md" data-testid="flow">
      <p className="muted">
        Deltas a second of the last five seconds, from what comes in at the left to who gets it at the right. The wider a line, the more flows.
        Choose a box for more.
      </p>
      {isPhone ? <List graph={graph} choose={setChosen} /> : <Diagram layout={layoutOf(graph)} choose={setChosen} />}
      {seen.unlisted.actors > 0 && <p className="muted">{seen.unlisted.actors} more did not fit into the server's list.</p>}
      <Details node={graph.nodes.find(({ id }) => id === chosen)} graph={graph} isPhone={isPhone} close={() => setChosen(undefined)} />
    </Stack>
  );
}

function List({ graph, choose }: { graph: FlowGraph; choose: (id: string) => void }) {
  return (
    <div className="flow-list" data-testid="flow-list">
      {lanes.map((lane) => {
        const nodes = graph.nodes.filter((node) => node.lane === lane);
        if (nodes.length === 0) return null;
        return (
          <section key={lane} aria-labelledby={`lane-${lane}`}>
            <h3 id={`lane-${lane}`}>{laneTitles[lane]}</h3>
            <ul>
              {nodes.map((node) => (
                <li key={node.id}>
                  <button type="button" className="flow-row" onClick={() => choose(node.id)} data-testid={`flow-${node.id}`}>
                    <span className="flow-row-title">{node.title}</span>
                    <StateBadge tone={toneOf[node.state]}>{stateWords[node.state]}</StateBadge>
                    <span className="muted number">{inWords(node).replace(/, [a-z ]+$/, "")}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}
