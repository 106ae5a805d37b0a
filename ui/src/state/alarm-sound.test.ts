import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { notificationsOf, type Notification } from "../signalk/notifications";
import { testSnapshot } from "../test-support";
import { AlarmSound, sounds } from "./alarm-sound";

let beeps: number;

class FakeAudio {
  state = "running";
  currentTime = 0;
  destination = {};
  createOscillator() {
    beeps += 1;
    return { type: "", frequency: { value: 0 }, connect: (to: unknown) => to, start: () => undefined, stop: () => undefined };
  }
  createGain() {
    return { gain: { setValueAtTime: () => undefined, linearRampToValueAtTime: () => undefined }, connect: () => undefined };
  }
}

beforeEach(() => {
  beeps = 0;
  vi.useFakeTimers();
  vi.stubGlobal("AudioContext", FakeAudio);
  vi.stubGlobal("navigator", { userActivation: { hasBeenActive: true } });
  vi.stubGlobal("window", { localStorage: { getItem: () => null, setItem: () => undefined } });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function active(value: object): Notification[] {
  return notificationsOf(testSnapshot({ "notifications.a": { value } }).rows);
}

const alarm = { state: "alarm", method: ["visual", "sound"], message: "x" };

it("sounds for what asks for it, until it is over", () => {
  const sound = new AlarmSound();
  sound.update(active(alarm));
  sound.update(active(alarm));
  expect(beeps).toBe(2);
  vi.advanceTimersByTime(2_000);
  expect(beeps).toBe(4);
  sound.update([]);
  vi.advanceTimersByTime(10_000);
  expect(beeps).toBe(4);
});

it("is silent when silenced here, until the state changes", () => {
  const sound = new AlarmSound();
  sound.update(active(alarm));
  sound.silence(active(alarm));
  sound.update(active(alarm));
  vi.advanceTimersByTime(10_000);
  expect(beeps).toBe(2);
  sound.update(active({ ...alarm, state: "emergency" }));
  expect(beeps).toBe(6);
  sound.stop();
});

it("is silent when switched off", () => {
  const sound = new AlarmSound();
  sound.setEnabled(false);
  sound.update(active(alarm));
  expect(beeps).toBe(0);
});

it("waits for a touch where the browser wants one, and says so", () => {
  vi.stubGlobal("navigator", { userActivation: { hasBeenActive: false } });
  const sound = new AlarmSound();
  sound.update(active(alarm));
  expect([beeps, sound.blocked.get()]).toEqual([0, true]);
  vi.stubGlobal("navigator", { userActivation: { hasBeenActive: true } });
  vi.advanceTimersByTime(2_000);
  expect([beeps, sound.blocked.get()]).toEqual([2, false]);
  sound.stop();
});

it.each([
  [{ state: "alert", method: ["sound"] }, false],
  [{ state: "warn", method: ["sound"] }, true],
  [{ state: "alarm", method: ["visual"] }, false],
  [{ state: "alarm", method: ["sound"], status: { silenced: true } }, false],
  [{ state: "emergency", method: ["sound"], status: { acknowledged: true } }, false],
])("%j sounds: %s", (value, expected) => expect(active(value).map(sounds)).toEqual([expected]));
