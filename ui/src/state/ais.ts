import { approach, type Approach } from "../signalk/cpa";
import { asNumber, asString, isObject } from "../signalk/frames";
import type { VesselSnapshot } from "../signalk/vessel-model";
import { Store } from "./store";
import type { Want } from "./subscriptions";

/** Another vessel, aid to navigation, aircraft or base station. Angles rad, speeds m/s. */
export interface AisTarget {
  /** `vessels.urn:mrn:imo:mmsi:230099999` */
  context: string;
  /** First segment of the context: `vessels`, `atons`, `sar`, `aircraft`, `shore`. */
  kind: string;
  mmsi: string | undefined;
  name: string | undefined;
  callsign: string | undefined;
  latitude: number;
  longitude: number;
  courseOverGround: number | undefined;
  speedOverGround: number | undefined;
  heading: number | undefined;
  state: string | undefined;
  /** Metres. */
  length: number | undefined;
  /** When the position was current, ms since the epoch. */
  asOf: number;
  /** Undefined while own position is unknown. Course and speed that are unknown count as standing still. */
  approach: Approach | undefined;
}

const CONTEXTS = ["vessels.*", "atons.*", "sar.*", "aircraft.*", "shore.*"];
const PATHS = [
  "",
  "navigation.position",
  "navigation.courseOverGroundTrue",
  "navigation.speedOverGround",
  "navigation.headingTrue",
  "navigation.state",
  "design.*",
];
/** What a list or map of targets needs. */
export const aisWants: readonly Want[] = [
  ...CONTEXTS.flatMap((context) => PATHS.map((path) => ({ context, path, period: 1_000 }))),
  ...["navigation.position", "navigation.courseOverGroundTrue", "navigation.speedOverGround"].map((path) => ({ path, period: 1_000 })),
];

/** A target that has not been heard for this long is gone, ms. */
const GONE_AFTER = 10 * 60_000;

/** Targets by distance, the nearest first. */
export class AisTargets extends Store<readonly AisTarget[]> {
  #targets = new Map<string, AisTarget>();
  #own: VesselSnapshot | undefined;
  #isDirty = false;

  constructor() {
    super([]);
  }

  own(snapshot: VesselSnapshot): void {
    const position = (of: VesselSnapshot | undefined) => of?.byPath.get("navigation.position");
    if (position(this.#own) !== position(snapshot)) this.#isDirty ||= this.#targets.size > 0;
    this.#own = snapshot;
  }

  update(context: string, snapshot: VesselSnapshot): void {
    const target = targetOf(context, snapshot);
    if (target === undefined) return;
    this.#targets.set(context, target);
    this.#isDirty = true;
  }

  publish(now: number): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const own = this.#own === undefined ? undefined : motionOf(this.#own);
    const targets: AisTarget[] = [];
    for (const [context, target] of this.#targets) {
      if (now - target.asOf > GONE_AFTER) this.#targets.delete(context);
      else targets.push(own === undefined ? target : { ...target, approach: approachOf(own, target) });
    }
    this.set(targets.sort((a, b) => (a.approach?.distance ?? 0) - (b.approach?.distance ?? 0)));
  }
}

function approachOf(own: NonNullable<ReturnType<typeof motionOf>>, target: AisTarget): Approach {
  const { latitude, longitude, courseOverGround = 0, speedOverGround = 0 } = target;
  return approach(own, { latitude, longitude, course: courseOverGround, speed: speedOverGround });
}

function motionOf(snapshot: VesselSnapshot) {
  const position = positionOf(snapshot);
  if (position === undefined) return undefined;
  return {
    ...position,
    course: numberOf(snapshot, "navigation.courseOverGroundTrue") ?? 0,
    speed: numberOf(snapshot, "navigation.speedOverGround") ?? 0,
  };
}

function targetOf(context: string, snapshot: VesselSnapshot): AisTarget | undefined {
  const position = positionOf(snapshot);
  const reading = snapshot.byPath.get("navigation.position")?.latest;
  if (position === undefined || reading === undefined) return undefined;
  const text = (path: string) => asString(snapshot.byPath.get(path)?.latest.value);
  const length = snapshot.byPath.get("design.length")?.latest.value;
  return {
    context,
    kind: context.slice(0, context.indexOf(".")),
    mmsi: text("mmsi") ?? /mmsi:(\d+)$/.exec(context)?.[1],
    name: text("name"),
    callsign: text("communication.callsignVhf"),
    ...position,
    courseOverGround: numberOf(snapshot, "navigation.courseOverGroundTrue"),
    speedOverGround: numberOf(snapshot, "navigation.speedOverGround"),
    heading: numberOf(snapshot, "navigation.headingTrue"),
    state: text("navigation.state"),
    length: isObject(length) ? asNumber(length.overall) : undefined,
    asOf: reading.asOf,
    approach: undefined,
  };
}

function positionOf(snapshot: VesselSnapshot): { latitude: number; longitude: number } | undefined {
  const value = snapshot.byPath.get("navigation.position")?.latest.value;
  const latitude = isObject(value) ? asNumber(value.latitude) : undefined;
  const longitude = isObject(value) ? asNumber(value.longitude) : undefined;
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };
}

function numberOf(snapshot: VesselSnapshot, path: string): number | undefined {
  return asNumber(snapshot.byPath.get(path)?.latest.value);
}
