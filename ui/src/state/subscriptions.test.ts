import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Subscriptions, type ControlMessage } from "./subscriptions";

let sent: ControlMessage[];
let replays: number;
let subscriptions: Subscriptions;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  replays = 0;
  subscriptions = new Subscriptions(
    (message) => sent.push(message),
    () => (replays += 1),
  );
});
afterEach(() => {
  subscriptions.stop();
  vi.useRealTimers();
});

const take = () => {
  vi.advanceTimersByTime(20);
  return sent.splice(0);
};
const row = (path: string, period = 200) => ({ path, policy: "fixed", period });

it("asks for nothing before there is a connection, and for everything then", () => {
  subscriptions.add([{ path: "a.b" }, { path: "notifications.*", period: 0 }]);
  expect(take()).toEqual([]);
  subscriptions.opened();
  expect(sent).toEqual([
    { context: "vessels.self", subscribe: [row("a.b"), { path: "notifications.*", policy: "instant" }] },
  ]);
});

it("asks for what is added only, once for all who want it, in one message for those that come together", () => {
  subscriptions.opened();
  subscriptions.add([{ path: "a" }]);
  subscriptions.add([{ path: "b" }]);
  expect(take()).toEqual([{ context: "vessels.self", subscribe: [row("a"), row("b")] }]);
  subscriptions.add([{ path: "a" }]);
  expect(take()).toEqual([]);
  expect(replays).toBe(1);
  subscriptions.add([{ path: "a", context: "vessels.*", allSources: true }]);
  expect(take()).toEqual([{ context: "vessels.*", subscribe: [row("a")], sourcePolicy: "all" }]);
});

it("starts over some time after something is not wanted any more, unless it is wanted again", () => {
  subscriptions.opened();
  subscriptions.add([{ path: "a" }]);
  const stop = subscriptions.add([{ path: "b" }]);
  take();
  stop();
  stop();
  const again = subscriptions.add([{ path: "b" }]);
  vi.advanceTimersByTime(3_000);
  expect(sent.splice(0)).toEqual([]);
  again();
  vi.advanceTimersByTime(3_000);
  expect(sent.splice(0)).toEqual([
    { context: "*", unsubscribe: [{ path: "*" }] },
    { context: "vessels.self", subscribe: [row("a")] },
  ]);
});

it("does not ask for what another row brings anyway", () => {
  subscriptions.add([{ path: "*" }, { path: "a" }, { path: "b", period: 0 }, { path: "c", allSources: true }]);
  subscriptions.opened();
  expect(sent).toEqual([
    { context: "vessels.self", subscribe: [row("*"), { path: "b", policy: "instant" }] },
    { context: "vessels.self", subscribe: [row("c")], sourcePolicy: "all" },
  ]);
  subscriptions.add([{ context: "*", path: "*", allSources: true, period: 0 }]);
  subscriptions.add([{ context: "*", path: "log", period: 0 }]);
  sent = [];
  subscriptions.opened();
  expect(sent).toEqual([
    { context: "*", subscribe: [{ path: "*", policy: "instant" }], sourcePolicy: "all" },
    { context: "*", subscribe: [{ path: "log", policy: "instant" }] },
  ]);
});
