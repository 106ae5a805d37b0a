import { ApiError, getJson, send } from "./http";

/** One entry of the store (server-admin-api §6). */
export interface StoreEntry {
  name: string;
  version: string;
  description: string;
  author: string;
  categories: string[];
  /** When the version was published; may be empty. */
  updated: string;
  isPlugin: boolean;
  isWebapp: boolean;
  installedVersion?: string;
  newVersion?: string;
  /** npm installed it, so npm can remove it. */
  isRemovable?: boolean;
  /** The plugin's id, when it is installed. */
  id?: string;
}

/** `GET /skServer/appstore/available/` */
export interface Store {
  available: StoreEntry[];
  installed: StoreEntry[];
  updates: StoreEntry[];
  storeAvailable: boolean;
  /** Why the registry does not answer, in words. */
  storeProblem?: string;
}

export type InstallState = "waiting" | "stopping" | "npm" | "loading" | "done" | "failed";

/** One package that is being, or was, installed or removed. */
export interface Install {
  id: number;
  action: "install" | "remove";
  name: string;
  version: string | null;
  file: boolean;
  state: InstallState;
  /** The state in words; in the end what came of it. */
  message: string;
  /** The id of the plugin that was installed. */
  plugin: string | null;
  since: string;
  until: string | null;
}

/** Package names keep their slash in these addresses. */
const path = (name: string) => name.split("/").map(encodeURIComponent).join("/");

/** The registry may take some seconds. */
const REGISTRY = { timeout: 30_000 };

export const fetchStore = () => getJson<Store>("/skServer/appstore/available/", REGISTRY);
/** The same, with the registry asked anew. */
export const refreshStore = () => send<Store>("POST", "/skServer/appstore/refresh", undefined, REGISTRY);
export const installPackage = (name: string, version: string) =>
  send<string>("POST", `/skServer/appstore/install/${path(name)}/${encodeURIComponent(version)}`, undefined, REGISTRY);
export const removePackage = (name: string) => send<string>("POST", `/skServer/appstore/remove/${path(name)}`);
/** What is and was done, the latest first. */
export const fetchInstalls = async () => (await getJson<{ installs: Install[] }>("/windlass/plugins/installs")).installs;
/** A package that the server's list names and that is not there. */
export interface Missing {
  name: string;
  /** Where it comes from, as the list says. */
  from: string;
  /** The same for people, and what to do when it can't be had. */
  message: string;
}

/** What ought to be installed and is not, as after a backup was restored on another computer. */
export const fetchMissing = async () => (await getJson<{ missing?: Missing[] }>("/windlass/plugins/installs")).missing ?? [];
/** Installs it; what can't be had is left out. Gives what is done now. */
export const installMissing = async () => (await send<{ installs: Install[] }>("POST", "/windlass/plugins/install-missing")).installs;
/** What was done last with a package, with what npm said. */
export const fetchInstallLog = async (name: string) =>
  (await getJson<{ lines: string[] }>(`/skServer/appstore/installLog/${path(name)}`)).lines;

/** Sends a package as a file; `onProgress` gets the part that was sent, 0 to 1. Gives what the server does with it. */
export function uploadPackage(file: File, onProgress: (part: number) => void): Promise<Install> {
  const url = "/windlass/plugins/upload";
  const form = new FormData();
  form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    // Only this kind of request tells how much was sent.
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.responseType = "text";
    request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => {
      if (lengthComputable) onProgress(loaded / total);
    });
    const fail = (message: string) => reject(new ApiError(request.status, message, "POST", url, request.responseText));
    request.addEventListener("error", () => fail("The file did not arrive: the connection to the server broke. Try again."));
    request.addEventListener("load", () => {
      let answer: unknown;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        answer = undefined;
      }
      if (request.status === 202) return resolve(answer as Install);
      const { error, message } = (answer ?? {}) as { error?: unknown; message?: unknown };
      const words = [error, message].find((one) => typeof one === "string");
      fail(typeof words === "string" ? words : `The server refused the file (status ${request.status}).`);
    });
    request.send(form);
  });
}
