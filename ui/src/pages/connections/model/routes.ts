import { navigate } from "../../../state/location";

const PAGE = "/connections";
/** What is below the page besides connections; one of such a name has its own way. */
const RESERVED = ["new", "priorities", "show"];

export type Place =
  | { at: "list" }
  | { at: "new"; kind?: string }
  | { at: "priorities" }
  | { at: "details"; id: string }
  | { at: "edit"; id: string };

export const listRoute = PAGE;
export const newRoute = `${PAGE}/new`;
export const prioritiesRoute = `${PAGE}/priorities`;
export const detailsRoute = (id: string) =>
  RESERVED.includes(id) ? `${PAGE}/show/${encodeURIComponent(id)}` : `${PAGE}/${encodeURIComponent(id)}`;
export const editRoute = (id: string) => `${detailsRoute(id)}/edit`;

/** What a route below the page shows. */
export function placeOf(parts: readonly string[]): Place {
  const [first, second, third] = parts;
  if (first === undefined) return { at: "list" };
  if (first === "new") return second === undefined ? { at: "new" } : { at: "new", kind: second };
  if (first === "priorities") return { at: "priorities" };
  if (first === "show" && second !== undefined) return third === "edit" ? { at: "edit", id: second } : { at: "details", id: second };
  return second === "edit" ? { at: "edit", id: first } : { at: "details", id: first };
}

export { navigate };
