import { isObject } from "../signalk/frames";
import { ApiError, getJson, send } from "./http";

/** How often and how long the outcome of a request that takes time is asked for, ms. */
const POLL = 500;
const PATIENCE = 30_000;

/** Address of a path of own ship in the tree; also a link for people to copy. */
export function pathUrl(path: string, context = "vessels.self"): string {
  const [kind, ...id] = context.split(".");
  const segments = [kind ?? "vessels", id.join("."), ...path.split(".")].filter((part) => part !== "");
  return `/signalk/v1/api/${segments.map(encodeURIComponent).join("/")}`;
}

/** The node of a path as the server has it: value, source, time, metadata, other sources. */
export const fetchNode = (path: string, context?: string) => getJson(pathUrl(path, context));

/**
 * Asks whoever is responsible for a path to change its value, and waits for the outcome. Rejects with the words of the
 * server when it was refused, or nobody is responsible.
 */
export async function putValue(path: string, value: unknown, source?: string): Promise<void> {
  await put(pathUrl(path), source === undefined ? { value } : { value, source });
}

/** Changes metadata of a path: one key, such as `zones` or `displayName`, or all of it. */
export async function putMeta(path: string, key: string | undefined, value: unknown): Promise<void> {
  await put(`${pathUrl(path)}/meta${key === undefined ? "" : `/${encodeURIComponent(key)}`}`, { value });
}

async function put(url: string, body: unknown): Promise<void> {
  let answer = await send("PUT", url, body);
  const end = Date.now() + PATIENCE;
  while (isObject(answer) && answer.state === "PENDING" && typeof answer.href === "string") {
    if (Date.now() > end) throw new ApiError(0, "No answer yet. Look whether it has been done before trying again.", "PUT", url, answer);
    await new Promise((resolve) => setTimeout(resolve, POLL));
    answer = await getJson(answer.href);
  }
  if (isObject(answer) && typeof answer.statusCode === "number" && answer.statusCode >= 400) {
    const message = typeof answer.message === "string" ? answer.message : `It was refused (status ${answer.statusCode}).`;
    throw new ApiError(answer.statusCode, message, "PUT", url, answer);
  }
}
