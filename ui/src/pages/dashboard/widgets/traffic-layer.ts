import L from "leaflet";
import type { AisTarget } from "../../../state/ais";
import { isClose, nameOf } from "./ais-danger";
import { graticuleStep, lineLabel, linesBetween, ringRadii } from "./graticule";

export interface OwnShip {
  latitude: number;
  longitude: number;
  /** rad, true */
  course: number | undefined;
  /** m/s */
  speed: number | undefined;
  heading: number | undefined;
}

export interface Traffic {
  own: OwnShip | undefined;
  targets: readonly AisTarget[];
  chosen: string | undefined;
  inDistance: (metres: number) => string;
}

/** Course lines show where a vessel is after this time, s. */
const AHEAD = 6 * 60;
/** Metres of a degree of latitude. */
const DEGREE = 111_195;
/** How close to a target a touch counts for it, px. */
const REACH = 28;
/** With more vessels than this only the chosen and the dangerous have their names drawn. */
const MAX_NAMES = 40;

/** Everything that is drawn on the map, on one canvas: hundreds of vessels cost one drawing. */
export class TrafficLayer extends L.Layer {
  #canvas = document.createElement("canvas");
  #traffic: Traffic = { own: undefined, targets: [], chosen: undefined, inDistance: String };
  #frame = 0;

