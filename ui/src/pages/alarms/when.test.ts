import { expect, it } from "vitest";
import { whenText } from "./when";

it("says the day of what was not today", () => {
  const noon = new Date(2026, 4, 31, 12, 3, 10).getTime();
  expect(whenText(noon, noon + 60_000)).toMatch(/^12.03.10$/);
  expect(whenText(noon, noon + 86_400_000)).toMatch(/^2026-05-31 12.03.10$/);
});
