// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Dashboard } from "../state/dashboard";
import { DashboardContext } from "../state/hooks";
import { App } from "./app";

const SELF = "vessels.urn:mrn:imo:mmsi:230099999";
const START = Date.UTC(2026, 5, 1, 12);

/** Stands in for the browser's WebSocket: the test is the server. */
class ServerSocket {
  static opened: ServerSocket[] = [];

  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    ServerSocket.opened.push(this);
  }

  close(): void {}

  send(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

let answers: Record<string, { status: number; body: unknown }>;
let requests: string[];
let dashboard: Dashboard;

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  ServerSocket.opened = [];
  requests = [];
  answers = {
    "/signalk": { status: 200, body: { endpoints: {}, server: { id: "windlass", version: "0.1.0" } } },
    "/skServer/plugins": { status: 200, body: [] },
    "/skServer/loginStatus": { status: 200, body: { status: "notLoggedIn", authenticationRequired: false } },
  };
  vi.stubGlobal("WebSocket", ServerSocket);
  vi.stubGlobal("fetch", async (url: string) => {
    requests.push(url);
    const answer = answers[url];
    if (answer === undefined) throw new TypeError("network");
    return new Response(JSON.stringify(answer.body), { status: answer.status });
  });
  dashboard = new Dashboard();
});

afterEach(() => {
  cleanup();
  dashboard.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  window.localStorage.clear();
});

const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

async function open(): Promise<void> {
  dashboard.start();
  render(
    <DashboardContext value={dashboard}>
      <App />
    </DashboardContext>,
  );
  await wait(0);
}

function server(): ServerSocket {
  const socket = ServerSocket.opened.at(-1);
  if (socket === undefined) throw new Error("the page opened no stream");
  return socket;
}

async function goLive(): Promise<void> {
  await open();
  server().send({ self: SELF, name: "windlass", version: "0.1.0", timestamp: new Date().toISOString(), serverStartId: "1" });
  await wait(200);
}

function sendValue(path: string, value: unknown, $source = "gps.GP"): void {
  const update = { $source, timestamp: new Date().toISOString(), values: [{ path, value }] };
  server().send({ context: SELF, updates: [update] });
}

function sendMeta(path: string, value: object): void {
  server().send({ context: SELF, updates: [{ timestamp: new Date().toISOString(), meta: [{ path, value }] }] });
}

function cells(path: string): string[] {
  const row = document.querySelector(`tr[data-path="${path}"]`);
  if (row === null) throw new Error(`no row for ${path}`);
  return ["value", "units", "source", "age"].map((cell) => row.querySelector(`[data-cell="${cell}"]`)?.textContent ?? "");
}

const connectionState = () => screen.getByTestId("connection-state");

describe("the value table", () => {
  it("shows value, units, source and a ticking age", async () => {
    await goLive();
    sendMeta("navigation.speedOverGround", { units: "m/s" });
    sendValue("navigation.speedOverGround", 1852 / 3600);
    await wait(200);
    expect(cells("navigation.speedOverGround")).toEqual(["1.0", "kn", "gps.GP", "now"]);
    await wait(3_000);
    expect(cells("navigation.speedOverGround")[3]).toMatch(/^[23] s ago$/);
    sendValue("navigation.speedOverGround", 2 * (1852 / 3600));
    await wait(1_000);
    expect(cells("navigation.speedOverGround").slice(0, 2)).toEqual(["2.0", "kn"]);
  });

  it("shows every source of a path, null as a dash, and raw SI on request", async () => {
    await goLive();
    sendMeta("environment.depth.belowKeel", { units: "m" });
    sendValue("environment.depth.belowKeel", 8.25, "a.SD");
    sendValue("environment.depth.belowKeel", null, "b.SD");
    await wait(200);
    const [value, , source] = cells("environment.depth.belowKeel");
    expect(value).toBe("—");
    expect(source).toContain("a.SD 8.3 m");
    expect(source).toContain("b.SD —");
    fireEvent.click(screen.getByRole("button", { name: "SI raw" }));
    expect(cells("environment.depth.belowKeel")[2]).toContain("a.SD 8.25 m");
  });

  it("remarks data that carries a date of long ago", async () => {
    await goLive();
    for (const second of [1, 2]) {
      const update = { $source: "file.GP", timestamp: `2014-08-15T19:00:0${second}Z`, values: [{ path: "a.b", value: 1 }] };
      server().send({ context: SELF, updates: [update] });
      await wait(200);
    }
    expect(cells("a.b")[3]).toBe("nowdated 2014-08-15");
  });

  it("is filtered by what is typed, and says what to do when nothing matches", async () => {
    await goLive();
    sendValue("navigation.speedOverGround", 1);
    sendValue("environment.depth.belowKeel", 8);
    await wait(200);
    const filter = screen.getByRole("searchbox");
    fireEvent.change(filter, { target: { value: "depth" } });
    expect(document.querySelectorAll("tr[data-path]")).toHaveLength(1);
    fireEvent.change(filter, { target: { value: "xyz" } });
    fireEvent.click(within(screen.getByTestId("no-match")).getByRole("button"));
    expect(document.querySelectorAll("tr[data-path]")).toHaveLength(2);
  });

  it("folds groups", async () => {
    await goLive();
    sendValue("navigation.speedOverGround", 1);
    await wait(200);
    const group = screen.getByRole("button", { name: /navigation/ });
    fireEvent.click(group);
    expect(group.getAttribute("aria-expanded")).toBe("false");
    expect(document.querySelector("tr[data-path]")).toBeNull();
  });

  it("keeps up with thousands of deltas a second at five renderings a second", async () => {
    await goLive();
    const published = vi.fn();
    dashboard.vessel.subscribe(published);
    for (let batch = 0; batch < 100; batch += 1) {
      for (let i = 0; i < 50; i += 1) sendValue("a.b", batch * 50 + i);
      await wait(10);
    }
    await wait(200);
    expect(published.mock.calls.length).toBeLessThanOrEqual(7);
    expect(cells("a.b")[0]).toBe("4999");
  });
});

