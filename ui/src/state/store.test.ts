import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Clock, Store, Throttle } from "./store";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("a store tells its listeners of changes, and only of changes", () => {
  const store = new Store(1);
  const listener = vi.fn();
  const stop = store.subscribe(listener);
  store.set(1);
  store.set(2);
  stop();
  store.set(3);
  expect(listener).toHaveBeenCalledTimes(1);
  expect(store.get()).toBe(3);
});

it("a throttle runs five times a second however often it is asked, and not without being asked", () => {
  const action = vi.fn();
  const throttle = new Throttle(200, action);
  for (let ms = 0; ms < 1_000; ms += 1) {
    throttle.request();
    vi.advanceTimersByTime(1);
  }
  expect(action.mock.calls.length).toBeGreaterThanOrEqual(5);
  expect(action.mock.calls.length).toBeLessThanOrEqual(6);
  vi.advanceTimersByTime(200);
  action.mockClear();
  vi.advanceTimersByTime(10_000);
  expect(action).not.toHaveBeenCalled();
});

it("a throttle that was cancelled does not run, and can be asked again", () => {
  const action = vi.fn();
  const throttle = new Throttle(200, action);
  throttle.request();
  throttle.cancel();
  vi.advanceTimersByTime(1_000);
  expect(action).not.toHaveBeenCalled();
  throttle.request();
  vi.advanceTimersByTime(1_000);
  expect(action).toHaveBeenCalledTimes(1);
});

it("the clock ticks every second while somebody looks, and not otherwise", () => {
  const clock = new Clock();
  const stop = clock.subscribe(() => undefined);
  const start = clock.get();
  vi.advanceTimersByTime(3_000);
  expect(clock.get() - start).toBeGreaterThanOrEqual(3_000);
  stop();
  expect(vi.getTimerCount()).toBe(0);
});
