import { expect, it } from "vitest";
import { notificationsOf, type Notification } from "../../signalk/notifications";
import { testEntry, testSnapshot, TEST_TIME, type TestValue } from "../../test-support";
import { acknowledgedMethod, byUrgency, canBeEnded, isAcknowledged, silencedMethod, sinceWhen } from "./attention";

function all(values: Record<string, object>): Notification[] {
  const entries = Object.entries(values).map(([subject, value]): [string, TestValue] => [`notifications.${subject}`, { value }]);
  return notificationsOf(testSnapshot(Object.fromEntries(entries)).rows);
}
const one = (value: object) => all({ a: value })[0] as Notification;
const BOTH = ["visual", "sound"];

it("somebody in the water comes first, then the worst, the unseen, and the newest", () => {
  const list = all({
    anchor: { state: "emergency", method: BOTH },
    seen: { state: "alarm", method: [] },
    old: { state: "alarm", method: BOTH },
    new: { state: "alarm", method: BOTH },
    "mob.1": { state: "emergency", method: BOTH },
    tank: { state: "warn", method: BOTH },
  });
  const order = byUrgency(list, ({ subject }) => (subject === "new" ? 2 : 1));
  expect(order.map(({ subject }) => subject)).toEqual(["mob.1", "anchor", "new", "old", "seen", "tank"]);
});

it("silencing takes the sound away; there has to be one, and an emergency is never silenced", () => {
  expect(silencedMethod(one({ state: "alarm", method: BOTH }))).toEqual(["visual"]);
  expect(silencedMethod(one({ state: "alarm", method: ["visual"] }))).toBeUndefined();
  expect(silencedMethod(one({ state: "emergency", method: BOTH }))).toBeUndefined();
  expect(silencedMethod(one({ state: "alarm", method: BOTH, status: { silenced: true } }))).toBeUndefined();
  expect(silencedMethod(one({ state: "alarm", method: ["sound"] }))).toBeUndefined();
});

it("acknowledging leaves nothing to be noticed, but an emergency on the screens", () => {
  expect(acknowledgedMethod(one({ state: "alarm", method: ["visual"] }))).toEqual([]);
  expect(acknowledgedMethod(one({ state: "alarm", method: [] }))).toBeUndefined();
  expect(acknowledgedMethod(one({ state: "emergency", method: BOTH }))).toEqual(["visual"]);
  expect(acknowledgedMethod(one({ state: "emergency", method: ["visual"] }))).toBeUndefined();
  expect(isAcknowledged(one({ state: "alarm", method: [] }))).toBe(true);
  expect(isAcknowledged(one({ state: "alarm", method: ["visual"], status: { acknowledged: true } }))).toBe(true);
  expect(isAcknowledged(one({ state: "normal", method: [] }))).toBe(false);
});

it("where notifications are managed, their status says what was done", () => {
  const status = { acknowledged: false, canAcknowledge: true };
  const quiet = one({ id: "1", state: "alarm", method: [], status });
  expect([isAcknowledged(quiet), acknowledgedMethod(quiet)]).toEqual([false, []]);
  expect(acknowledgedMethod(one({ id: "1", state: "emergency", method: ["visual"], status }))).toEqual(["visual"]);
  const seen = one({ id: "1", state: "alarm", method: [], status: { ...status, acknowledged: true } });
  expect([isAcknowledged(seen), acknowledgedMethod(seen)]).toEqual([true, undefined]);
});

it("what zones raise ends by itself only", () => {
  const of = (source: string) =>
    notificationsOf(testSnapshot({ "notifications.a": { source, value: { state: "alarm" } } }).rows)[0] as Notification;
  expect(canBeEnded(of("self.notificationhandler"))).toBe(false);
  expect(canBeEnded(of("freeboard"))).toBe(true);
});

it("it is as old as its state, not as its last message", () => {
  const alarm = one({ state: "alarm", method: BOTH });
  const entry = testEntry({ path: alarm.path, source: alarm.source, state: "alarm", time: 5 });
  expect(sinceWhen(alarm, [entry], entry.context)).toBe(5);
  expect(sinceWhen(alarm, [{ ...entry, state: "warn", time: 6 }, entry], entry.context)).toBe(TEST_TIME);
  expect(sinceWhen(alarm, [{ ...entry, source: "other" }], entry.context)).toBe(TEST_TIME);
  expect(sinceWhen(alarm, [entry], "vessels.urn:mrn:imo:mmsi:2")).toBe(TEST_TIME);
});
