// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "../app";
import "../pages/alarms";
import "../pages/dashboard";
import "../pages/security";
import { Live } from "../state/live";

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

  /** What the page has asked for. */
  readonly received: unknown[] = [];

  send(text: string): void {
    this.received.push(JSON.parse(text));
  }

  tell(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

let answers: Record<string, { status: number; body: unknown }>;
let requests: string[];
let live: Live;

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  ServerSocket.opened = [];
  requests = [];
  answers = {
    "/signalk": { status: 200, body: { endpoints: {}, server: { id: "windlass", version: "0.1.0" } } },
    "/skServer/plugins": { status: 200, body: [] },
    "/signalk/v1/applicationData/user/windlass-ui/1.0.0": { status: 200, body: {} },
    "/signalk/v1/applicationData/global/windlass-ui/1.0.0": { status: 200, body: {} },
    "/skServer/loginStatus": { status: 200, body: { status: "notLoggedIn", authenticationRequired: false } },
  };
  vi.stubGlobal("WebSocket", ServerSocket);
  vi.stubGlobal("fetch", async (url: string) => {
    requests.push(url);
    const answer = answers[url];
    if (answer === undefined) throw new TypeError("network");
    return new Response(JSON.stringify(answer.body), { status: answer.status });
  });
  live = new Live();
});

afterEach(() => {
  cleanup();
  live.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  window.localStorage.clear();
});

const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

async function open(): Promise<void> {
  live.start();
  render(<App live={live} />);
  await wait(0);
}

function server(): ServerSocket {
  const socket = ServerSocket.opened.at(-1);
  if (socket === undefined) throw new Error("the page opened no stream");
  return socket;
}

async function goLive(): Promise<void> {
  await open();
  server().tell({ self: SELF, name: "windlass", version: "0.1.0", timestamp: new Date().toISOString(), serverStartId: "1" });
  await wait(200);
}

function sendValue(path: string, value: unknown, $source = "gps.GP"): void {
  const update = { $source, timestamp: new Date().toISOString(), values: [{ path, value }] };
  server().tell({ context: SELF, updates: [update] });
}

function sendMeta(path: string, value: object): void {
  server().tell({ context: SELF, updates: [{ timestamp: new Date().toISOString(), meta: [{ path, value }] }] });
}

const SPEED = "navigation.speedOverGround";
const face = () => document.querySelector<HTMLElement>(".widget .face");
const shown = () => face()?.querySelector('[data-testid="value"]')?.textContent;

const connectionState = () => screen.getByTestId("connection-state");

describe("the dashboard", () => {
  it("shows a value in the person's unit, and greys it with its age when it is old", async () => {
    await goLive();
    sendMeta(SPEED, { units: "m/s" });
    sendValue(SPEED, 1852 / 3600);
    await wait(200);
    expect(shown()).toBe("1.0");
    sendValue(SPEED, 2 * (1852 / 3600));
    await wait(1_000);
    expect(shown()).toBe("2.0");
    expect(face()?.dataset.stale).toBe("false");
    await wait(31_000);
    expect(face()?.dataset.stale).toBe("true");
    expect(face()?.textContent).toContain("s ago");
  });

  it("keeps up with thousands of deltas a second at five renderings a second", async () => {
    await goLive();
    const published = vi.fn();
    live.vessel.subscribe(published);
    for (let batch = 0; batch < 100; batch += 1) {
      for (let i = 0; i < 50; i += 1) sendValue(SPEED, batch * 50 + i);
      await wait(10);
    }
    await wait(200);
    expect(published.mock.calls.length).toBeLessThanOrEqual(7);
    expect(shown()).toBe("4999.00");
  });

  it("without data says what to do", async () => {
    await goLive();
    await wait(2_000);
    expect(screen.getByTestId("no-data").textContent).toContain("windlass --demo");
    sendValue(SPEED, 1);
    await wait(200);
    expect(screen.queryByTestId("no-data")).toBeNull();
    expect(shown()).toBe("1.00");
  });
});