  override onAdd(map: L.Map): this {
    this.#canvas.className = "traffic";
    map.getPanes().overlayPane?.append(this.#canvas);
    map.on("move zoom viewreset resize moveend zoomend", this.#request, this);
    this.#request();
    return this;
  }

  override onRemove(map: L.Map): this {
    cancelAnimationFrame(this.#frame);
    map.off("move zoom viewreset resize moveend zoomend", this.#request, this);
    this.#canvas.remove();
    return this;
  }

  show(traffic: Traffic): void {
    this.#traffic = traffic;
    this.#request();
  }

  /** The vessel at a place of the map, px. */
  targetAt(point: L.Point): string | undefined {
    let best: { context: string; distance: number } | undefined;
    for (const target of this.#traffic.targets) {
      const distance = this._map.latLngToContainerPoint([target.latitude, target.longitude]).distanceTo(point);
      if (distance < REACH && distance < (best?.distance ?? REACH)) best = { context: target.context, distance };
    }
    return best?.context;
  }

  #request = (): void => {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  };

  #draw(): void {
    const map = this._map as L.Map | undefined;
    const context = this.#canvas.getContext("2d");
    if (map === undefined || context === null) return;
    const { x: width, y: height } = map.getSize();
    const ratio = window.devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
      this.#canvas.style.width = `${width}px`;
      this.#canvas.style.height = `${height}px`;
    }
    L.DomUtil.setPosition(this.#canvas, map.containerPointToLayerPoint([0, 0]));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "12px system-ui, sans-serif";
    context.lineJoin = "round";
    const style = getComputedStyle(map.getContainer());
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const pen: Pen = { context, map, colour, width, height };
    drawGraticule(pen);
    const { own, targets, chosen, inDistance } = this.#traffic;
    if (own !== undefined) drawRings(pen, own, inDistance);
    const withNames = targets.length <= MAX_NAMES;
    for (const target of targets) drawTarget(pen, target, target.context === chosen, withNames);
    if (own !== undefined) drawOwn(pen, own);
  }
}

interface Pen {
  context: CanvasRenderingContext2D;
  map: L.Map;
  colour: (token: string) => string;
  width: number;
  height: number;
}

function drawGraticule({ context, map, colour, width, height }: Pen): void {
  const bounds = map.getBounds();
  const [west, east] = [bounds.getWest(), bounds.getEast()];
  const [south, north] = [bounds.getSouth(), bounds.getNorth()];
  const step = graticuleStep(width / (east - west), 110);
  context.strokeStyle = colour("--line");
  context.fillStyle = colour("--muted");
  context.lineWidth = 1;
  context.beginPath();
  for (const longitude of linesBetween(west, east, step)) {
    const { x } = map.latLngToContainerPoint([south, longitude]);
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.fillText(lineLabel(longitude, step, "E", "W"), x + 4, height - 6);
  }
  for (const latitude of linesBetween(south, north, step)) {
    const { y } = map.latLngToContainerPoint([latitude, west]);
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.fillText(lineLabel(latitude, step, "N", "S"), width - 62, y - 4);
  }
  context.stroke();
}

function drawRings({ context, map, colour, width, height }: Pen, own: OwnShip, inDistance: (metres: number) => string): void {
  const center = map.latLngToContainerPoint([own.latitude, own.longitude]);
  const perMetre = pixelsPerMetre(map, own);
  context.strokeStyle = colour("--muted");
  context.fillStyle = colour("--muted");
  context.setLineDash([3, 5]);
  for (const radius of ringRadii(Math.min(width, height) / 2 / perMetre)) {
    context.beginPath();
    context.arc(center.x, center.y, radius * perMetre, 0, 2 * Math.PI);
    context.stroke();
    context.fillText(inDistance(radius), center.x + 4, center.y - radius * perMetre - 3);
  }
  context.setLineDash([]);
}

function drawTarget({ context, map, colour, width, height }: Pen, target: AisTarget, isChosen: boolean, withName: boolean): void {
  const { x, y } = map.latLngToContainerPoint([target.latitude, target.longitude]);
  if (x < -100 || y < -100 || x > width + 100 || y > height + 100) return;
  const isDangerous = isClose(target);
  context.strokeStyle = context.fillStyle = colour(isDangerous ? "--bad" : "--text");
  context.lineWidth = isDangerous ? 2.5 : 1.5;
  drawCourse({ context, map }, target, target.courseOverGround, target.speedOverGround);
  const angle = target.heading ?? target.courseOverGround;
  context.save();
  context.translate(x, y);
  context.beginPath();
  if (target.kind !== "vessels" || angle === undefined) {
    // Something that has no bow.
    context.rect(-5, -5, 10, 10);
  } else {
    context.rotate(angle);
    context.moveTo(0, -11);
    context.lineTo(6, 8);
    context.lineTo(-6, 8);
    context.closePath();
  }
  const fill = context.fillStyle;
  context.fillStyle = colour("--card");
  context.fill();
  context.stroke();
  context.restore();
  context.fillStyle = fill;
  if (isChosen) {
    context.strokeStyle = colour("--accent");
    context.lineWidth = 2.5;
    context.strokeRect(x - 15, y - 15, 30, 30);
  }
  if (withName || isChosen || isDangerous) context.fillText(nameOf(target), x + 13, y + 4);
}

function drawOwn({ context, map, colour }: Pen, own: OwnShip): void {
  const { x, y } = map.latLngToContainerPoint([own.latitude, own.longitude]);
  context.strokeStyle = context.fillStyle = colour("--accent");
  context.lineWidth = 2.5;
  drawCourse({ context, map }, own, own.course, own.speed);
  context.save();
  context.translate(x, y);
  const angle = own.heading ?? own.course;
  context.beginPath();
  if (angle === undefined) {
    context.arc(0, 0, 8, 0, 2 * Math.PI);
  } else {
    context.rotate(angle);
    context.moveTo(0, -16);
    context.quadraticCurveTo(9, -4, 7, 13);
    context.lineTo(-7, 13);
    context.quadraticCurveTo(-9, -4, 0, -16);
  }
  context.fill();
  context.restore();
}

/** Where it goes in the next minutes. */
function drawCourse(
  { context, map }: Pick<Pen, "context" | "map">,
  from: { latitude: number; longitude: number },
  course: number | undefined,
  speed: number | undefined,
): void {
  if (course === undefined || speed === undefined || speed < 0.1) return;
  const way = speed * AHEAD;
  const latitude = from.latitude + (way * Math.cos(course)) / DEGREE;
  const shrink = Math.max(0.01, Math.cos((from.latitude * Math.PI) / 180));
  const longitude = from.longitude + (way * Math.sin(course)) / (DEGREE * shrink);
  const a = map.latLngToContainerPoint([from.latitude, from.longitude]);
  const b = map.latLngToContainerPoint([latitude, longitude]);
  context.beginPath();
  context.moveTo(a.x, a.y);
  context.lineTo(b.x, b.y);
  context.stroke();
}

function pixelsPerMetre(map: L.Map, { latitude, longitude }: OwnShip): number {
  const a = map.latLngToContainerPoint([latitude, longitude]);
  const b = map.latLngToContainerPoint([latitude + 1_000 / DEGREE, longitude]);
  return Math.abs(a.y - b.y) / 1_000;
}