describe("the connection", () => {
  it("opens the stream with the queries the page needs", async () => {
    await open();
    expect(connectionState().dataset.state).toBe("connecting");
    expect(server().url).toBe(
      "ws://localhost:3000/signalk/v1/stream?subscribe=self&sendMeta=all&serverevents=all",
    );
  });

  it("when lost marks the values as stale, counts down, and recovers", async () => {
    await goLive();
    sendValue("a.b", 1);
    await wait(200);
    expect(connectionState().dataset.state).toBe("live");
    expect(document.querySelector("main")?.dataset.live).toBe("true");

    act(() => server().onclose?.());
    expect(connectionState().dataset.state).toBe("reconnecting");
    expect(connectionState().textContent).toBe("Reconnecting in 1 s");
    expect(document.querySelector("main")?.dataset.live).toBe("false");
    expect(screen.getByTestId("stale-banner").textContent).toContain("are not being updated");
    expect(cells("a.b")[0]).toBe("1");

    await wait(1_000);
    server().send({ self: SELF, serverStartId: "1" });
    await wait(200);
    expect(connectionState().dataset.state).toBe("live");
    expect(screen.queryByTestId("stale-banner")).toBeNull();
  });

  it("says offline, and since when, after half a minute", async () => {
    answers = {};
    await open();
    await wait(31_000);
    expect(connectionState().dataset.state).toBe("offline");
    expect(connectionState().textContent).toMatch(/^Offline since \d\d:\d\d:\d\d, /);
    expect(screen.getByTestId("stale-banner").textContent).toContain("The server does not answer");
  });
});

describe("the server", () => {
  it("is named, with the vessel, its version and its rates", async () => {
    await goLive();
    server().send({ type: "VESSEL_INFO", data: { name: "Plaka", mmsi: "230099999" } });
    server().send({
      type: "SERVERSTATISTICS",
      data: { deltaRate: 43.25, numberOfAvailablePaths: 42, wsClients: 3, uptime: 3_595, providerStatistics: { nmea: { deltaRate: 21.8 } } },
    });
    await wait(0);
    expect(screen.getByTestId("vessel-name").textContent).toBe("Plaka");
    expect(screen.getByTestId("vessel-id").textContent).toBe("MMSI 230099999");
    expect(screen.getByTestId("server-version").textContent).toBe("windlass, serves Signal K 0.1.0");
    expect(screen.getByTestId("delta-rate").textContent).toBe("43.3");
    expect(screen.getByTestId("path-count").textContent).toBe("42");
    expect(screen.getByTestId("ws-clients").textContent).toBe("3");
    expect(screen.getByTestId("connection-nmea").textContent).toContain("21.8/s");
    expect(screen.getByTestId("uptime").textContent).toBe("59 min 55 s");
    await wait(6_000);
    expect(screen.getByTestId("uptime").textContent).toBe("1 h 0 min");
  });

  it("without data and plugins says what to do", async () => {
    await goLive();
    expect(screen.getByTestId("no-data").textContent).toContain("windlass --demo");
    expect(screen.getByText(/No plugins yet/)).toBeTruthy();
    expect(screen.getByText(/No data connection is running/)).toBeTruthy();
  });

  it("that wants a login says so", async () => {
    answers["/skServer/loginStatus"] = { status: 200, body: { status: "notLoggedIn", authenticationRequired: true, readOnlyAccess: false } };
    answers["/skServer/plugins"] = { status: 401, body: {} };
    await goLive();
    expect(screen.getByText(/signed-in users only/)).toBeTruthy();
    expect(screen.getByText(/Only administrators may see the plugins/)).toBeTruthy();
    expect(screen.getByRole("link", { name: "Sign in" }).getAttribute("href")).toBe("/access");
  });

  it("that nobody owns leads to where it is claimed", async () => {
    answers["/skServer/loginStatus"] = { status: 200, body: { status: "notLoggedIn", authenticationRequired: true, readOnlyAccess: true, noUsers: true } };
    await goLive();
    expect(screen.getByText(/Nobody owns this server yet/)).toBeTruthy();
    expect(screen.getByRole("link", { name: "Claim it" }).getAttribute("href")).toBe("/access");
    expect(screen.queryByText(/Security is off/)).toBeNull();
  });

  it("that is open to everybody says so", async () => {
    await goLive();
    expect(screen.getByText(/Security is off/)).toBeTruthy();
  });
});

