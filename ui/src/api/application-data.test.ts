import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ConflictError, hasChanged, loadDocument, saveDocument } from "./application-data";

const BASE = "/signalk/v1/applicationData/user/windlass-ui/1.0.0";
let kept: Record<string, unknown>;

beforeEach(() => {
  kept = {};
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    if (init.method === "POST") {
      kept[url.slice(BASE.length + 1)] = JSON.parse(String(init.body));
      return new Response('"ApplicationData saved"');
    }
    if (url === BASE) return new Response(JSON.stringify(kept));
    if (url === `${BASE}?keys=true`) return new Response(JSON.stringify(Object.keys(kept)));
    const document = kept[/\/(\w+)\/revision$/.exec(url)?.[1] ?? ""] as { revision: number } | undefined;
    return document === undefined ? new Response("", { status: 404 }) : new Response(String(document.revision));
  });
});
afterEach(() => void vi.unstubAllGlobals());

const asIs = (data: unknown) => data;

it("of nothing kept there is a document too", async () => {
  expect(await loadDocument("user", "dashboard", asIs)).toEqual({ revision: 0, data: undefined });
});

it("is replaced as a whole, and counts its revisions", async () => {
  expect(await saveDocument("user", "dashboard", 0, { pages: [1, 2] })).toBe(1);
  expect(await saveDocument("user", "dashboard", 1, { pages: [] })).toBe(2);
  expect(await loadDocument("user", "dashboard", asIs)).toEqual({ revision: 2, data: { pages: [] } });
  expect(await loadDocument("user", "other", asIs)).toEqual({ revision: 0, data: undefined });
});

it("that somebody else has changed is not overwritten", async () => {
  await saveDocument("user", "dashboard", 0, "mine");
  const error = await saveDocument("user", "dashboard", 0, "yours").catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConflictError);
  expect(error).toMatchObject({ current: { revision: 1, data: "mine" } });
  expect(kept.dashboard).toEqual({ revision: 1, data: "mine" });
});

it("tells whether it is another one, without being read as a whole", async () => {
  expect(await hasChanged("user", "dashboard", 0)).toBe(false);
  await saveDocument("user", "dashboard", 0, "mine");
  expect(await hasChanged("user", "dashboard", 0)).toBe(true);
  expect(await hasChanged("user", "dashboard", 1)).toBe(false);
  expect(await hasChanged("user", "dashboard", 2)).toBe(true);
  // Gone, as after a backup was put back.
  expect(await hasChanged("user", "other", 4)).toBe(true);
});
