import type { Icon } from "@tabler/icons-react";
import type { ComponentType } from "react";
import type { PathRow } from "../../../signalk/vessel-model";
import type { WidgetSettings } from "../model/types";

export interface WidgetProps {
  settings: WidgetSettings;
}

/** What can be set of a kind, besides its title. */
export type Field = "path" | "unit" | "range" | "minutes" | "up";

/** A kind of widget: one entry of the registry. */
export interface WidgetKind {
  /** As it is kept; never changes. */
  kind: string;
  name: string;
  /** What it is good for, in a sentence. */
  description: string;
  icon: Icon;
  /** Of a new one, and the least; cells of the grid. */
  size: { w: number; h: number };
  least: { w: number; h: number };
  fields: readonly Field[];
  /** The path a new one starts with, of the paths of this boat. Without it the person chooses. */
  suggested?: string;
  /** Whether it can show the values of a path. */
  accepts: (row: PathRow) => boolean;
  component: ComponentType<WidgetProps>;
}
