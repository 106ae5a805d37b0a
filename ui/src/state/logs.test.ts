import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Logs } from "./logs";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const line = (number: number) => ({ ts: `Nov 21 10:00:${number}`, row: `INFO part: line ${number}` });

it("keeps lines with level, and shows them soon", () => {
  const logs = new Logs();
  logs.asked();
  logs.add(line(1));
  logs.add({ ts: "x", row: "no level here", isError: true });
  logs.add("nonsense");
  vi.advanceTimersByTime(200);
  expect(logs.lines.get()).toEqual([
    { number: 1, time: "Nov 21 10:00:1", text: "INFO part: line 1", isError: false, level: "INFO" },
    { number: 2, time: "x", text: "no level here", isError: true, level: undefined },
  ]);
  logs.clear();
  expect(logs.lines.get()).toEqual([]);
});

it("leaves out what the server repeats when it is asked again, and only that", () => {
  const logs = new Logs();
  logs.asked();
  for (const number of [1, 2, 2, 3]) logs.add(line(number));
  logs.asked();
  for (const number of [2, 2, 3, 4, 3]) logs.add(line(number));
  vi.advanceTimersByTime(200);
  expect(logs.lines.get().map((shown) => shown.text.slice(-1))).toEqual(["1", "2", "2", "3", "4", "3"]);
});

it("is bounded, and counts what made room", () => {
  const logs = new Logs();
  for (let number = 0; number < 12_000; number += 1) logs.add(line(number));
  vi.advanceTimersByTime(200);
  const shown = logs.lines.get();
  expect(shown.length).toBeLessThanOrEqual(5_000);
  expect(shown.length + logs.dropped).toBe(12_000);
  expect(shown.at(-1)?.number).toBe(12_000);
});