describe("plugins", () => {
  const plugin = (state: string) => ({ id: "true-wind", name: "True wind", version: "0.1.0", state, statusMessage: "", data: { enabled: true } });

  it("show their state, its meaning and the status text", async () => {
    answers["/skServer/plugins"] = { status: 200, body: [plugin("crashed")] };
    await goLive();
    server().send({ type: "PROVIDERSTATUS", data: [{ id: "true-wind", type: "error", statusType: "plugin", message: "Crashed: unreachable" }] });
    await wait(1_000);
    const item = screen.getByTestId("plugin-true-wind");
    expect(item.dataset.state).toBe("crashed");
    expect(item.textContent).toContain("Crashed: unreachable");
    expect(item.textContent).toContain("starts it again by itself");
  });

  it("follow PLUGINS_CHANGED, and are read again when a status changes", async () => {
    answers["/skServer/plugins"] = { status: 200, body: [plugin("running")] };
    await goLive();
    expect(screen.getByTestId("plugin-true-wind").dataset.state).toBe("running");

    server().send({ type: "PLUGINS_CHANGED", data: [plugin("stopped")] });
    await wait(0);
    expect(screen.getByTestId("plugin-true-wind").dataset.state).toBe("stopped");

    answers["/skServer/plugins"] = { status: 200, body: [plugin("starting")] };
    const status = { type: "PROVIDERSTATUS", data: [{ id: "true-wind", type: "status", statusType: "plugin", message: "Starting" }] };
    server().send(status);
    await wait(1_000);
    expect(screen.getByTestId("plugin-true-wind").dataset.state).toBe("starting");

    const before = requests.length;
    server().send(status);
    await wait(5_000);
    expect(requests).toHaveLength(before);
  });
});

describe("notifications", () => {
  it("show the active ones by severity and speak them once", async () => {
    await goLive();
    sendValue("notifications.a", { state: "warn", message: "Battery low" });
    sendValue("notifications.b", { state: "alarm", message: "Shallow water" });
    sendValue("notifications.c", { state: "normal", message: "" });
    await wait(200);
    const items = [...document.querySelectorAll<HTMLElement>(".notification")];
    expect(items.map((item) => [item.dataset.path, item.dataset.state])).toEqual([
      ["notifications.b", "alarm"],
      ["notifications.a", "warn"],
      ["notifications.c", "normal"],
    ]);
    expect(screen.getByRole("alert").textContent).toBe("alarm: Shallow water. warn: Battery low");
    expect(document.querySelector('tr[data-path^="notifications"]')).toBeNull();

    sendValue("notifications.b", { state: "alarm", message: "Shallow water: 1.8 m" });
    await wait(200);
    expect(document.querySelector(".notification .message")?.textContent).toBe("Shallow water: 1.8 m");
    expect(screen.getByRole("alert").textContent).toBe("alarm: Shallow water. warn: Battery low");
  });
});

describe("instruments", () => {
  it("appear with their data", async () => {
    await goLive();
    expect(screen.queryByTestId("tile-sog")).toBeNull();
    sendValue("navigation.speedOverGround", 10 * (1852 / 3600));
    await wait(200);
    expect(screen.getByTestId("tile-sog").textContent).toContain("10.0kn");
  });
});
