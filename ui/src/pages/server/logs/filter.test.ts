import { expect, test } from "vitest";
import type { LogLine } from "../../../state/logs";
import { filterLines, logName, logText, patternsOf } from "./filter";

let number = 0;
function line(text: string, level?: string): LogLine {
  number += 1;
  return { number, time: "12:00", text, isError: level === "ERROR", level };
}

const lines = [
  line("DEBUG x: details", "DEBUG"),
  line("INFO x: connected to gps", "INFO"),
  line("WARN x: Connection to GPS lost", "WARN"),
  line("ERROR x: broken", "ERROR"),
  line("without a level"),
];

test("lines are chosen by level and words", () => {
  const shown = (level: Parameters<typeof filterLines>[1], search = "") => filterLines(lines, level, search).map(({ text }) => text.split(" ")[0]);
  expect(filterLines(lines, "all", " ")).toBe(lines);
  expect(shown("info")).toEqual(["INFO", "WARN", "ERROR", "without"]);
  expect(shown("warn")).toEqual(["WARN", "ERROR"]);
  expect(shown("error")).toEqual(["ERROR"]);
  expect(shown("all", "gps CONNECT")).toEqual(["INFO", "WARN"]);
  expect(shown("error", "gps")).toEqual([]);
});

test("what is shown can be kept as a file", () => {
  expect(logText(lines.slice(1, 2))).toBe("12:00 INFO x: connected to gps\n");
  expect(logName(new Date("2026-05-01T12:30:59Z"))).toBe("windlass-log-2026-05-01T12-30.txt");
});

test("debug patterns are told apart", () => {
  expect(patternsOf("a, b:* ,a -c")).toEqual(["a", "b:*", "-c"]);
  expect(patternsOf("")).toEqual([]);
});
