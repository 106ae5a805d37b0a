import { StateBadge } from "../../../components/state-badge";

/** When a setting takes effect. */
export function Effect({ when }: { when: "now" | "restart" | "both" }) {
  if (when === "now") return <StateBadge tone="good">Holds at once</StateBadge>;
  return <StateBadge tone="plain">{when === "both" ? "Shown at once, holds after a restart" : "After a restart"}</StateBadge>;
}
