// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeServer } from "../test-server";
import type { Live } from "./live";

const URL = "/windlass/alarms/history?limit=100";
const entry = (id: number) => ({
  id,
  time: "2026-06-01T12:00:00.000Z",
  context: "vessels.x",
  path: "notifications.a",
  source: "s",
  from: "normal",
  state: "alarm",
  message: "m",
  silenced: "2026-06-01T12:00:01.000Z",
});

let server: FakeServer;
let live: Live;
beforeEach(async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 5, 1, 12) });
  server = new FakeServer();
  server.answers[URL] = { body: { entries: [entry(1), { id: 2, state: "odd" }, null], more: true } };
  live = server.connect();
  await wait(0);
  server.hello();
  await wait(200);
});
afterEach(() => {
  live.stop();
  server.restore();
  vi.useRealTimers();
});

const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const asked = () => server.requests.filter(({ url }) => url.startsWith("/windlass/alarms/history"));
const ids = () => live.alarmHistory.get().entries?.map(({ id }) => id);

it("is read while somebody looks, and again when a notification changes", async () => {
  server.value("notifications.a", { state: "alarm", message: "m" });
  await wait(2_000);
  expect(asked()).toEqual([]);
  const stop = live.alarmHistory.watch();
  await wait(0);
  expect([ids(), live.alarmHistory.get().more]).toEqual([[1], true]);
  expect(live.alarmHistory.get().entries?.[0]).toMatchObject({ silenced: Date.UTC(2026, 5, 1, 12, 0, 1), ended: undefined });
  server.answers[URL] = { body: { entries: [entry(2), entry(1)], more: false } };
  for (let storm = 0; storm < 10; storm += 1) server.value("notifications.a", { state: "warn", message: String(storm) });
  server.value("environment.depth", 1);
  await wait(2_000);
  expect([ids(), asked().length]).toEqual([[2, 1], 2]);
  stop();
  server.value("notifications.a", { state: "normal" });
  await wait(2_000);
  expect(asked().length).toBe(2);
});

it("keeps what was read when the next reading fails, and says why", async () => {
  live.alarmHistory.watch();
  await wait(0);
  server.answers[URL] = { status: 500, body: "The disk is broken" };
  server.event("ALARM_HISTORY_CLEARED", {});
  await wait(1_000);
  expect([ids(), String(live.alarmHistory.get().error)]).toEqual([[1], "ApiError: The disk is broken"]);
  server.answers[URL] = { body: { entries: [], more: false } };
  server.event("ALARM_HISTORY_CLEARED", {});
  await wait(1_000);
  expect(live.alarmHistory.get()).toEqual({ entries: [], more: false });
});

it.each([401, 403])("keeps nothing of what who sits here now may not read (%i)", async (status) => {
  live.alarmHistory.watch();
  await wait(0);
  server.answers[URL] = { status, body: "Sign in" };
  server.hello();
  await wait(1_000);
  expect(live.alarmHistory.get()).toEqual({ error: expect.objectContaining({ status }) });
});

it("reads older ones when they are wanted, and clears for everybody", async () => {
  live.alarmHistory.watch();
  await wait(0);
  server.answers["/windlass/alarms/history?limit=200"] = { body: { entries: [entry(3), entry(2), entry(1)], more: false } };
  await live.alarmHistory.more();
  expect(ids()).toEqual([3, 2, 1]);
  server.answers["DELETE /windlass/alarms/history"] = { body: "" };
  server.answers["/windlass/alarms/history?limit=200"] = { body: { entries: [], more: false } };
  await live.alarmHistory.clear();
  expect([ids(), asked().map(({ method }) => method)]).toEqual([[], ["GET", "GET", "DELETE", "GET"]]);
});
