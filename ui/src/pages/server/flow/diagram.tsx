import type { KeyboardEvent } from "react";
import { rateText, stateWords, type FlowNode } from "./graph";
import type { Layout, PlacedNode } from "./layout";

/** The boxes and lines as a picture; each box can be chosen. */
export function Diagram({ layout, choose }: { layout: Layout; choose: (id: string) => void }) {
  return (
    <svg
      className="flow-diagram"
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      role="group"
      aria-label="Who sends data to whom; the wider a line, the more flows"
      data-testid="flow-diagram"
    >
      <defs>
        {(["idle", "flows", "full", "drops", "stuck"] as const).map((state) => (
          <marker
            key={state}
            id={`arrow-${state}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="9"
            markerHeight="9"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0,0 L8,4 L0,8 z" className="flow-arrow" data-state={state} />
          </marker>
        ))}
      </defs>
      {layout.edges.map(({ key, path, width, state, label }) => (
        <path key={key} d={path} className="flow-line" data-state={state} strokeWidth={Math.max(1, width)} markerEnd={`url(#arrow-${state})`}>
          <title>{label}</title>
        </path>
      ))}
      {layout.headings.map(({ lane, title, x, y }) => (
        <text key={lane} x={x} y={y} className="flow-heading">
          {title}
        </text>
      ))}
      {layout.nodes.map((placed) => (
        <Box key={placed.node.id} placed={placed} choose={choose} />
      ))}
    </svg>
  );
}

function Box({ placed, choose }: { placed: PlacedNode; choose: (id: string) => void }) {
  const { node, x, y, width, height } = placed;
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(node.id);
  };
  const middle = y + height / 2;
  return (
    <g
      role="button"
      tabIndex={0}
      className="flow-box"
      data-state={node.state}
      data-testid={`flow-${node.id}`}
      onClick={() => choose(node.id)}
      onKeyDown={onKey}
    >
      <rect x={x + 1} y={y + 1} width={width - 2} height={height - 2} rx="8" />
      <text x={x + 12} y={middle - 5} className="flow-title">
        {shortened(node.title, width)}
      </text>
      <text x={x + 12} y={middle + 15} className="flow-rate">
        {node.state === "idle" || node.state === "flows" ? ratesOf(node) : stateWords[node.state]}
      </text>
    </g>
  );
}

/** "12.3 /s in, 4.0 /s out" */
export function inWords(node: FlowNode): string {
  return `${rateText(node.incoming)} in, ${rateText(node.outgoing)} out, ${stateWords[node.state]}`;
}

function ratesOf({ lane, incoming, outgoing }: FlowNode): string {
  if (lane === "inputs") return rateText(outgoing);
  if (lane === "outputs" && outgoing === 0) return rateText(incoming);
  return `${rateText(incoming)} → ${rateText(outgoing)}`.replaceAll(" /s →", " →");
}

/** What has room in a box; the whole name is in its label. */
function shortened(title: string, width: number): string {
  const room = Math.floor((width - 20) / 8.2);
  return title.length <= room ? title : `${title.slice(0, room - 1)}…`;
}
