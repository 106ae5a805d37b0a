// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LoginStatus } from "../../signalk/api";
import { FakeServer } from "../../test-server";
import { DashboardStore } from "./documents";
import { parseDashboard } from "./model/parse";
import type { Dashboard } from "./model/types";

const USER = "/signalk/v1/applicationData/user/windlass-ui/1.0.0";
const GLOBAL = "/signalk/v1/applicationData/global/windlass-ui/1.0.0";
const dashboard = (name: string): Dashboard => parseDashboard({ pages: [{ id: "p", name, widgets: [] }] })!;
const json = (name: string) => ({ pages: [{ id: "p", name, widgets: [] }], rotate: 0, version: 1 });
const skipper = { authenticationRequired: true, loggedIn: true, username: "skipper", readOnlyAccess: true } as LoginStatus;
const SKIPPER = { status: "loggedIn", authenticationRequired: true, readOnlyAccess: true, username: "skipper" };
const nobody = { ...skipper, loggedIn: false, username: undefined } as LoginStatus;

let server: FakeServer;
let store: DashboardStore;
const nameOf = () => store.get().dashboard?.pages[0]?.name;
const posts = () => server.requests.filter(({ method }) => method === "POST");

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.answers = { "/skServer/loginStatus": { body: SKIPPER }, [USER]: { body: {} }, [GLOBAL]: { body: {} }, [`POST ${USER}/dashboard`]: { body: "ApplicationData saved" }, [`POST ${GLOBAL}/dashboard`]: { body: "" } };
  store = new DashboardStore();
});
afterEach(() => {
  server.restore();
  vi.useRealTimers();
  window.localStorage.clear();
});

describe("a dashboard is read", () => {
  it("from the server for whoever is signed in", async () => {
    server.answers[USER] = { body: { dashboard: { revision: 3, data: json("Mine") } } };
    await store.load(skipper);
    expect([nameOf(), store.get().origin, store.get().loaded]).toEqual(["Mine", "server", true]);
  });

  it("from the one for everybody when there is none, and is none when there is none of these", async () => {
    server.answers[GLOBAL] = { body: { dashboard: { revision: 1, data: json("Ours") } } };
    await store.load(skipper);
    expect([nameOf(), store.get().origin]).toEqual(["Ours", "everybody"]);
    server.answers[GLOBAL] = { body: {} };
    await store.load(skipper);
    expect([nameOf(), store.get().origin]).toEqual([undefined, "none"]);
  });

  it("from this browser while nobody is signed in, without asking for what is refused", async () => {
    await store.load(nobody);
    store.change(dashboard("Here"));
    await vi.advanceTimersByTimeAsync(500);
    expect(store.get().saving).toBe("saved");
    store = new DashboardStore();
    await store.load(nobody);
    expect([nameOf(), store.get().origin]).toEqual(["Here", "browser"]);
    expect(server.requests.some(({ url }) => url.startsWith(USER))).toBe(false);
  });

  it("from this browser for who may only read", async () => {
    await store.load({ ...skipper, userLevel: "readonly" });
    store.change(dashboard("Here"));
    await vi.advanceTimersByTimeAsync(500);
    expect([store.get().origin, store.get().saving, posts()]).toEqual(["browser", "saved", []]);
  });

  it("from this browser where the server keeps nothing", async () => {
    delete server.answers[USER];
    delete server.answers[GLOBAL];
    await store.load(skipper);
    expect(store.get()).toMatchObject({ loaded: true, origin: "none" });
    store.change(dashboard("Here"));
    expect(store.get().origin).toBe("browser");
  });

  it("again when the server did not answer, and what is shown stays meanwhile", async () => {
    server.answers[USER] = { status: 500, body: "" };
    await store.load(skipper);
    expect(store.get().loaded).toBe(false);
    server.answers[USER] = { body: { dashboard: { revision: 3, data: json("Mine") } } };
    await vi.advanceTimersByTimeAsync(2_000);
    expect(nameOf()).toBe("Mine");
    server.answers[USER] = { status: 500, body: "" };
    await store.load(skipper);
    expect([nameOf(), store.get().origin]).toEqual(["Mine", "server"]);
  });

  it("and stays the same object when it is the same", async () => {
    server.answers[USER] = { body: { dashboard: { revision: 3, data: json("Mine") } } };
    await store.load(skipper);
    const before = store.get().dashboard;
    await store.load(skipper);
    expect(store.get().dashboard).toBe(before);
  });
});

