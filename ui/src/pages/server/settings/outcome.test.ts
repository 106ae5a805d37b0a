import { expect, test } from "vitest";
import type { SettingsReport } from "../../../api/server";
import { newAddress, notes, withChanges } from "./outcome";

const plain = { scheme: "http", host: "0.0.0.0", port: 3001 } as const;
const report = (fields: Partial<SettingsReport>): SettingsReport => ({ changes: [], addresses: [plain], moved: false, ...fields });

test("the page is told where it is now", () => {
  const here = { origin: "http://[fe80::1]:3000", hostname: "[fe80::1]", pathname: "/admin/", hash: "#/server" };
  expect(newAddress(report({}), here)).toBeUndefined();
  expect(newAddress(report({ moved: true }), here)).toBe("http://[fe80::1]:3001/admin/#/server");
  expect(newAddress(report({ moved: true }), { ...here, origin: "http://[fe80::1]:3001" })).toBeUndefined();
  const both = [plain, { scheme: "https", host: "0.0.0.0", port: 3443 } as const];
  expect(newAddress(report({ moved: true, addresses: both }), here)).toBe("https://[fe80::1]:3443/admin/#/server");
});

test("only what does not simply hold is spoken of", () => {
  const changes = [
    { setting: "options.mdns", effect: "now" },
    { setting: "port", effect: "overridden", why: "The server was started with --port 3000." },
    { setting: "options.useBLEManager", effect: "unused" },
    { setting: "sslport", effect: "now", why: "It is used as soon as encryption is on." },
  ] as const;
  expect(notes(report({ changes: [...changes] }))).toEqual([
    { label: "Port of this page", why: "The server was started with --port 3000." },
    { label: "options.useBLEManager", why: "It is saved, but has no effect on this server." },
    { label: "Port with encryption", why: "It is used as soon as encryption is on." },
  ]);
});

test("what was saved is shown although the server has moved", () => {
  const settings = { options: { mdns: true, ssl: false }, port: 3000, interfaces: { tcp: true } };
  expect(withChanges(settings, { options: { mdns: false }, port: 3001 })).toEqual({
    options: { mdns: false, ssl: false },
    port: 3001,
    interfaces: { tcp: true },
  });
});
