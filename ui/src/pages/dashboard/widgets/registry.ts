import {
  IconAdjustments,
  IconAlertTriangle,
  IconBattery3,
  IconChartLine,
  IconCompass,
  IconGauge,
  IconNumbers,
  IconRadar2,
  IconSailboat2,
  IconTextSize,
  IconWind,
} from "@tabler/icons-react";
import { isObject } from "../../../signalk/frames";
import type { PathRow } from "../../../signalk/vessel-model";
import Ais from "./ais";
import Alarms from "./alarms";
import Attitude from "./attitude";
import Compass from "./compass";
import Gauge from "./gauge";
import Level from "./level";
import Numeric from "./numeric";
import { isOn } from "./switch-values";
import SwitchWidget from "./switch";
import TextWidget from "./text";
import Trend from "./trend";
import type { WidgetKind } from "./types";
import Wind from "./wind";

const isNumber = ({ latest }: PathRow) => typeof latest.value === "number";
const never = () => false;

/** All kinds of widgets, in the order in which they are offered. */
export const widgetKinds: readonly WidgetKind[] = [
  {
    kind: "numeric",
    name: "Number",
    description: "One value, as large as it fits.",
    icon: IconNumbers,
    size: { w: 3, h: 3 },
    least: { w: 2, h: 2 },
    fields: ["path", "unit"],
    accepts: isNumber,
    component: Numeric,
  },
  {
    kind: "gauge",
    name: "Gauge",
    description: "A pointer on a scale, with the zones of the value.",
    icon: IconGauge,
    size: { w: 3, h: 5 },
    least: { w: 2, h: 4 },
    fields: ["path", "unit", "range"],
    accepts: isNumber,
    component: Gauge,
  },
  {
    kind: "wind",
    name: "Wind",
    description: "Apparent and true wind around the boat.",
    icon: IconWind,
    size: { w: 4, h: 6 },
    least: { w: 3, h: 4 },
    fields: ["unit"],
    suggested: "environment.wind.speedApparent",
    accepts: never,
    component: Wind,
  },
  {
    kind: "compass",
    name: "Compass",
    description: "Heading or course on a compass card.",
    icon: IconCompass,
    size: { w: 4, h: 6 },
    least: { w: 2, h: 4 },
    fields: ["path", "up"],
    suggested: "navigation.headingTrue",
    accepts: (row) => isNumber(row) && row.meta.units === "rad",
    component: Compass,
  },
  {
    kind: "trend",
    name: "Trend",
    description: "How a value went, with least, mean and most.",
    icon: IconChartLine,
    size: { w: 6, h: 4 },
    least: { w: 3, h: 3 },
    fields: ["path", "unit", "range", "minutes"],
    accepts: isNumber,
    component: Trend,
  },
  {
    kind: "level",
    name: "Tank or battery",
    description: "How full something is.",
    icon: IconBattery3,
    size: { w: 2, h: 5 },
    least: { w: 2, h: 3 },
    fields: ["path", "unit", "range"],
    accepts: isNumber,
    component: Level,
  },
  {
    kind: "attitude",
    name: "Heel and pitch",
    description: "The horizon as it is seen from aboard.",
    icon: IconSailboat2,
    size: { w: 4, h: 5 },
    least: { w: 3, h: 4 },
    fields: ["path"],
    suggested: "navigation.attitude",
    accepts: ({ latest }) => isObject(latest.value) && ("roll" in latest.value || "pitch" in latest.value),
    component: Attitude,
  },
  {
    kind: "ais",
    name: "Traffic map",
    description: "Own ship and others, with who comes close.",
    icon: IconRadar2,
    size: { w: 8, h: 8 },
    least: { w: 4, h: 5 },
    fields: [],
    suggested: "navigation.position",
    accepts: never,
    component: Ais,
  },
  {
    kind: "switch",
    name: "Switch",
    description: "Switches something on board on and off.",
    icon: IconAdjustments,
    size: { w: 3, h: 3 },
    least: { w: 2, h: 3 },
    fields: ["path"],
    accepts: ({ latest, path }) => isOn(latest.value) !== undefined && (typeof latest.value !== "number" || path.endsWith(".state")),
    component: SwitchWidget,
  },
  {
    kind: "text",
    name: "Text",
    description: "Any value in words, also a position or a time.",
    icon: IconTextSize,
    size: { w: 4, h: 3 },
    least: { w: 2, h: 2 },
    fields: ["path", "unit"],
    suggested: "navigation.position",
    accepts: ({ group }) => group !== "notifications",
    component: TextWidget,
  },
  {
    kind: "alarms",
    name: "Alarms",
    description: "What is wrong on board right now.",
    icon: IconAlertTriangle,
    size: { w: 4, h: 4 },
    least: { w: 2, h: 2 },
    fields: [],
    accepts: never,
    component: Alarms,
  },
];

const byKind = new Map(widgetKinds.map((kind) => [kind.kind, kind]));

/** Undefined for a kind of another version. */
export function widgetKind(kind: string): WidgetKind | undefined {
  return byKind.get(kind);
}
