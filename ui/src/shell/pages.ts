import {
  IconActivity,
  IconApps,
  IconBell,
  IconGauge,
  IconListSearch,
  IconPlug,
  IconPuzzle,
  IconShieldLock,
  type Icon,
} from "@tabler/icons-react";
import { lazy, type ComponentType, type LazyExoticComponent } from "react";

/** One page: its place in the menu, and the chunk it comes in. */
export interface PageInfo {
  /** Route behind the `#`. */
  path: string;
  title: string;
  icon: Icon;
  /** In the bar at the bottom of a phone; the others are in its drawer. */
  onPhoneBar: boolean;
  page: LazyExoticComponent<ComponentType>;
  /** For admins: others are asked to sign in instead of getting a page full of refusals. */
  forAdmins?: true;
}

export const pages: readonly PageInfo[] = [
  { path: "/dashboard", title: "Dashboard", icon: IconGauge, onPhoneBar: true, page: lazy(() => import("../pages/dashboard")) },
  { path: "/data", title: "Data", icon: IconListSearch, onPhoneBar: true, page: lazy(() => import("../pages/data")) },
  { path: "/alarms", title: "Alarms", icon: IconBell, onPhoneBar: true, page: lazy(() => import("../pages/alarms")) },
  { path: "/apps", title: "Apps", icon: IconApps, onPhoneBar: true, page: lazy(() => import("../pages/apps")) },
  { path: "/plugins", title: "Plugins", icon: IconPuzzle, onPhoneBar: false, page: lazy(() => import("../pages/plugins")), forAdmins: true },
  { path: "/connections", title: "Connections", icon: IconPlug, onPhoneBar: false, page: lazy(() => import("../pages/connections")), forAdmins: true },
  { path: "/server", title: "Server", icon: IconActivity, onPhoneBar: false, page: lazy(() => import("../pages/server")), forAdmins: true },
  { path: "/security", title: "Security", icon: IconShieldLock, onPhoneBar: false, page: lazy(() => import("../pages/security")), forAdmins: true },
];

/** The page of a route; routes below it, such as `/plugins/x`, belong to it too. Without a route it is the first page. */
export function pageOf(location: string): PageInfo | undefined {
  const path = location.split("?")[0] ?? "";
  if (path === "" || path === "/") return pages[0];
  return pages.find((page) => path === page.path || path.startsWith(`${page.path}/`));
}
