/** The context that stands for own ship. */
export const OWN = "vessels.self";

/** The route to all about a path; undefined is own ship. */
export function detailRoute(path: string, context: string | undefined, tab?: DetailTab): string {
  const query = context === undefined ? "" : `?vessel=${encodeURIComponent(context)}`;
  return `/data/${encodeURIComponent(path)}${tab === undefined ? "" : `/${tab}`}${query}`;
}

export const detailTabs = ["value", "edit", "json"] as const;
export type DetailTab = (typeof detailTabs)[number];

/** The context that a route asks for; undefined is own ship. */
export function contextOf(route: string): string | undefined {
  const context = new URLSearchParams(route.split("?")[1] ?? "").get("vessel");
  return context === null || context === "" || context === OWN ? undefined : context;
}

/** The route of the list alone. */
export function listRoute(context: string | undefined): string {
  return context === undefined ? "/data" : `/data?vessel=${encodeURIComponent(context)}`;
}