describe("a dashboard is saved", () => {
  it("once for changes that follow each other", async () => {
    await store.load(skipper);
    store.change(dashboard("One"));
    store.change(dashboard("Two"));
    expect(store.get().saving).toBe("saving");
    await vi.advanceTimersByTimeAsync(500);
    expect(store.get().saving).toBe("saved");
    expect(posts().map(({ body }) => body)).toEqual([{ revision: 1, data: json("Two") }]);
  });

  it("not over that of somebody else: the person decides", async () => {
    await store.load(skipper);
    server.answers[USER] = { body: { dashboard: { revision: 5, data: json("Theirs") } } };
    store.change(dashboard("Mine"));
    await vi.advanceTimersByTimeAsync(500);
    expect(store.get().saving).toBe("conflict");
    expect(posts()).toEqual([]);
    store.change(dashboard("Mine, more"));
    await vi.advanceTimersByTimeAsync(500);
    expect(store.get().saving).toBe("conflict");
    await store.resolve("mine");
    expect(store.get().saving).toBe("saved");
    expect(posts().at(-1)?.body).toEqual({ revision: 6, data: json("Mine, more") });
  });

  it("or gives way to that of somebody else", async () => {
    await store.load(skipper);
    server.answers[USER] = { body: { dashboard: { revision: 5, data: json("Theirs") } } };
    store.change(dashboard("Mine"));
    await vi.advanceTimersByTimeAsync(500);
    await store.resolve("theirs");
    expect([nameOf(), store.get().saving]).toEqual(["Theirs", "saved"]);
    expect(posts()).toEqual([]);
  });

  it("later when the server does not answer, and is not lost by reading again meanwhile", async () => {
    await store.load(skipper);
    server.answers[`POST ${USER}/dashboard`] = { status: 500, body: { message: "The disk is full." } };
    store.change(dashboard("Mine"));
    await vi.advanceTimersByTimeAsync(500);
    expect(store.get()).toMatchObject({ saving: "failed", problem: "The disk is full." });
    await store.load(skipper);
    expect(nameOf()).toBe("Mine");
    server.answers[`POST ${USER}/dashboard`] = { body: "" };
    await store.save();
    expect(store.get()).toMatchObject({ saving: "saved", problem: undefined });
  });

  it("again by itself when the link is back, if there was no answer", async () => {
    await store.load(skipper);
    server.answers[`POST ${USER}/dashboard`] = () => {
      throw new TypeError("Failed to fetch");
    };
    store.change(dashboard("Mine"));
    await vi.advanceTimersByTimeAsync(500);
    expect([store.get().saving, store.isUnsaved]).toEqual(["failed", true]);
    server.answers[`POST ${USER}/dashboard`] = { body: "" };
    await vi.advanceTimersByTimeAsync(5_000);
    expect([store.get().saving, store.isUnsaved]).toEqual(["saved", false]);
  });

  it.each([
    ["another person", { ...SKIPPER, username: "mate" }],
    ["nobody", { ...SKIPPER, status: "notLoggedIn", username: undefined }],
    ["anybody, for there are no accounts any more,", { status: "notLoggedIn", authenticationRequired: false }],
  ])("not into the account of somebody else: %s is signed in by now", async (_, body) => {
    let told = 0;
    store = new DashboardStore(undefined, () => (told += 1));
    await store.load(skipper);
    server.answers["/skServer/loginStatus"] = { body };
    store.change(dashboard("Mine"));
    await vi.advanceTimersByTimeAsync(500);
    expect([store.get().saving, store.get().problem, posts(), told]).toEqual(["failed", expect.stringContaining("belongs to skipper"), [], 1]);
    server.answers["/skServer/loginStatus"] = { body: SKIPPER };
    await store.save();
    expect([store.get().saving, posts().length]).toEqual(["saved", 1]);
  });

  it("for everybody apart from one's own", async () => {
    await store.saveForEverybody(dashboard("Ours"));
    expect(posts().map(({ url, body }) => [url, body])).toEqual([[`${GLOBAL}/dashboard`, { revision: 1, data: json("Ours") }]]);
  });

  it("as none when the default is wanted again", async () => {
    await store.load(skipper);
    store.change(undefined);
    await vi.advanceTimersByTimeAsync(500);
    expect(posts()[0]?.body).toEqual({ revision: 1, data: null });
  });
});

