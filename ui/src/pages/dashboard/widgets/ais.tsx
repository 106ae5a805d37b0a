import { lazy, Suspense, useMemo, useState } from "react";
import { isObject } from "../../../signalk/frames";
import { useAisTargets, usePath } from "../../../state/hooks";
import { unitOf } from "../../../units/preferences";
import { useUnitPreferences } from "../../../units/use-unit";
import { byDanger, isClose, nameOf } from "./ais-danger";
import { Face } from "./face";
import { bearing } from "./svg";
import "./ais.css";
import type { WidgetProps } from "./types";

const AisMap = lazy(() => import("./ais-map"));
/** Targets in the list; the map has all. */
const MAX_LISTED = 30;

/** Own ship and what is around it, with how close they will come: those to watch first. */
export default function Ais({ settings }: WidgetProps) {
  const targets = useAisTargets();
  const position = usePath("navigation.position");
  const course = usePath("navigation.courseOverGroundTrue");
  const speed = usePath("navigation.speedOverGround");
  const heading = usePath("navigation.headingTrue");
  const [chosen, setChosen] = useState<string>();
  const preferences = useUnitPreferences();
  const distance = unitOf(preferences, "distance");
  const listed = useMemo(() => byDanger(targets).slice(0, MAX_LISTED), [targets]);
  const own = useMemo(() => {
    const { value } = position;
    if (!isObject(value) || typeof value.latitude !== "number" || typeof value.longitude !== "number") return undefined;
    return {
      latitude: value.latitude,
      longitude: value.longitude,
      course: numberOf(course.value),
      speed: numberOf(speed.value),
      heading: numberOf(heading.value),
    };
  }, [position.value, course.value, speed.value, heading.value]);
  const inDistance = (metres: number) => `${distance.fromSi(metres).toFixed(distance.decimals)} ${distance.symbol}`;
  return (
    <Face title={settings.title ?? "Traffic"} view={targets.length > 0 && position.reading === undefined ? undefined : position}>
      <div className="ais">
        <Suspense fallback={<p className="no-value">Loading the map</p>}>
          <AisMap own={own} targets={targets} chosen={chosen} onChoose={setChosen} inDistance={inDistance} />
        </Suspense>
        <div className="cpa" tabIndex={0} role="region" aria-label="Closest points of approach">
          {listed.length === 0 ? (
            <p className="muted">No other vessels heard yet. They appear when an AIS receiver is connected.</p>
          ) : (
            <ol>
              {listed.map((target) => (
                <li key={target.context}>
                  <button
                    type="button"
                    aria-pressed={chosen === target.context}
                    data-close={isClose(target)}
                    onClick={() => setChosen(chosen === target.context ? undefined : target.context)}
                    data-testid="cpa-row"
                  >
                    <strong>{nameOf(target)}</strong>
                    {target.approach === undefined ? (
                      <span>Distance unknown: own position is missing</span>
                    ) : (
                      <>
                        <span>
                          {inDistance(target.approach.distance)} at {bearing(target.approach.bearing)}°
                          {target.speedOverGround !== undefined && ` · ${speedText(target.speedOverGround, preferences)}`}
                        </span>
                        <span>{approachText(target.approach, inDistance)}</span>
                      </>
                    )}
                    {isClose(target) && <em>comes close</em>}
                  </button>
                </li>
              ))}
            </ol>
          )}
        </div>
      </div>
    </Face>
  );
}

function approachText({ cpa, tcpa }: { cpa: number; tcpa: number | undefined }, inDistance: (metres: number) => string): string {
  if (tcpa === undefined) return "keeps its distance";
  if (tcpa <= 0) return "moving apart";
  const minutes = Math.round(tcpa / 60);
  return `CPA ${inDistance(cpa)} in ${minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`}`;
}

function speedText(speed: number, preferences: ReturnType<typeof useUnitPreferences>): string {
  const unit = unitOf(preferences, "boatSpeed");
  return `${unit.fromSi(speed).toFixed(unit.decimals)} ${unit.symbol}`;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