describe("the connection", () => {
  it("opens the stream with the queries the page needs", async () => {
    await open();
    expect(connectionState().dataset.state).toBe("connecting");
    expect(server().url).toBe(
      "ws://localhost:3000/signalk/v1/stream?subscribe=none&sendMeta=all&serverevents=all",
    );
  });

  it("when lost marks the values as stale, counts down, and recovers", async () => {
    await goLive();
    sendValue(SPEED, 1);
    await wait(200);
    expect(connectionState().dataset.state).toBe("live");
    expect(document.querySelector("main")?.dataset.live).toBe("true");

    act(() => server().onclose?.());
    expect(connectionState().dataset.state).toBe("reconnecting");
    expect(connectionState().textContent).toBe("Reconnecting in 1 s");
    expect(document.querySelector("main")?.dataset.live).toBe("false");
    expect(screen.getByTestId("stale-banner").textContent).toContain("are not being updated");
    expect([shown(), face()?.dataset.stale]).toEqual(["1.00", "true"]);

    await wait(1_000);
    server().tell({ self: SELF, serverStartId: "1" });
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
  it("is named, with the vessel and its version", async () => {
    await goLive();
    server().tell({ type: "VESSEL_INFO", data: { name: "Plaka", mmsi: "230099999" } });
    await wait(0);
    expect(screen.getByTestId("vessel-name").textContent).toBe("Plaka");
    expect(screen.getByTestId("vessel-id").textContent).toBe("MMSI 230099999");
    expect(screen.getByTestId("server-version").textContent).toBe("windlass, serves Signal K 0.1.0");
  });

  it("that wants a login says so", async () => {
    answers["/skServer/loginStatus"] = { status: 200, body: { status: "notLoggedIn", authenticationRequired: true, readOnlyAccess: false } };
    answers["/skServer/plugins"] = { status: 401, body: {} };
    await goLive();
    expect(screen.getByText(/signed-in users only/)).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Sign in" }));
    await wait(500);
    expect(screen.getByRole("dialog", { name: "Sign in" })).toBeTruthy();
  });

  it("that nobody owns leads to where it is claimed", async () => {
    answers["/skServer/loginStatus"] = { status: 200, body: { status: "notLoggedIn", authenticationRequired: true, readOnlyAccess: true, noUsers: true } };
    await goLive();
    expect(screen.getByText(/Nobody owns this server yet/)).toBeTruthy();
    expect(screen.getByRole("link", { name: "Claim it" }).getAttribute("href")).toBe("#/security");
    expect(screen.queryByText(/Security is off/)).toBeNull();
  });

  it("that is open to everybody says so", async () => {
    await goLive();
    expect(screen.getByText(/Security is off/)).toBeTruthy();
  });
});

describe("notifications", () => {
  it("show the active ones by severity and speak them once", async () => {
    await goLive();
    sendValue("notifications.a", { state: "warn", message: "Battery low" });
    sendValue("notifications.b", { state: "alarm", message: "Shallow water" });
    sendValue("notifications.c", { state: "normal", message: "" });
    await wait(200);
    const bars = () => screen.getAllByTestId("alarm-bar").map((bar) => [bar.dataset.state, bar.querySelector(".message")?.textContent]);
    expect(bars()).toEqual([
      ["alarm", "Shallow water"],
      ["warn", "Battery low"],
    ]);
    expect(screen.getByRole("alert").textContent).toBe("alarm: Shallow water. warn: Battery low");

    sendValue("notifications.b", { state: "alarm", message: "Shallow water: 1.8 m" });
    await wait(200);
    expect(bars()[0]).toEqual(["alarm", "Shallow water: 1.8 m"]);
    expect(screen.getByRole("alert").textContent).toBe("alarm: Shallow water. warn: Battery low");
  });
});

describe("the shell", () => {
  afterEach(() => {
    window.location.hash = "";
  });

  const go = async (hash: string) => {
    window.location.hash = hash;
    await wait(0);
    await wait(0);
  };

  it("goes to a page, puts the focus on its heading, and marks it in the menu", async () => {
    await goLive();
    await go("#/alarms");
    const heading = screen.getByRole("heading", { name: "Alarms" });
    expect(document.activeElement).toBe(heading);
    expect(screen.getByTestId("nav-alarms").getAttribute("aria-current")).toBe("page");
    expect(screen.getByTestId("nav-dashboard").getAttribute("aria-current")).toBeNull();
    expect(document.title).toContain("Alarms");
  });

  it("asks nobody but admins for what is theirs, and makes no request for others", async () => {
    const status = { authenticationRequired: true, readOnlyAccess: true };
    answers["/skServer/loginStatus"] = { status: 200, body: { ...status, status: "loggedIn", username: "guest", userLevel: "readonly" } };
    await goLive();
    await go("#/security");
    expect(screen.getByTestId("admins-only").textContent).toContain("signed in as guest");
    expect(requests.filter((url) => url.startsWith("/skServer/security"))).toEqual([]);
    answers["/skServer/security/users"] = { status: 200, body: [{ userId: "skipper", type: "admin" }] };
    answers["/skServer/loginStatus"] = { status: 200, body: { ...status, status: "loggedIn", username: "skipper", userLevel: "admin" } };
    answers["/skServer/security/access/requests"] = { status: 200, body: [] };
    await act(() => live.refreshLogin());
    await act(() => vi.dynamicImportSettled());
    await wait(0);
    const rights = within(screen.getByTestId("user-skipper")).getByTestId<HTMLInputElement>("user-level");
    expect(rights.value).toBe("May do everything");
  });

  it("says so when an address leads nowhere", async () => {
    await goLive();
    await go("#/nowhere");
    expect(screen.getByTestId("no-page").textContent).toContain("no such page");
  });

  it("asks for what every page needs and for what this one shows, and for nothing it does not", async () => {
    await goLive();
    expect(server().received).toEqual([
      {
        context: "vessels.self",
        subscribe: [
          { path: "", policy: "fixed", period: 200 },
          { path: "notifications.*", policy: "instant" },
          // What there is at all; widgets ask for their own values.
          { path: "*", policy: "fixed", period: 5_000 },
        ],
      },
    ]);
    await go("#/alarms");
    await wait(3_500);
    expect(server().received.slice(1)).toEqual([
      { context: "*", unsubscribe: [{ path: "*" }] },
      {
        context: "vessels.self",
        subscribe: [
          { path: "", policy: "fixed", period: 200 },
          { path: "notifications.*", policy: "instant" },
        ],
      },
    ]);
  });

  it("shows what is wrong on every page, and silences it here", async () => {
    await goLive();
    await go("#/alarms");
    sendValue("notifications.a", { state: "alarm", message: "Shallow water", method: ["visual", "sound"] });
    await wait(200);
    expect(screen.getByTestId("alarm-bar").textContent).toContain("Shallow water");
    expect(screen.getByTestId("alarm-count").dataset.count).toBe("1");
    fireEvent.click(screen.getByTestId("silence"));
    expect(screen.queryByTestId("silence")).toBeNull();
    sendValue("notifications.a", { state: "normal", message: "" });
    await wait(200);
    expect(screen.queryByTestId("alarm-bar")).toBeNull();
  });

  it("hides itself in kiosk mode, until Escape", async () => {
    await goLive();
    fireEvent.click(screen.getByTestId("kiosk"));
    expect(screen.queryByTestId("vessel-name")).toBeNull();
    expect(screen.queryByTestId("nav-alarms")).toBeNull();
    fireEvent.keyDown(document.body, { key: "Escape" });
    expect(screen.getByTestId("vessel-name")).toBeTruthy();
  });

  it("signs in and out, on a new connection", async () => {
    const status = { authenticationRequired: true, readOnlyAccess: true };
    answers["/skServer/loginStatus"] = { status: 200, body: { ...status, status: "notLoggedIn" } };
    await goLive();
    fireEvent.click(screen.getByTestId("user-menu"));
    await wait(300);
    expect(screen.getByTestId("who-am-i").textContent).toBe("Nobody is signed in");
    fireEvent.click(screen.getByText("Sign in"));
    await wait(300);
    const form = within(screen.getByTestId("login-form"));
    fireEvent.change(form.getByLabelText(/User/), { target: { value: "jo" } });
    fireEvent.change(form.getByLabelText(/^Password/), { target: { value: "wrong" } });
    answers["/signalk/v1/auth/login"] = { status: 401, body: { statusCode: 401, message: "Invalid username/password" } };
    fireEvent.submit(screen.getByTestId("login-form"));
    await wait(300);
    expect(within(screen.getByTestId("login-form")).getByRole("alert").textContent).toBe("Invalid username/password");

    answers["/signalk/v1/auth/login"] = { status: 200, body: { token: "x" } };
    answers["/skServer/loginStatus"] = { status: 200, body: { ...status, status: "loggedIn", username: "jo", userLevel: "admin" } };
    const before = ServerSocket.opened.length;
    fireEvent.submit(screen.getByTestId("login-form"));
    await wait(500);
    expect(screen.queryByTestId("login-form")).toBeNull();
    expect(ServerSocket.opened.length).toBe(before + 1);
    expect(screen.getByRole("button", { name: "User: jo" })).toBeTruthy();
  });
});
