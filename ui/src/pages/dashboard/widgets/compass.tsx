import { usePath } from "../../../state/hooks";
import { Face } from "./face";
import { bearing, degrees, polar, ticks } from "./svg";
import "./dial.css";
import type { WidgetProps } from "./types";
import { useWidgetValue } from "./use-widget-value";

const COURSE = "navigation.courseOverGroundTrue";
const NAMES: readonly [string, number][] = [
  ["N", 0],
  ["30", 30],
  ["60", 60],
  ["E", 90],
  ["120", 120],
  ["150", 150],
  ["S", 180],
  ["210", 210],
  ["240", 240],
  ["W", 270],
  ["300", 300],
  ["330", 330],
];

/** A compass card: the heading up, or north. The small mark is the course over ground. */
export default function Compass({ settings }: WidgetProps) {
  const value = useWidgetValue(settings);
  const course = usePath(COURSE);
  const heading = value.number;
  const angle = heading === undefined ? 0 : degrees(heading);
  const card = settings.up === "north" ? 0 : -angle;
  const isMagnetic = /magnetic|compass/i.test(value.path);
  const over = typeof course.value === "number" && value.path !== COURSE && !isMagnetic && !course.stale ? degrees(course.value) : undefined;
  return (
    <Face title={value.title} view={value}>
      <svg viewBox="-50 -50 100 100" className="dial" role="img" aria-label={heading === undefined ? "No heading" : `${bearing(heading)} degrees`}>
        <circle className="card" r="48" />
        <g transform={`rotate(${card.toFixed(1)})`}>
          <path className="tick minor" d={ticks(44, 47, 10)} />
          <path className="tick" d={ticks(42, 47, 30)} />
          {NAMES.map(([name, at]) => {
            const { x, y } = polar(33.5, at);
            return (
              <text key={name} className={at % 90 === 0 ? "cardinal" : "minor-name"} data-north={at === 0} x={x} y={y} transform={`rotate(${(-card).toFixed(1)} ${x} ${y})`}>
                {name}
              </text>
            );
          })}
          {over !== undefined && <path className="course" d="M0 -47.5L-4 -39.5H4Z" transform={`rotate(${over.toFixed(1)})`} />}
        </g>
        <path className="lubber" d="M0 -41.5L-4.5 -50H4.5Z" transform={`rotate(${settings.up === "north" ? angle.toFixed(1) : "0"})`} />
        <text className="center" y="2" data-testid="value">
          {heading === undefined ? "—" : bearing(heading)}
        </text>
        <text className="center-unit" y="15">
          {isMagnetic ? "magnetic" : "true"}
        </text>
      </svg>
    </Face>
  );
}
