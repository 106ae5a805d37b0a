import { StateBadge } from "../../../components/state-badge";

/** When something takes effect. */
export function Effect({ when }: { when: "now" | "both" }) {
  if (when === "now") return <StateBadge tone="good">Holds at once</StateBadge>;
  return <StateBadge tone="plain">Shown at once, holds after a restart</StateBadge>;
}
