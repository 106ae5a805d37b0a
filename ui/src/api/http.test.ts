import { afterEach, expect, it, vi } from "vitest";
import { ApiError, getJson, onUnauthorized, send } from "./http";

afterEach(() => void vi.unstubAllGlobals());

function answer(body: string, status = 200): ReturnType<typeof vi.fn> {
  const fetch = vi.fn(async (..._: unknown[]) => new Response(body, { status }));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

async function refusal(work: Promise<unknown>): Promise<ApiError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error("no ApiError");
  return error;
}

it("sends JSON with the credentials of the page, and reads JSON or text", async () => {
  const fetch = answer('{"ok":true}');
  expect(await send("PUT", "/x", { a: 1 })).toEqual({ ok: true });
  expect(fetch.mock.calls[0]?.[1]).toMatchObject({ method: "PUT", body: '{"a":1}', credentials: "same-origin" });
  answer("Connection added");
  expect(await send("POST", "/x", {})).toBe("Connection added");
});

it.each([
  [400, "Please enter a provider ID", "Please enter a provider ID"],
  [400, '{"error":"bad"}', "bad"],
  [500, '{"state":"FAILED","message":"no disk"}', "no disk"],
  [401, "You may not, <a href='/admin/#/login'>Please Login</a>", "You may not, Please Login"],
  [404, "<!DOCTYPE html><pre>Cannot GET /x</pre>", "This server does not have what was asked for."],
  [403, "", "You are not allowed to do this. Sign in as an administrator."],
  [502, "", "The server failed (status 502). Its log says why."],
])("%d %s reads: %s", async (status, body, message) => {
  answer(body, status);
  expect(await refusal(getJson("/x"))).toMatchObject({ status, message, isDenied: status === 401 || status === 403 });
});

it("tells of a refusal that a login would help, unless it is quiet", async () => {
  const listener = vi.fn();
  const stop = onUnauthorized(listener);
  answer("", 401);
  await refusal(getJson("/x", { quiet: true }));
  expect(listener).not.toHaveBeenCalled();
  await refusal(getJson("/x"));
  await refusal(send("DELETE", "/x"));
  stop();
  await refusal(getJson("/x"));
  expect(listener).toHaveBeenCalledTimes(2);
});

it("says so when the server does not answer, or not in JSON", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("network");
  });
  expect(await refusal(getJson("/x"))).toMatchObject({ status: 0, isOffline: true, message: expect.stringContaining("does not answer") });
  answer("<html>");
  expect((await refusal(getJson("/x"))).message).toContain("does not understand");
});
