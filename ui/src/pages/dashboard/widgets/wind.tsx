import { useMemo } from "react";
import { usePath, type PathView } from "../../../state/hooks";
import { labelOf } from "../model/labels";
import { Face } from "./face";
import { degrees, polar, ticks } from "./svg";
import "./dial.css";
import type { WidgetProps } from "./types";
import { useWidgetUnit } from "./use-widget-value";

const PATHS = {
  apparentAngle: "environment.wind.angleApparent",
  apparentSpeed: "environment.wind.speedApparent",
  waterAngle: "environment.wind.angleTrueWater",
  groundAngle: "environment.wind.angleTrueGround",
  trueSpeed: "environment.wind.speedTrue",
  groundSpeed: "environment.wind.speedOverGround",
  direction: "environment.wind.directionTrue",
  heading: "navigation.headingTrue",
} as const;

/** Apparent and true wind around the boat, the bow up. */
export default function Wind({ settings }: WidgetProps) {
  const apparentAngle = usePath(PATHS.apparentAngle);
  const apparentSpeed = usePath(PATHS.apparentSpeed);
  const waterAngle = usePath(PATHS.waterAngle);
  const groundAngle = usePath(PATHS.groundAngle);
  const trueSpeed = usePath(PATHS.trueSpeed);
  const groundSpeed = usePath(PATHS.groundSpeed);
  const direction = usePath(PATHS.direction);
  const heading = usePath(PATHS.heading);
  const unit = useWidgetUnit(PATHS.apparentSpeed, "m/s", settings);
  const apparent = numberOf(apparentAngle);
  const actual = useMemo(
    () => trueAngle(numberOf(waterAngle), numberOf(groundAngle), numberOf(direction), numberOf(heading)),
    [waterAngle, groundAngle, direction, heading],
  );
  const speed = numberOf(trueSpeed) ?? numberOf(groundSpeed);
  const main = [apparentAngle, apparentSpeed, waterAngle, groundAngle, direction, trueSpeed].find((view) => view.reading !== undefined);
  return (
    <Face title={settings.title ?? "Wind"} view={main ?? apparentAngle}>
      <div className="wind">
        <svg viewBox="-50 -50 100 100" className="dial" role="img" aria-label={`Apparent wind ${side(apparent)}; true wind ${side(actual)}`}>
          <circle className="card" r="48" />
          <path className="sector port" d="M0 0L-24.5 -42.4A49 49 0 0 0 -16.8 -46Z" />
          <path className="sector starboard" d="M0 0L24.5 -42.4A49 49 0 0 1 16.8 -46Z" />
          <path className="tick minor" d={ticks(45, 48, 10)} />
          <path className="tick" d={ticks(43, 48, 30)} />
          {[30, 60, 90, 120, 150].flatMap((at) =>
            [at, -at].map((angle) => {
              const { x, y } = polar(38, angle);
              return (
                <text key={angle} className="minor-name" x={x} y={y}>
                  {at}
                </text>
              );
            }),
          )}
          <path className="hull" d="M0 -26C9 -13 10 4 6.5 20H-6.5C-10 4 -9 -13 0 -26Z" />
          {actual !== undefined && (
            <g className="wind-mark true" transform={`rotate(${degrees(actual).toFixed(1)})`}>
              <path d="M0 -28L-6 -47H6Z" />
              <text y="-41" transform={`rotate(${(-degrees(actual)).toFixed(1)} 0 -41)`}>
                T
              </text>
            </g>
          )}
          {apparent !== undefined && (
            <g className="wind-mark apparent" transform={`rotate(${degrees(apparent).toFixed(1)})`}>
              <path d="M0 -26L-7 -48H7Z" />
              <text y="-41.5" transform={`rotate(${(-degrees(apparent)).toFixed(1)} 0 -41.5)`}>
                A
              </text>
            </g>
          )}
        </svg>
        <dl className="figures">
          <Figure label="AWS" title={labelOf(PATHS.apparentSpeed)} text={unit.format(numberOf(apparentSpeed))} units={unit.symbol} testId="aws" />
          <Figure label="AWA" title="Apparent wind angle" text={angleText(apparent)} units={sideMark(apparent)} />
          {speed !== undefined && <Figure label="TWS" title="True wind speed" text={unit.format(speed)} units={unit.symbol} testId="tws" />}
          {actual !== undefined && <Figure label="TWA" title="True wind angle" text={angleText(actual)} units={sideMark(actual)} />}
        </dl>
      </div>
    </Face>
  );
}

export function Figure(props: { label: string; title: string; text: string; units: string; testId?: string }) {
  return (
    <div>
      <dt>
        <abbr title={props.title}>{props.label}</abbr>
      </dt>
      <dd data-testid={props.testId}>
        {props.text}
        <span className="unit">{props.units}</span>
      </dd>
    </div>
  );
}

/** The angle of the true wind from the bow, rad: as it is sent, else from its direction and the heading. */
export function trueAngle(
  water: number | undefined,
  ground: number | undefined,
  direction: number | undefined,
  heading: number | undefined,
): number | undefined {
  if (water !== undefined || ground !== undefined) return water ?? ground;
  return direction === undefined || heading === undefined ? undefined : direction - heading;
}

/** -180 to 180, from any angle in rad. */
export function signedDegrees(angle: number): number {
  const turned = ((degrees(angle) % 360) + 540) % 360;
  return Math.round(turned - 180);
}

function numberOf({ value }: PathView): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function angleText(angle: number | undefined): string {
  return angle === undefined ? "—" : `${Math.abs(signedDegrees(angle))}°`;
}

/** P or S, for port and starboard: a colour alone says nothing to some. */
function sideMark(angle: number | undefined): string {
  if (angle === undefined) return "";
  const at = signedDegrees(angle);
  return at === 0 || Math.abs(at) === 180 ? "" : at < 0 ? "P" : "S";
}

function side(angle: number | undefined): string {
  if (angle === undefined) return "unknown";
  const at = signedDegrees(angle);
  return `${Math.abs(at)} degrees ${at < 0 ? "port" : "starboard"}`;
}
