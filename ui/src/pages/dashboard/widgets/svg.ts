/** Angles are degrees clockwise from up, as on a compass. */
export function polar(radius: number, degrees: number): { x: number; y: number } {
  const radians = (degrees * Math.PI) / 180;
  return { x: round(radius * Math.sin(radians)), y: round(-radius * Math.cos(radians)) };
}

/** Path of an arc, clockwise. */
export function arc(radius: number, from: number, to: number): string {
  const [a, b] = [polar(radius, from), polar(radius, to)];
  const isLarge = to - from > 180 ? 1 : 0;
  return `M${a.x} ${a.y}A${radius} ${radius} 0 ${isLarge} 1 ${b.x} ${b.y}`;
}

/** Ticks around a circle as one path. */
export function ticks(inner: number, outer: number, every: number): string {
  let path = "";
  for (let angle = 0; angle < 360; angle += every) {
    const [a, b] = [polar(inner, angle), polar(outer, angle)];
    path += `M${a.x} ${a.y}L${b.x} ${b.y}`;
  }
  return path;
}

export function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}

/** 0 to 359 as three digits. */
export function bearing(radians: number): string {
  return String(((Math.round(degrees(radians)) % 360) + 360) % 360).padStart(3, "0");
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
