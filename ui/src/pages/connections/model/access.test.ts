import { describe, expect, it } from "vitest";
import { decisionOf, FORGET_TOKEN, newClientId, whereabouts } from "./access";
import { formOf, newForm, providerOf } from "./form";
import { kindById } from "./kinds";

const signalk = kindById("signalk");
if (signalk === undefined) throw new Error("signalk");

describe("access to another server", () => {
  it("is asked for where the form says", () => {
    const form = newForm(signalk, "a", { host: " boat.local ", port: "3000" });
    expect(whereabouts(form)).toEqual({ host: "boat.local", port: 3000, useTLS: false, selfsignedcert: false });
    Object.assign(form.values, { secure: true, certificateAuthority: "PEM" });
    expect(whereabouts(form)).toEqual({ host: "boat.local", port: 3000, useTLS: true, selfsignedcert: false, certificateAuthority: "PEM" });
    for (const wrong of [{ host: "" }, { port: "0" }, { port: "x" }, { port: "70000" }, { useDiscovery: true }]) {
      expect(whereabouts({ ...form, values: { ...form.values, ...wrong } }), JSON.stringify(wrong)).toBeUndefined();
    }
  });

  it("is decided there", () => {
    expect(decisionOf({ state: "PENDING", requestId: "1" })).toEqual({ is: "waiting", requestId: "1" });
    expect(decisionOf({ state: "COMPLETED", accessRequest: { permission: "APPROVED", token: "t" } })).toEqual({ is: "allowed", token: "t" });
    expect(decisionOf({ state: "COMPLETED", accessRequest: { permission: "DENIED" } })).toEqual({ is: "denied" });
    expect(decisionOf({ state: "FAILED", problem: "its security is off" })).toEqual({ is: "failed", words: "its security is off", mayHelp: false });
    expect(decisionOf({ state: "FAILED", problem: "late", reachable: false })).toEqual({ is: "failed", words: "late", mayHelp: true });
    for (const answer of [{ state: "PENDING" }, { state: "COMPLETED" }, { state: "COMPLETED", accessRequest: { permission: "APPROVED" } }, { state: "?" }]) {
      expect(decisionOf(answer).is, JSON.stringify(answer)).toBe("failed");
    }
  });

  it("is asked for in a name of its own", () => {
    expect(newClientId()).toMatch(/^windlass-[0-9a-f]{32}$/);
    expect(newClientId()).not.toBe(newClientId());
  });

  it("can be given up", () => {
    const saved = { id: "a", enabled: true, type: "SignalK", options: { type: "ws", host: "h", port: 3000 }, secrets: ["token"] };
    const form = formOf(saved);
    expect(providerOf(form).options).not.toHaveProperty("token");
    form.values[FORGET_TOKEN] = true;
    expect(providerOf(form).options?.token).toBeNull();
    form.values.token = "new";
    expect(providerOf(form).options?.token).toBe("new");
  });
});
