import { getJson, segment, send } from "./http";

/** What a user or device may do. */
export type Level = "admin" | "readwrite" | "readonly";
export const levels: readonly Level[] = ["readonly", "readwrite", "admin"];

export interface User {
  userId: string;
  type: Level;
  isOIDC?: boolean;
}

export interface Device {
  clientId: string;
  permissions: Level;
  description: string;
  requestedPermissions?: string;
  /** Seconds since 1970; absent for a token that does not expire. */
  tokenExpiry?: number;
}

export interface AccessRequest {
  requestId: string;
  /** Client id of a device, or the name a user asks for. */
  accessIdentifier: string;
  accessDescription: string;
  permissions?: Level;
  /** Whether the device has said which permissions it wants. */
  requestedPermissions?: boolean;
  ip?: string;
  date?: string;
  state?: string;
}

/** Lifetime of what is approved. */
export const expirations = ["1h", "1d", "60d", "1y", "NEVER"] as const;
export type Expiration = (typeof expirations)[number];

/** One permission of an ACL (signalk-v1 §8.5). */
export interface AclPermission {
  /** User name, `any` for every user, or `self`. */
  subject: string;
  permission: "read" | "write" | "put" | "none" | (string & {});
}

export interface AclResource {
  paths?: string[];
  permissions: AclPermission[];
  sources?: string[];
}

export interface Acl {
  context: string;
  resources: AclResource[];
}

/** security.json without users and secret; keys this page does not know have to be sent back as they came. */
export interface SecurityConfig {
  allow_readonly?: boolean;
  expiration?: string;
  allowNewUserRegistration?: boolean;
  allowDeviceAccessRequests?: boolean;
  allowedCorsOrigins?: string;
  acls?: Acl[];
  immutableConfig?: boolean;
  [key: string]: unknown;
}

const BASE = "/skServer/security";

export const fetchSecurityConfig = () => getJson<SecurityConfig>(`${BASE}/config`);
export const saveSecurityConfig = (config: SecurityConfig) => send<string>("PUT", `${BASE}/config`, config);
export const hasSecurityBackup = async () =>
  (await getJson<{ hasBackup: boolean }>(`${BASE}/hasBackup`, { quiet: true })).hasBackup;

export const fetchUsers = () => getJson<User[]>(`${BASE}/users`);
export const addUser = (userId: string, password: string, type: Level) =>
  send<string>("POST", `${BASE}/users/${segment(userId)}`, { password, type });
export const updateUser = (userId: string, change: { password?: string; type?: Level }) =>
  send<string>("PUT", `${BASE}/users/${segment(userId)}`, change);
export const removeUser = (userId: string) => send<string>("DELETE", `${BASE}/users/${segment(userId)}`);

export const fetchDevices = () => getJson<Device[]>(`${BASE}/devices`);
export const updateDevice = (clientId: string, change: { permissions?: Level; description?: string }) =>
  send<string>("PUT", `${BASE}/devices/${segment(clientId)}`, change);
export const removeDevice = (clientId: string) => send<string>("DELETE", `${BASE}/devices/${segment(clientId)}`);

/** Those that wait for an answer; also the event `ACCESS_REQUEST`. */
export const fetchAccessRequests = () => getJson<AccessRequest[]>(`${BASE}/access/requests`);
export const decideAccessRequest = (
  requestId: string,
  decision: "approved" | "denied",
  terms: { permissions: Level; expiration: Expiration },
) => send<string>("PUT", `${BASE}/access/requests/${segment(requestId)}/${decision}`, terms);
