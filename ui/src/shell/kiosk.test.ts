// @vitest-environment jsdom
import { expect, it } from "vitest";
import { wantsKiosk } from "./kiosk";

it.each([
  ["?kiosk", "#/dashboard", true],
  ["?a=1&kiosk=1", "", true],
  ["", "#/dashboard?kiosk", true],
  ["", "#/dashboard", false],
  ["?kiosks", "#/kiosk", false],
])("%s%s: %s", (search, hash, expected) => expect(wantsKiosk({ search, hash })).toBe(expected));
