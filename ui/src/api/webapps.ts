import { isObject, asString } from "../signalk/frames";
import { getJson } from "./http";

/** A web app installed on the server. */
export interface WebApp {
  name: string;
  /** What people call it. */
  title: string;
  description: string;
  version: string;
  author: string;
  /** Where it is served. */
  url: string;
  /** Address of its icon. */
  icon: string | undefined;
}

/** The installed web apps, without this one, by title. */
export async function fetchWebApps(): Promise<WebApp[]> {
  const json = await getJson("/skServer/webapps");
  return (Array.isArray(json) ? json : []).flatMap(parseWebApp).sort((a, b) => a.title.localeCompare(b.title));
}

export function parseWebApp(item: unknown): WebApp[] {
  if (!isObject(item) || typeof item.name !== "string") return [];
  const signalk = isObject(item.signalk) ? item.signalk : {};
  const url = `/${item.name}/`;
  const icon = asString(signalk.appIcon);
  const author = isObject(item.author) ? asString(item.author.name) : asString(item.author);
  return [
    {
      name: item.name,
      title: asString(signalk.displayName) ?? titleOf(item.name),
      description: asString(item.description) ?? "",
      version: asString(item.version) ?? "",
      author: author ?? "",
      url,
      icon: icon === undefined ? undefined : new URL(icon.replace(/^\.?\//, ""), `http://server${url}`).pathname,
    },
  ];
}

/** "@signalk/freeboard-sk" reads "Freeboard sk". */
function titleOf(name: string): string {
  const words = (name.split("/").at(-1) ?? name).replace(/[-_]+/g, " ").replace(/^signalk /, "");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
