// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { kiosk } from "../../shell/kiosk";
import { LiveContext } from "../../state/hooks";
import type { Live } from "../../state/live";
import { currentRoute } from "../../state/location";
import { FakeServer } from "../../test-server";
import DashboardPage from ".";
import "./edit/editor";

const USER = "/signalk/v1/applicationData/user/windlass-ui/1.0.0";
const GLOBAL = "/signalk/v1/applicationData/global/windlass-ui/1.0.0";
const SWITCH = "electrical.switches.light.state";

// The editor is much to draw, and the machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

let server: FakeServer;
let live: Live;
const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const at = (kind: string, settings: object, x = 0) => ({ id: kind, kind, x, y: 0, w: 3, h: 3, settings });

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.answers[USER] = { body: {} };
  server.answers[GLOBAL] = { body: {} };
  server.answers[`POST ${USER}/dashboard`] = { body: "ApplicationData saved" };
});

afterEach(() => {
  cleanup();
  live.stop();
  server.restore();
  vi.useRealTimers();
  window.localStorage.clear();
  window.location.hash = "";
  kiosk.set(false);
});

/** The page of somebody who has these pages kept. */
async function open(data?: object): Promise<void> {
  if (data !== undefined) server.answers[USER] = { body: { dashboard: { revision: 1, data } } };
  live = server.connect();
  show();
  await wait(0);
  server.hello();
  await wait(500);
}

function show(): void {
  render(
    <MantineProvider env="test">
      <LiveContext value={live}>
        <DashboardPage />
      </LiveContext>
    </MantineProvider>,
  );
}

const onePage = (...widgets: object[]) => ({ pages: [{ id: "p", name: "P", widgets }] });
const posted = () => server.requests.filter(({ method }) => method === "POST").map(({ body }) => body);

describe("a widget", () => {
  it("says for which path it has no data, and that it needs one", async () => {
    await open(onePage(at("numeric", { path: "a.b" }), at("gauge", {}, 3)));
    expect(screen.getByTestId("widget-numeric").textContent).toContain("No data yet for a.b");
    expect(screen.getByTestId("widget-gauge").textContent).toContain("No path is chosen yet");
  });

  it("has the title, unit and decimals that are set, and tells the zone of its value", async () => {
    await open(onePage(at("numeric", { path: "navigation.speedOverGround", title: "Fast", unit: "km/h", decimals: 0 })));
    server.meta("navigation.speedOverGround", { units: "m/s", zones: [{ lower: 5, state: "warn", message: "Too fast" }] });
    server.value("navigation.speedOverGround", 10);
    await wait(300);
    expect(screen.getByTestId("widget-numeric").textContent).toBe("Fastwarn36km/h");
    server.value("navigation.speedOverGround", 1);
    await wait(300);
    expect(screen.getByTestId("widget-numeric").textContent).toBe("Fast4km/h");
  });

  it("of a kind of another version is told, and is still there after a change", async () => {
    await open(onePage(at("hologram", { depth: 3 }), at("numeric", { path: "a.b" }, 3)));
    expect(screen.getByTestId("unknown-widget").textContent).toContain("hologram");
    fireEvent.click(screen.getByTestId("edit"));
    await wait(100);
    fireEvent.click(screen.getByTestId("pages"));
    fireEvent.change(screen.getByTestId("new-page-name"), { target: { value: "More" } });
    fireEvent.click(screen.getByTestId("add-page"));
    await wait(1_000);
    const saved = posted().at(-1) as { data: { pages: { name: string; widgets: object[] }[] } };
    expect(saved.data.pages.map(({ name }) => name)).toEqual(["P", "More"]);
    expect(saved.data.pages[0]?.widgets[0]).toEqual(at("hologram", { depth: 3 }));
  });
});

