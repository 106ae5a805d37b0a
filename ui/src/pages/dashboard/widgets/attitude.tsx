import { asNumber, isObject } from "../../../signalk/frames";
import { usePath } from "../../../state/hooks";
import { Face } from "./face";
import { degrees } from "./svg";
import "./dial.css";
import type { WidgetProps } from "./types";
import { Figure } from "./wind";

const ATTITUDE = "navigation.attitude";
/** Units of the drawing for a degree of pitch. */
const PITCH = 1.4;

/** The horizon as it is seen from aboard, with heel and pitch in figures. */
export default function Attitude({ settings }: WidgetProps) {
  const view = usePath(settings.path ?? ATTITUDE, { source: settings.source });
  const value = isObject(view.value) ? view.value : {};
  const roll = asNumber(value.roll);
  const pitch = asNumber(value.pitch);
  const heel = roll === undefined ? 0 : degrees(roll);
  const rise = Math.max(-30, Math.min(30, pitch === undefined ? 0 : degrees(pitch))) * PITCH;
  return (
    <Face title={settings.title ?? "Heel and pitch"} view={view}>
      <div className="wind">
        <svg viewBox="-50 -50 100 100" className="dial" role="img" aria-label={`Heel ${heelText(roll)} ${heelSide(roll)}, pitch ${pitchText(pitch)}`}>
          <clipPath id="attitude-window">
            <circle r="40" />
          </clipPath>
          <g clipPath="url(#attitude-window)">
            <g transform={`rotate(${(-heel).toFixed(1)}) translate(0 ${rise.toFixed(1)})`}>
              <rect className="sky" x="-100" y="-200" width="200" height="200" />
              <rect className="sea" x="-100" y="0" width="200" height="200" />
              <path className="ladder" d={[-20, -10, 10, 20].map((step) => `M-9 ${-step * PITCH}H9`).join("") + "M-100 0H100"} />
            </g>
          </g>
          <circle className="rim" r="40" />
          <g className="heel-scale">
            {[-45, -30, -20, -10, 0, 10, 20, 30, 45].map((at) => (
              <path key={at} d={`M0 -41V${at % 30 === 0 ? -47 : -45}`} transform={`rotate(${at})`} />
            ))}
          </g>
          <path className="lubber" d="M0 -39L-4 -31H4Z" transform={`rotate(${heel.toFixed(1)})`} />
          <path className="wings" d="M-26 0H-10L0 7L10 0H26" />
        </svg>
        <dl className="figures">
          <Figure label="Heel" title="Roll: to which side the boat leans" text={heelText(roll)} units={heelSide(roll)} testId="heel" />
          <Figure label="Pitch" title="Positive: the bow is up" text={pitchText(pitch)} units="" testId="pitch" />
        </dl>
      </div>
    </Face>
  );
}

function heelText(roll: number | undefined): string {
  return roll === undefined ? "—" : `${Math.abs(degrees(roll)).toFixed(0)}°`;
}

function heelSide(roll: number | undefined): string {
  if (roll === undefined || Math.abs(degrees(roll)) < 0.5) return "";
  return roll < 0 ? "P" : "S";
}

function pitchText(pitch: number | undefined): string {
  if (pitch === undefined) return "—";
  const text = degrees(pitch).toFixed(0);
  return `${text === "-0" ? "0" : text.replace("-", "\u2212")}°`;
}
