/** Where the boxes and lines of the diagram are, in units of the picture. */
import { laneTitles, lanes, type FlowGraph, type FlowNode, type FlowState, type Lane } from "./graph";

export interface PlacedNode {
  node: FlowNode;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface PlacedEdge {
  key: string;
  /** Of an SVG path. */
  path: string;
  /** Of the line; 0 where nothing flows, which is drawn thin. */
  width: number;
  state: FlowState;
  label: string;
}

export interface Layout {
  width: number;
  height: number;
  headings: { lane: Lane; title: string; x: number; y: number }[];
  nodes: PlacedNode[];
  edges: PlacedEdge[];
}

export const WIDTH = 1000;
const BOX = { width: 210, height: 54, gap: 12 };
const HEADING = 30;
/** Left edges of the columns. */
const columns: Readonly<Record<Lane, number>> = { inputs: 0, plugins: 0, broker: 300, inside: 530, outputs: 790 };
const BROKER_WIDTH = 130;
const INSIDE_WIDTH = 170;

const widthOf = (lane: Lane) => (lane === "broker" ? BROKER_WIDTH : lane === "inside" ? INSIDE_WIDTH : BOX.width);

/** Inputs above plugins at the left, the broker beside them, then what is inside, then who gets data. */
export function layoutOf(graph: FlowGraph): Layout {
  const placed = new Map<string, PlacedNode>();
  const headings: Layout["headings"] = [];
  const bottoms = { left: 0, inside: 0, outputs: 0 };
  const column = (lane: Lane) => (lane === "inputs" || lane === "plugins" ? "left" : lane === "inside" ? "inside" : "outputs");
  for (const lane of lanes) {
    if (lane === "broker") continue;
    const nodes = graph.nodes.filter((node) => node.lane === lane);
    if (nodes.length === 0) continue;
    const at = column(lane);
    let y = bottoms[at] + (bottoms[at] === 0 ? 0 : BOX.gap);
    headings.push({ lane, title: laneTitles[lane], x: columns[lane], y: y + 18 });
    y += HEADING;
    for (const node of nodes) {
      placed.set(node.id, { node, x: columns[lane], y, width: widthOf(lane), height: BOX.height });
      y += BOX.height + BOX.gap;
    }
    bottoms[at] = y;
  }
  const height = Math.max(bottoms.left, bottoms.inside, bottoms.outputs, 2 * BOX.height + HEADING);
  const broker = graph.nodes.find(({ lane }) => lane === "broker");
  if (broker !== undefined) {
    headings.push({ lane: "broker", title: laneTitles.broker, x: columns.broker, y: 18 });
    placed.set(broker.id, { node: broker, x: columns.broker, y: HEADING, width: BROKER_WIDTH, height: height - HEADING - BOX.gap });
  }
  return { width: WIDTH, height, headings, nodes: [...placed.values()], edges: edgesOf(graph, placed) };
}

/** So many deltas a second make a line so wide: ten times as many, some units more. */
export function widthOfRate(rate: number): number {
  return rate <= 0 ? 0 : Math.min(14, 1.5 + 3 * Math.log10(1 + rate));
}

function edgesOf(graph: FlowGraph, placed: ReadonlyMap<string, PlacedNode>): PlacedEdge[] {
  return graph.edges.flatMap((edge): PlacedEdge[] => {
    const from = placed.get(edge.from);
    const to = placed.get(edge.to);
    if (from === undefined || to === undefined) return [];
    // Where data go both ways the lines are beside each other.
    const isTwoWay = graph.edges.some((other) => other.from === edge.to && other.to === edge.from);
    const isForward = to.x >= from.x;
    const aside = isTwoWay ? (isForward ? -9 : 9) : 0;
    return [
      {
        key: `${edge.from} ${edge.to}`,
        path: curve(from, to, aside),
        width: widthOfRate(edge.deltasPerSecond),
        state: edge.state,
        label: `${from.node.title} to ${to.node.title}`,
      },
    ];
  });
}

/** From the side of a box to the side of another; the tall broker is met at the height of the other one. */
function curve(from: PlacedNode, to: PlacedNode, aside: number): string {
  const y = (one: PlacedNode, other: PlacedNode) => {
    const middle = other.y + other.height / 2;
    const own = one.height > BOX.height ? Math.min(one.y + one.height - 10, Math.max(one.y + 10, middle)) : one.y + one.height / 2;
    return own + aside;
  };
  const isForward = to.x >= from.x;
  const x1 = isForward ? from.x + from.width : from.x;
  const x2 = isForward ? to.x : to.x + to.width;
  const [y1, y2] = [y(from, to), y(to, from)];
  const bend = (x2 - x1) / 2;
  return `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
}
