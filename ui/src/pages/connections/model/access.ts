import type { AccessAnswer, Whereabouts } from "../../../api/remote";
import type { ConnectionForm, FormValues } from "./form";

/** The value of a form that says that the saved token is to go. */
export const FORGET_TOKEN = "forgetToken";

/** What an answer means for whoever waits for it; `mayHelp` says that trying again may help. */
export type Decision =
  | { is: "waiting"; requestId: string; trouble?: string }
  | { is: "allowed"; token: string }
  | { is: "denied" }
  | { is: "failed"; words: string; mayHelp: boolean };

/** Where to ask for access; undefined where the form does not say one server. */
export function whereabouts({ kind, values }: ConnectionForm): Whereabouts | undefined {
  const host = text(values, "host");
  const port = Number(text(values, "port"));
  if (kind.id !== "signalk" || values.useDiscovery === true) return undefined;
  if (host === "" || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  const authority = text(values, "certificateAuthority");
  return {
    host,
    port,
    useTLS: values.secure === true,
    selfsignedcert: values.selfsignedcert === true,
    ...(authority === "" ? {} : { certificateAuthority: authority }),
  };
}

/** A name for this server that no other device has there. */
export function newClientId(): string {
  // `randomUUID` is not there without TLS, and most boats have none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `windlass-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export function decisionOf({ state, requestId, accessRequest, problem, reachable }: AccessAnswer): Decision {
  if (state === "PENDING" && requestId !== undefined) return { is: "waiting", requestId };
  if (state === "COMPLETED" && accessRequest !== undefined) {
    const { permission, token } = accessRequest;
    if (permission === "APPROVED" && token !== undefined && token !== "") return { is: "allowed", token };
    if (permission === "DENIED") return { is: "denied" };
  }
  return { is: "failed", words: problem ?? "the answer of that server can't be understood", mayHelp: reachable === false };
}

function text(values: FormValues, key: string): string {
  const value = values[key];
  return typeof value === "string" ? value.trim() : "";
}
