import { expect, test } from "vitest";
import type { ActorReport, FlowReport } from "../../../api/server";
import { graphOf, rateText, stateOf } from "./graph";
import { layoutOf, widthOfRate, WIDTH } from "./layout";

function actor(id: string, change: Partial<ActorReport> = {}): ActorReport {
  const [kind = "", name = ""] = id.split(":");
  return { id, kind, name, thread: "t", since: "", messages: 0, deltas: 0, busy: 0, longest: 0, dropped: 0, restarts: 0, ...change };
}

const lately = { messagesPerSecond: 0, deltasPerSecond: 0, busy: 0, longest: 0, dropped: 0, mostWaiting: 0 };
const flow = (from: string, to: string, rate: number): FlowReport => ({
  from,
  to,
  messages: 1,
  deltas: 1,
  messagesPerSecond: rate,
  deltasPerSecond: rate,
});

const boat = {
  actors: [
    actor("broker"),
    actor("stage:notifications", { parent: "broker" }),
    actor("data-model"),
    actor("hub:0"),
    actor("connection:gps"),
    actor("connection:spare"),
    actor("connection:old"),
    actor("plugin:wind"),
    actor("client:1", { label: "10.0.0.7" }),
  ],
  flows: [
    flow("connection:gps", "broker", 10),
    flow("plugin:wind", "broker", 2),
    flow("broker", "plugin:wind", 8),
    flow("broker", "data-model", 12),
    flow("broker", "hub:0", 12),
    flow("hub:0", "client:1", 5),
    flow("stage:notifications", "broker", 1),
    flow("connection:gone", "broker", 1),
    flow("client:1", "broker", 0),
  ],
};

test("boxes stand in lanes, and quiet ones share one", () => {
  const { nodes } = graphOf(boat);
  expect(nodes.map(({ id, lane, state }) => [id, lane, state])).toEqual([
    ["connection:gps", "inputs", "flows"],
    ["others:inputs", "inputs", "idle"],
    ["plugin:wind", "plugins", "flows"],
    ["broker", "broker", "flows"],
    ["data-model", "inside", "flows"],
    ["hub:0", "inside", "flows"],
    ["client:1", "outputs", "flows"],
  ]);
  const titles = nodes.map(({ title }) => title);
  expect(titles).toEqual(["gps", "2 quiet ones", "wind", "Broker", "Data model", "Hub 0", "10.0.0.7"]);
  const broker = nodes.find(({ id }) => id === "broker");
  expect([broker?.incoming, broker?.outgoing, broker?.members.length]).toEqual([12, 32, 2]);
});

test("what the stages say stays in the broker, and lines to nobody are left out", () => {
  const { edges } = graphOf(boat);
  expect(edges.map(({ from, to }) => `${from}>${to}`)).toEqual([
    "connection:gps>broker",
    "plugin:wind>broker",
    "broker>plugin:wind",
    "broker>data-model",
    "broker>hub:0",
    "hub:0>client:1",
  ]);
});

test("of many the loudest and those in trouble are shown", () => {
  const clients = Array.from({ length: 40 }, (_, n) => actor(`client:${n}`));
  clients[39] = actor("client:39", { lately: { ...lately, dropped: 2 } });
  const flows = clients.map(({ id }, n) => flow("hub:0", id, n === 39 ? 0 : n));
  const { nodes, edges } = graphOf({ actors: [actor("hub:0"), ...clients], flows });
  const outputs = nodes.filter(({ lane }) => lane === "outputs");
  expect(outputs.map(({ id }) => id)).toEqual([...[33, 34, 35, 36, 37, 38, 39].map((n) => `client:${n}`), "others:outputs"]);
  expect(outputs.find(({ id }) => id === "client:39")?.state).toBe("drops");
  expect(edges.find(({ to }) => to === "client:39")?.state).toBe("drops");
  const rest = edges.find(({ to }) => to === "others:outputs");
  expect(rest?.deltasPerSecond).toBe((32 * 33) / 2);
});

test("trouble is seen", () => {
  const queue = { unit: "deltas", waiting: 80, most: 90, capacity: 100, dropped: 0 };
  expect(stateOf(actor("plugin:a"))).toBe("idle");
  expect(stateOf(actor("plugin:a", { queue }))).toBe("full");
  expect(stateOf(actor("plugin:a", { queue, lately: { ...lately, dropped: 1 } }))).toBe("drops");
  expect(stateOf(actor("plugin:a", { running: 3_000 }))).toBe("stuck");
});

test("boxes do not cover each other, and lines go from box to box", () => {
  const layout = layoutOf(graphOf(boat));
  for (const one of layout.nodes) {
    expect(one.x + one.width).toBeLessThanOrEqual(WIDTH);
    expect(one.y + one.height).toBeLessThanOrEqual(layout.height);
    for (const other of layout.nodes) {
      if (one === other) continue;
      const apart =
        one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
      expect(apart, `${one.node.id} and ${other.node.id}`).toBe(true);
    }
  }
  expect(layout.edges).toHaveLength(6);
  const there = layout.edges.find(({ key }) => key === "plugin:wind broker");
  const back = layout.edges.find(({ key }) => key === "broker plugin:wind");
  expect(there?.path).not.toBe(back?.path);
  expect(layoutOf({ nodes: [], edges: [] }).nodes).toEqual([]);
});

test("wider is more", () => {
  const widths = [0, 0.01, 1, 10, 100, 1000, 1e9].map(widthOfRate);
  expect(widths[0]).toBe(0);
  expect([...widths].sort((a, b) => a - b)).toEqual(widths);
  expect(Math.max(...widths)).toBeLessThanOrEqual(14);
  expect([0, 0.01, 12.34, 1234].map(rateText)).toEqual(["0 /s", "< 0.1 /s", "12.3 /s", "1234 /s"]);
});
