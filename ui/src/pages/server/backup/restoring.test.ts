import { expect, test } from "vitest";
import { backupName, meaningOf, namesOf, restoreStatus } from "./restoring";

test("the server's words become a state", () => {
  expect(restoreStatus(undefined)).toBeUndefined();
  expect(restoreStatus({ state: "Copying Files", message: "a", percentComplete: 40 })).toEqual({ state: "busy", message: "a", percent: 40 });
  expect(restoreStatus({ state: "Complete", message: "", percentComplete: 100 })?.state).toBe("done");
  expect(restoreStatus({ state: "Error", message: "no", percentComplete: 700 })).toEqual({ state: "failed", message: "no", percent: 100 });
});

test("names are taken as they come, and said in words where they are known", () => {
  expect(namesOf(["settings.json", 7])).toEqual(["settings.json"]);
  expect(namesOf("nothing")).toEqual([]);
  expect(meaningOf("settings.json")).toBe("Settings and connections");
  expect(meaningOf("plugin-packages/")).toBe("Plugins and web apps that came as files");
  expect(meaningOf("constructor")).toBeUndefined();
});

test("a backup has a name that the server takes back", () => {
  expect(backupName(new Date("2026-05-01T12:30:00Z"))).toBe("signalk-2026-05-01T12-30.backup");
});
