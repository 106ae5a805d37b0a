import { send } from "./http";

/** Another Signal K server, as the server needs it to ask there (server-admin-api §10). */
export interface Whereabouts {
  host: string;
  port: number;
  useTLS: boolean;
  selfsignedcert: boolean;
  /** PEM text. */
  certificateAuthority?: string;
}

/** What became of a request for access; `problem` says in words why it failed. */
export interface AccessAnswer {
  state: "PENDING" | "COMPLETED" | "FAILED" | (string & {});
  requestId?: string;
  accessRequest?: { permission?: string; token?: string };
  problem?: string;
  /** False where trying again may help. */
  reachable?: boolean;
}

/** Asks another server to let this one in. */
export const requestAccess = (at: Whereabouts, clientId: string, description: string) =>
  send<AccessAnswer>("POST", "/skServer/requestAccess", { ...at, clientId, description });
/** Asks whether somebody has decided there. */
export const checkAccessRequest = (at: Whereabouts, requestId: string) =>
  send<AccessAnswer>("POST", "/skServer/checkAccessRequest", { ...at, requestId });