describe("a switch", () => {
  const toggle = () => within(screen.getByTestId("widget-switch")).getByRole<HTMLInputElement>("switch");
  const state = () => screen.getByTestId("switch-state").dataset.state;

  it("is not for those who may only read", async () => {
    server.answers["/skServer/loginStatus"] = { body: { status: "loggedIn", authenticationRequired: true, userLevel: "readonly", username: "guest" } };
    server.answers[GLOBAL] = { body: { dashboard: { revision: 1, data: onePage(at("switch", { path: SWITCH })) } } };
    await open();
    server.value(SWITCH, 0);
    await wait(300);
    expect(toggle().disabled).toBe(true);
    expect(screen.getByTestId("widget-switch").textContent).toContain("Sign in");
  });

  it("shows what the value says, not what was asked for", async () => {
    server.answers["PUT /signalk/v1/api/vessels/self/electrical/switches/light/state"] = { body: { state: "COMPLETED", statusCode: 200 } };
    await open(onePage(at("switch", { path: SWITCH })));
    server.value(SWITCH, 0);
    await wait(300);
    expect(state()).toBe("off");
    fireEvent.click(toggle());
    await wait(300);
    expect(state()).toBe("PENDING");
    expect(server.requests.at(-1)?.body).toEqual({ value: 1 });
    server.value(SWITCH, 1);
    await wait(300);
    expect(state()).toBe("on");
    fireEvent.click(toggle());
    await wait(10_000);
    expect(screen.getByTestId("switch-problem").textContent).toContain("the value has not changed");
    expect(state()).toBe("on");
  });
});

describe("kiosk mode", () => {
  it("shows one page after the other, and waits for who touches the screen", async () => {
    kiosk.set(true);
    const pages = ["a", "b"].map((id) => ({ id, name: id, widgets: [at("alarms", {})] }));
    await open({ pages, rotate: 10 });
    expect(screen.queryByTestId("edit")).toBeNull();
    await wait(10_000);
    expect(currentRoute()).toBe("/dashboard/b");
    await wait(10_000);
    expect(currentRoute()).toBe("/dashboard/a");
    fireEvent.pointerDown(window);
    await wait(30_000);
    expect(currentRoute()).toBe("/dashboard/a");
    await wait(30_000);
    expect(currentRoute()).toBe("/dashboard/b");
  });
});

describe("a change of another device", () => {
  const look = (state: DocumentVisibilityState) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  const asked = () => server.requests.filter(({ url }) => url.endsWith("/revision")).length;
  const elsewhere = (revision: number, kind: string) => {
    server.answers[USER] = { body: { dashboard: { revision, data: onePage(at(kind, { path: "a.b" })) } } };
    server.answers[`${USER}/dashboard/revision`] = { body: String(revision) };
  };
  afterEach(() => look("visible"));

  it("is seen while somebody can see it, and as soon as somebody comes back", async () => {
    await open(onePage(at("alarms", {})));
    elsewhere(2, "numeric");
    await wait(6_000);
    expect(screen.getByTestId("widget-numeric")).toBeTruthy();
    look("hidden");
    elsewhere(3, "gauge");
    const before = asked();
    await wait(60_000);
    expect(asked()).toBe(before);
    look("visible");
    await wait(100);
    expect(screen.getByTestId("widget-gauge")).toBeTruthy();
    elsewhere(4, "text");
    fireEvent.focus(window);
    await wait(100);
    expect(screen.getByTestId("widget-text")).toBeTruthy();
  });

  it("is asked about where it is edited, and not where it is only looked at", async () => {
    await open(onePage(at("alarms", {})));
    fireEvent.click(screen.getByTestId("edit"));
    await wait(100);
    elsewhere(2, "numeric");
    await wait(6_000);
    expect(screen.getByTestId("save-state").textContent).toContain("changed on another device");
    expect(screen.getByTestId("widget-alarms")).toBeTruthy();
    fireEvent.click(screen.getByTestId("take-theirs"));
    await wait(300);
    expect(screen.getByTestId("widget-numeric")).toBeTruthy();
    expect(screen.getByTestId<HTMLButtonElement>("undo").disabled).toBe(true);
    fireEvent.click(screen.getByTestId("done"));
    await wait(300);
    elsewhere(3, "gauge");
    await wait(6_000);
    expect(screen.getByTestId("widget-gauge")).toBeTruthy();
    expect(posted()).toEqual([]);
  });
});

describe("a conflict", () => {
  it("is told in words, with both ways out", async () => {
    await open(onePage(at("alarms", {})));
    server.answers[USER] = { body: { dashboard: { revision: 7, data: { pages: [{ id: "q", name: "Q", widgets: [at("text", { path: "a.b" })] }] } } } };
    fireEvent.click(screen.getByTestId("edit"));
    await wait(100);
    fireEvent.click(screen.getByTestId("more"));
    await wait(300);
    fireEvent.click(screen.getByTestId("reset"));
    fireEvent.click(screen.getByTestId("confirm"));
    await wait(1_000);
    expect(screen.getByTestId("save-state").textContent).toContain("changed on another device");
    fireEvent.click(screen.getByTestId("take-theirs"));
    await wait(300);
    fireEvent.click(screen.getByTestId("done"));
    await wait(300);
    expect(screen.getByTestId("widget-text")).toBeTruthy();
    expect(posted()).toEqual([]);
  });
});

