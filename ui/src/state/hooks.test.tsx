// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeServer } from "../test-server";
import { AgeText } from "../components/age-text";
import { LiveContext, useAisTargets, useLogs, usePath, useServerEvent, useTrend } from "./hooks";
import type { Live } from "./live";

let server: FakeServer;
let live: Live;

beforeEach(async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 5, 1, 12) });
  server = new FakeServer();
  live = server.connect();
  await wait(0);
  server.hello();
  await wait(200);
});
afterEach(() => {
  cleanup();
  live.stop();
  server.restore();
  vi.useRealTimers();
});

const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const show = (node: React.ReactNode) => render(<LiveContext value={live}>{node}</LiveContext>);

let renderings = 0;
function Depth({ source }: { source?: string }) {
  const { value, stale, freshness, row, reading, meta } = usePath("environment.depth.belowKeel", { source });
  renderings += 1;
  return (
    <p data-testid="depth" data-stale={stale} data-freshness={freshness}>
      {String(value)} {meta.units} {row !== undefined && reading !== undefined && <AgeText row={row} reading={reading} />}
    </p>
  );
}

it("subscribes to a path as long as it is shown, and shows it with unit and age", async () => {
  const shown = show(<Depth />);
  await wait(20);
  expect(server.subscriptions()).toContainEqual(["vessels.self", "environment.depth.belowKeel"]);
  expect(screen.getByTestId("depth").dataset.freshness).toBe("none");
  server.meta("environment.depth.belowKeel", { units: "m" });
  server.value("environment.depth.belowKeel", 8);
  await wait(200);
  expect(screen.getByTestId("depth").textContent).toBe("8 m now");
  shown.unmount();
  await wait(3_100);
  expect(server.messages().at(-2)).toEqual({ context: "*", unsubscribe: [{ path: "*" }] });
  expect(JSON.stringify(server.messages().at(-1))).not.toContain("belowKeel");
});

it("renders again only when that path changes", async () => {
  show(<Depth />);
  server.value("environment.depth.belowKeel", 8);
  await wait(200);
  const before = renderings;
  for (let i = 0; i < 50; i += 1) server.value("a.b", i);
  await wait(200);
  expect(renderings).toBe(before);
  server.value("environment.depth.belowKeel", 9);
  await wait(200);
  expect(renderings).toBe(before + 1);
});

it("tells what is stale: by age, and at once when the link is down", async () => {
  show(<Depth />);
  server.value("environment.depth.belowKeel", 8);
  await wait(200);
  expect(screen.getByTestId("depth").dataset.stale).toBe("false");
  await wait(31_000);
  expect(screen.getByTestId("depth").dataset.stale).toBe("true");
  server.value("environment.depth.belowKeel", 7);
  await wait(1_000);
  expect(screen.getByTestId("depth").dataset.stale).toBe("false");
  act(() => server.drop());
  expect(screen.getByTestId("depth").dataset.stale).toBe("true");
});

it("shows one source when that is asked for", async () => {
  show(<Depth source="b.SD" />);
  await wait(20);
  expect(server.messages()).toContainEqual(expect.objectContaining({ sourcePolicy: "all" }));
  server.value("environment.depth.belowKeel", 8, { source: "b.SD" });
  server.value("environment.depth.belowKeel", 3, { source: "a.SD" });
  await wait(200);
  expect(screen.getByTestId("depth").textContent).toContain("8");
});

function Trend() {
  return <p data-testid="trend">{useTrend("a.b").map((point) => point.value).join(" ")}</p>;
}

it("remembers what it has seen of a path", async () => {
  show(<Trend />);
  for (const value of [1, 2, 3]) {
    server.value("a.b", value);
    await wait(1_000);
  }
  expect(screen.getByTestId("trend").textContent).toBe("1 2 3");
});

function Targets() {
  return <ul>{useAisTargets().map((target) => <li key={target.context}>{`${target.name} ${Math.round(target.approach?.distance ?? -1)}`}</li>)}</ul>;
}

it("lists other vessels by distance", async () => {
  show(<Targets />);
  await wait(20);
  expect(server.subscriptions()).toContainEqual(["vessels.*", "navigation.position"]);
  server.value("navigation.position", { latitude: 60, longitude: 20 });
  for (const [id, name, latitude] of [["1", "Far", 60.1], ["2", "Near", 60.01]] as const) {
    const context = `vessels.urn:mrn:imo:mmsi:23000000${id}`;
    server.value("", { name }, { context });
    server.value("navigation.position", { latitude, longitude: 20 }, { context });
  }
  await wait(200);
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(["Near 1112", "Far 11119"]);
});

function Log() {
  return <p data-testid="log">{useLogs().map((line) => line.text).join("|")}</p>;
}

it("reads the server's log, and keeps it over a lost connection", async () => {
  show(<Log />);
  await wait(20);
  expect(server.subscriptions()).toContainEqual(["*", "log"]);
  server.event("LOG", { ts: "1", row: "INFO a" });
  await wait(200);
  act(() => server.drop());
  await wait(1_100);
  server.hello();
  server.event("LOG", { ts: "1", row: "INFO a" });
  server.event("LOG", { ts: "2", row: "INFO b" });
  await wait(400);
  expect(screen.getByTestId("log").textContent).toBe("INFO a|INFO b");
});

function Restoration() {
  return <p data-testid="event">{useServerEvent<{ percentComplete: number }>("RESTORESTATUS")?.percentComplete ?? "none"}</p>;
}

it("shows server events", async () => {
  show(<Restoration />);
  expect(screen.getByTestId("event").textContent).toBe("none");
  server.event("RESTORESTATUS", { percentComplete: 40 });
  await wait(0);
  expect(screen.getByTestId("event").textContent).toBe("40");
});
