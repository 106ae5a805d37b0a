/**
 * Requests to the server. Errors carry the server's own words, and the sentence to show is always `error.message`.
 */

/** How long an answer may take before the request is given up, ms. */
const TIMEOUT = 15_000;
/** An error page can be long; a sentence on the screen need not. */
const MAX_MESSAGE = 400;

/** Why a request did not do what it should. `message` can be shown as it is. */
export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    message: string,
    readonly method: string,
    readonly url: string,
    /** The body of the answer: JSON when it was that, else text. */
    readonly body: unknown,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Somebody else may do this, or somebody who has signed in. */
  get isDenied(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /** The server did not answer at all. */
  get isOffline(): boolean {
    return this.status === 0;
  }
}

export interface RequestOptions {
  /** Do not open the login dialog when it is refused. */
  quiet?: boolean;
  signal?: AbortSignal;
  /** ms */
  timeout?: number;
}

const unauthorized = new Set<() => void>();

/** Calls `listener` whenever a request is refused because nobody is signed in; returns the way to stop. */
export function onUnauthorized(listener: () => void): () => void {
  unauthorized.add(listener);
  return () => unauthorized.delete(listener);
}

/** JSON of a GET. The shape is what the caller says: the API modules know it. */
export async function getJson<T = unknown>(url: string, options: RequestOptions = {}): Promise<T> {
  const response = await request("GET", url, undefined, options);
  return parse<T>("GET", url, response, await response.text());
}

/**
 * Sends `body` as JSON, a `FormData` or `Blob` as it is, and nothing when it is undefined. Gives the JSON of the answer,
 * or its text where it is none, as many of these routes answer with a sentence.
 */
export async function send<T = unknown>(
  method: "POST" | "PUT" | "DELETE" | "PATCH",
  url: string,
  body?: unknown,
  options: RequestOptions = {},
): Promise<T> {
  const response = await request(method, url, body, options);
  const text = await response.text();
  return jsonOrText(text) as T;
}

/** The bytes of a file of the server, for `saveFile`. */
export async function getBlob(url: string, options: RequestOptions = {}): Promise<Blob> {
  return (await request("GET", url, undefined, { timeout: 120_000, ...options })).blob();
}

/** Text of a GET. */
export async function getText(url: string, options: RequestOptions = {}): Promise<string> {
  return (await request("GET", url, undefined, options)).text();
}

/** The words of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A segment of a path, such as an id that has a slash in it. */
export const segment = encodeURIComponent;

async function request(method: string, url: string, body: unknown, options: RequestOptions): Promise<Response> {
  const timeout = AbortSignal.timeout(options.timeout ?? TIMEOUT);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  const headers: Record<string, string> = { Accept: "application/json, text/plain;q=0.9, */*;q=0.1" };
  let payload: BodyInit | null = null;
  if (body instanceof FormData || body instanceof Blob) {
    payload = body;
  } else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    payload = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(url, { method, headers, body: payload, signal, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    const what = timeout.aborted
      ? "The server took too long to answer. Try again in a moment."
      : "The server does not answer. Check that it is running and that this device is on the boat's network.";
    throw new ApiError(0, what, method, url, undefined);
  }
  if (response.ok) return response;
  const content = jsonOrText(await response.text().catch(() => ""));
  if (response.status === 401 && options.quiet !== true) {
    for (const listener of [...unauthorized]) listener();
  }
  throw new ApiError(response.status, sentence(response.status, content), method, url, content);
}

function parse<T>(method: string, url: string, response: Response, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError(response.status, "The server gave an answer that this page does not understand.", method, url, text);
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What the server said, or what its status means. */
function sentence(status: number, content: unknown): string {
  const said = wordsOf(content);
  if (said !== undefined && !said.startsWith("<")) return said.slice(0, MAX_MESSAGE);
  if (status === 401) return "You have to sign in to do this.";
  if (status === 403) return "You are not allowed to do this. Sign in as an administrator.";
  if (status === 404) return "This server does not have what was asked for.";
  if (status === 413) return "That is too large for the server.";
  if (status === 429) return "Too many attempts. Wait a minute and try again.";
  if (status >= 500) return `The server failed (status ${status}). Its log says why.`;
  return `The server refused this (status ${status}).`;
}

function wordsOf(content: unknown): string | undefined {
  if (typeof content === "string") return withoutMarkup(content);
  if (typeof content !== "object" || content === null) return undefined;
  const { message, error } = content as { message?: unknown; error?: unknown };
  for (const words of [message, error]) if (typeof words === "string" && words !== "") return words;
  return undefined;
}

/** The refusal of the reference has a link in it; an error page is nothing to show. */
function withoutMarkup(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === "" || /^<(!doctype|html)/i.test(trimmed)) return undefined;
  return trimmed.replace(/<[^>]*>/g, "");
}

/** Offers a file to the person as a download. */
export function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken its own hold of the data by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