describe("a change that could not be saved", () => {
  const SAVE = `POST ${USER}/dashboard`;
  const LOGIN = "/skServer/loginStatus";
  const as = (username: string) => ({ body: { status: "loggedIn", authenticationRequired: true, userLevel: "readwrite", username } });
  const state = () => screen.getByTestId("save-state").dataset.state;
  const tabs = () => screen.queryAllByRole("tab").map(({ textContent }) => textContent);
  /** Whether the browser would ask before it closes the page. */
  const asks = () => !window.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  const addPage = async () => {
    fireEvent.click(screen.getByTestId("edit"));
    await wait(100);
    fireEvent.click(screen.getByTestId("pages"));
    fireEvent.change(screen.getByTestId("new-page-name"), { target: { value: "More" } });
    fireEvent.click(screen.getByTestId("add-page"));
    await wait(1_000);
  };
  const reconnect = async () => {
    live.reconnect();
    await wait(5_000);
    server.hello();
    await wait(1_000);
  };

  it("is there when the person comes back, and is saved when the link is", async () => {
    await open(onePage(at("alarms", {})));
    expect(asks()).toBe(false);
    server.answers[SAVE] = { status: 502, body: "" };
    await addPage();
    expect([state(), asks()]).toEqual(["failed", true]);
    cleanup();
    await wait(10_000);
    expect(asks()).toBe(true);
    show();
    await wait(500);
    expect([state(), tabs()]).toEqual(["failed", ["P", "More"]]);
    // Also while another page is shown.
    cleanup();
    server.answers[SAVE] = { body: "" };
    const before = posted().length;
    await reconnect();
    expect(posted().slice(before)).toMatchObject([{ revision: 2, data: { pages: [{ name: "P" }, { name: "More" }] } }]);
    expect(asks()).toBe(false);
  });

  it("is still asked about when the person comes back", async () => {
    await open(onePage(at("alarms", {})));
    server.answers[USER] = { body: { dashboard: { revision: 7, data: onePage(at("text", { path: "a.b" })) } } };
    await addPage();
    cleanup();
    await reconnect();
    show();
    await wait(500);
    expect([state(), tabs(), asks(), posted()]).toEqual(["conflict", ["P", "More"], true, []]);
    fireEvent.click(screen.getByTestId("keep-mine"));
    await wait(500);
    expect([state(), asks(), posted()]).toMatchObject(["saved", false, [{ revision: 8 }]]);
  });

  it("waits for whose it is, and goes to nobody else", async () => {
    server.answers[LOGIN] = as("skipper");
    await open(onePage(at("alarms", {})));
    server.answers[SAVE] = { status: 502, body: "" };
    await addPage();
    expect(state()).toBe("failed");
    server.answers[SAVE] = { body: "" };
    server.answers[LOGIN] = as("mate");
    server.answers[USER] = { body: { dashboard: { revision: 1, data: onePage(at("text", { path: "a.b" })) } } };
    const before = posted().length;
    await reconnect();
    expect([state(), tabs(), posted().length]).toEqual(["saved", ["P"], before]);
    expect(screen.getByTestId("widget-text")).toBeTruthy();
    server.answers[LOGIN] = as("skipper");
    await reconnect();
    expect([state(), tabs()]).toEqual(["saved", ["P", "More"]]);
    expect(posted().slice(before)).toMatchObject([{ revision: 2, data: { pages: [{ widgets: [{ kind: "alarms" }] }, { name: "More" }] } }]);
  });

  it("stays on the screen while it is not known who is signed in", async () => {
    server.answers[LOGIN] = as("skipper");
    await open(onePage(at("alarms", {})));
    server.answers[SAVE] = { status: 502, body: "" };
    await addPage();
    server.answers[LOGIN] = { status: 502, body: "" };
    await reconnect();
    expect([state(), tabs()]).toEqual(["failed", ["P", "More"]]);
  });
});
