import { afterEach, expect, it, vi } from "vitest";
import { fetchPlugins, parseDiscovery, parseLoginStatus, streamUrl } from "./api";

afterEach(() => vi.unstubAllGlobals());

it("reads discovery", () => {
  expect(
    parseDiscovery({
      endpoints: { v1: { version: "2.31.0", "signalk-ws": "ws://boat:3000/sk/v1/stream" } },
      server: { id: "windlass", version: "2.31.0" },
    }),
  ).toEqual({ serverId: "windlass", serverVersion: "2.31.0", streamPath: "/sk/v1/stream" });
});

it("falls back to the stream's usual path", () => {
  expect(parseDiscovery(null).streamPath).toBe("/signalk/v1/stream");
  expect(parseDiscovery({ endpoints: { v1: { "signalk-ws": "::" } } }).streamPath).toBe("/signalk/v1/stream");
});

it.each([
  ["http://boat:3000/admin/?x=1#y", "ws://boat:3000/signalk/v1/stream?subscribe=none&sendMeta=all&serverevents=all"],
  ["https://boat/any/prefix/", "wss://boat/signalk/v1/stream?subscribe=none&sendMeta=all&serverevents=all"],
])("opens the stream on the origin of %s", (page, expected) => {
  expect(streamUrl(page, "/signalk/v1/stream")).toBe(expected);
});

it("reads the login status", () => {
  expect(parseLoginStatus({ status: "loggedIn", authenticationRequired: true, readOnlyAccess: true, username: "sam" })).toEqual({
    authenticationRequired: true,
    readOnlyAccess: true,
    loggedIn: true,
    unclaimed: false,
    username: "sam",
  });
});

it.each([
  [401, "denied"],
  [403, "denied"],
  [500, "failed"],
])("tells a plugin list answered with %d as %s", async (status, reason) => {
  vi.stubGlobal("fetch", async () => new Response("no", { status }));
  expect(await fetchPlugins()).toMatchObject({ ok: false, reason, detail: "no" });
});

it("tells a server that can't be reached as failed", async () => {
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("network")));
  expect(await fetchPlugins()).toMatchObject({ ok: false, reason: "failed" });
});