describe("a dashboard that another device changes", () => {
  const REVISION = `${USER}/dashboard/revision`;
  const keep = (url: string, revision: number, name: string) => {
    server.answers[url] = { body: { dashboard: { revision, data: json(name) } } };
    server.answers[`${url}?keys=true`] = { body: ["dashboard"] };
    server.answers[`${url}/dashboard/revision`] = { body: String(revision) };
  };
  beforeEach(async () => {
    keep(USER, 3, "Mine");
    await store.load(skipper);
    server.requests.length = 0;
  });

  it("is shown at the next look, which asks for the version only", async () => {
    await store.look();
    expect(server.requests.map(({ url }) => url)).toEqual([REVISION]);
    keep(USER, 4, "Theirs");
    await store.look();
    expect([nameOf(), store.get().saving, store.get().taken]).toEqual(["Theirs", "saved", 2]);
    // What is saved then is the next version.
    store.change(dashboard("Mine again"));
    await vi.advanceTimersByTimeAsync(500);
    expect(posts()[0]?.body).toMatchObject({ revision: 5 });
  });

  it("is asked about while it is edited here, and nothing is lost", async () => {
    store.setEdited(true);
    keep(USER, 4, "Theirs");
    await store.look();
    expect([nameOf(), store.get().saving]).toEqual(["Mine", "conflict"]);
    store.change(dashboard("Mine, more"));
    await vi.advanceTimersByTimeAsync(500);
    expect([store.get().saving, posts()]).toEqual(["conflict", []]);
    await store.resolve("mine");
    expect([store.get().saving, posts()[0]?.body]).toEqual(["saved", { revision: 5, data: json("Mine, more") }]);
  });

  it("takes the place of what is edited here when that is wanted, also after a reconnect", async () => {
    store.setEdited(true);
    keep(USER, 4, "Theirs");
    await store.load(skipper);
    expect([nameOf(), store.get().saving]).toEqual(["Mine", "conflict"]);
    await store.resolve("theirs");
    expect([nameOf(), store.get().saving]).toEqual(["Theirs", "saved"]);
    await store.look();
    expect(posts()).toEqual([]);
  });

  it("into the same needs no question", async () => {
    store.setEdited(true);
    keep(USER, 4, "Mine");
    await store.look();
    expect([store.get().saving, store.get().taken]).toEqual(["saved", 1]);
  });

  it("while a change is on its way is found out by saving", async () => {
    keep(USER, 4, "Theirs");
    store.change(dashboard("Mine, more"));
    await store.look();
    expect([server.requests, nameOf()]).toEqual([[], "Mine, more"]);
    await vi.advanceTimersByTimeAsync(500);
    expect(store.get().saving).toBe("conflict");
  });

  it("is nothing to read when it is that of another person", async () => {
    keep(USER, 8, "The mate's");
    await store.load({ ...skipper, username: "mate" });
    expect([nameOf(), store.owner, server.requests]).toEqual(["Mine", "user skipper", []]);
  });

  it("stays as it is when the server does not answer", async () => {
    server.answers[REVISION] = { status: 500, body: "" };
    await store.look();
    expect([nameOf(), store.get().saving]).toEqual(["Mine", "saved"]);
  });

  it("is followed where it is the one for everybody, and where somebody makes their own", async () => {
    server.answers[USER] = { body: {} };
    server.answers[`${USER}?keys=true`] = { body: [] };
    keep(GLOBAL, 1, "Ours");
    store = new DashboardStore();
    await store.load(skipper);
    keep(GLOBAL, 2, "Ours, better");
    await store.look();
    expect([nameOf(), store.get().origin]).toEqual(["Ours, better", "everybody"]);
    keep(USER, 1, "Mine");
    await store.look();
    expect([nameOf(), store.get().origin]).toEqual(["Mine", "server"]);
  });
});
