/** The running actors as a person sees them: who brings data, who passes them on, who gets them. */
import type { ActorReport, Actors, FlowReport } from "../../../api/server";
import { nameOf } from "../performance/verdicts";

/** Where an actor stands on the way of the data. */
export const lanes = ["inputs", "plugins", "broker", "inside", "outputs"] as const;
export type Lane = (typeof lanes)[number];

export const laneTitles: Readonly<Record<Lane, string>> = {
  inputs: "Inputs",
  plugins: "Plugins",
  broker: "Broker",
  inside: "Inside",
  outputs: "Clients and outputs",
};

/** Worse ones later. */
export const flowStates = ["idle", "flows", "full", "drops", "stuck"] as const;
export type FlowState = (typeof flowStates)[number];

/** One box: an actor, or several that are shown together. */
export interface FlowNode {
  id: string;
  title: string;
  lane: Lane;
  state: FlowState;
  /** Deltas a second that come to it, and that it sends. */
  incoming: number;
  outgoing: number;
  members: readonly ActorReport[];
}

/** What flows between two boxes. */
export interface FlowEdge {
  from: string;
  to: string;
  deltasPerSecond: number;
  messagesPerSecond: number;
  state: FlowState;
}

export interface FlowGraph {
  nodes: readonly FlowNode[];
  edges: readonly FlowEdge[];
}

/** Boxes in a lane; of more the quiet ones are shown together. */
const MAX_IN_LANE = 7;
/** A handler that takes longer is stuck, ms. */
const STUCK = 2_000;
const FULL = 0.75;

const laneOfKind: Readonly<Record<string, Lane>> = {
  connection: "inputs",
  server: "inputs",
  "access-desk": "inputs",
  plugin: "plugins",
  broker: "broker",
  stage: "broker",
  "data-model": "inside",
  "preferred-sources": "inside",
  hub: "inside",
  client: "outputs",
  "binary-client": "outputs",
  output: "outputs",
};

/** What the server says of its actors, as boxes and lines. */
export function graphOf({ actors, flows }: Pick<Actors, "actors" | "flows">): FlowGraph {
  const boxes = boxesOf(actors, flows);
  const boxOf = new Map<string, string>();
  for (const { id, members } of boxes) for (const member of members) boxOf.set(member.id, id);
  const states = new Map(boxes.map(({ id, members }) => [id, stateOfAll(members)]));
  const outputs = new Set(boxes.filter(({ lane }) => lane === "outputs").map(({ id }) => id));
  const edges = new Map<string, FlowEdge>();
  for (const flow of flows) {
    const from = boxOf.get(flow.from);
    const to = boxOf.get(flow.to);
    // What the stages of the broker say stays within it.
    if (from === undefined || to === undefined || from === to) continue;
    // Every client could send something; few do.
    if (outputs.has(from) && flow.messagesPerSecond === 0) continue;
    const key = `${from} ${to}`;
    const edge = edges.get(key);
    edges.set(key, {
      from,
      to,
      deltasPerSecond: (edge?.deltasPerSecond ?? 0) + flow.deltasPerSecond,
      messagesPerSecond: (edge?.messagesPerSecond ?? 0) + flow.messagesPerSecond,
      state: "idle",
    });
  }
  const all = [...edges.values()].map((edge) => {
    const there = states.get(edge.to) ?? "idle";
    const flowing = edge.deltasPerSecond > 0 || edge.messagesPerSecond > 0 ? "flows" : "idle";
    return { ...edge, state: there === "drops" || there === "stuck" || there === "full" ? there : flowing } as FlowEdge;
  });
  const sum = (id: string, end: "from" | "to") =>
    all.filter((edge) => edge[end] === id).reduce((total, edge) => total + edge.deltasPerSecond, 0);
  const nodes = boxes.map(({ id, title, lane, members }): FlowNode => {
    const incoming = sum(id, "to");
    const outgoing = sum(id, "from");
    const state = states.get(id) ?? "idle";
    return { id, title, lane, members, incoming, outgoing, state: state === "idle" && incoming + outgoing > 0 ? "flows" : state };
  });
  return { nodes, edges: all };
}

/** How an actor is: by what it does at this moment and what it did in the last five seconds. */
export function stateOf(actor: ActorReport): FlowState {
  if (actor.running !== undefined && actor.running > STUCK) return "stuck";
  if ((actor.lately?.dropped ?? 0) > 0) return "drops";
  const { queue } = actor;
  if (queue !== undefined && queue.capacity > 0 && queue.waiting / queue.capacity > FULL) return "full";
  return (actor.lately?.messagesPerSecond ?? 0) > 0 ? "flows" : "idle";
}

function stateOfAll(members: readonly ActorReport[]): FlowState {
  const worst = Math.max(0, ...members.map((member) => flowStates.indexOf(stateOf(member))));
  return flowStates[worst] ?? "idle";
}

type Box = Pick<FlowNode, "id" | "title" | "lane" | "members">;

function boxesOf(actors: readonly ActorReport[], flows: readonly FlowReport[]): Box[] {
  const traffic = new Map<string, number>();
  for (const { from, to, deltasPerSecond } of flows) {
    for (const id of [from, to]) traffic.set(id, (traffic.get(id) ?? 0) + deltasPerSecond);
  }
  const boxes: Box[] = [];
  for (const lane of lanes) {
    const here = actors.filter(({ kind }) => (laneOfKind[kind] ?? "inside") === lane);
    if (lane === "broker") {
      // Its stages run within it.
      if (here.length > 0) boxes.push({ id: "broker", title: "Broker", lane, members: here });
      continue;
    }
    // Trouble counts most, then who does the most: what is shown by itself is what somebody looks for.
    const weight = (actor: ActorReport) => {
      const state = flowStates.indexOf(stateOf(actor));
      return (state > 1 ? state * 1e9 : 0) + (traffic.get(actor.id) ?? 0);
    };
    const sorted = here.map((actor, index) => ({ actor, index, weight: weight(actor) }));
    sorted.sort((a, b) => b.weight - a.weight || a.index - b.index);
    const isQuiet = lane === "plugins" || lane === "inputs" ? (w: number) => w === 0 : () => false;
    // Boxes stay where they are while the rates change.
    const loud = sorted.filter(({ weight: w }) => !isQuiet(w)).slice(0, MAX_IN_LANE).sort((a, b) => a.index - b.index);
    const rest = sorted.filter((entry) => !loud.includes(entry));
    const single = rest.length === 1 ? rest : [];
    for (const { actor } of [...loud, ...single]) boxes.push({ id: actor.id, title: nameOf(actor), lane, members: [actor] });
    if (rest.length > 1) {
      const isAllQuiet = rest.every(({ weight: w }) => w === 0);
      boxes.push({
        id: `others:${lane}`,
        title: `${rest.length} ${isAllQuiet ? "quiet ones" : "more"}`,
        lane,
        members: rest.map(({ actor }) => actor),
      });
    }
  }
  return boxes;
}

/** "12.4 /s", "0 /s" */
export function rateText(rate: number): string {
  if (rate === 0) return "0 /s";
  if (rate < 0.1) return "< 0.1 /s";
  return `${rate < 100 ? rate.toFixed(1) : Math.round(rate)} /s`;
}

export const stateWords: Readonly<Record<FlowState, string>> = {
  idle: "quiet",
  flows: "flows",
  full: "nearly full",
  drops: "drops data",
  stuck: "stuck",
};
