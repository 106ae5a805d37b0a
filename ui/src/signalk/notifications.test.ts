import { expect, it } from "vitest";
import { testSnapshot } from "../test-support";
import { isActive, notificationsOf } from "./notifications";

it("lists the most severe first, and knows which need attention", () => {
  const { rows } = testSnapshot({
    "navigation.speedOverGround": { value: 1 },
    "notifications.a": { value: { state: "normal", message: "fine" } },
    "notifications.b": { value: { state: "warn", message: "low" } },
    "notifications.c.d": { value: { state: "emergency", message: "sinking" }, source: "mob" },
    "notifications.e": { value: { state: "alarm" } },
    "notifications.f": { value: null },
    "notifications.g": { value: { state: "unheard of" } },
  });
  const list = notificationsOf(rows);
  expect(list.map((n) => [n.subject, n.state, isActive(n)])).toEqual([
    ["c.d", "emergency", true],
    ["e", "alarm", true],
    ["b", "warn", true],
    ["g", "alert", true],
    ["a", "normal", false],
    ["f", "normal", false],
  ]);
  expect(list[0]).toMatchObject({ message: "sinking", source: "mob", path: "notifications.c.d" });
});
