import { send } from "./http";

/** `POST /signalk/v1/auth/login`. The cookie comes with the answer; call `live.reconnect()` afterwards. */
export function login(username: string, password: string, rememberMe: boolean): Promise<void> {
  return send("POST", "/signalk/v1/auth/login", { username, password, rememberMe }, { quiet: true });
}

/** `PUT /signalk/v1/auth/logout`; call `live.reconnect()` afterwards. */
export function logout(): Promise<void> {
  return send("PUT", "/signalk/v1/auth/logout", undefined, { quiet: true });
}

/** Makes whoever knows the code on the server's console its first administrator, and signs them in. */
export interface Claim {
  code: string;
  userId: string;
  password: string;
  allowReadonly: boolean;
}

export function claim({ code, userId, password, allowReadonly }: Claim): Promise<void> {
  const body = { code, userId, password, type: "admin", allow_readonly: allowReadonly };
  return send("POST", "/skServer/enableSecurity", body, { quiet: true });
}

/** Brings back the users of before security was switched off; an admin of then has to sign for it. */
export function restoreSecurity(username: string, password: string): Promise<void> {
  return send("POST", "/skServer/enableSecurity", { restore: true, username, password }, { quiet: true });
}

export function disableSecurity(username: string, password: string): Promise<void> {
  return send("POST", "/skServer/disableSecurity", { username, password }, { quiet: true });
}
