/** Steps of a graticule, degrees: from ten degrees to a tenth of a minute. */
const STEPS = [10, 5, 2, 1, 0.5, 1 / 6, 1 / 12, 1 / 30, 1 / 60, 1 / 120, 1 / 300, 1 / 600];

/** The finest step that leaves at least `least` px between lines. */
export function graticuleStep(pixelsPerDegree: number, least: number): number {
  return STEPS.findLast((step) => step * pixelsPerDegree >= least) ?? STEPS[0]!;
}

/** Multiples of the step within the range; at most a hundred. */
export function linesBetween(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step);
  const count = Math.min(100, Math.floor(to / step) - first + 1);
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step);
}

/** "59°44.5′N": with as many places as the step needs. */
export function lineLabel(value: number, step: number, positive: string, negative: string): string {
  const decimals = step < 1 / 60 - 1e-9 ? 1 : 0;
  const factor = 60 * 10 ** decimals;
  const rounded = Math.round(Math.abs(value) * factor) / factor;
  const whole = Math.floor(rounded + 1e-9);
  const minutes = (rounded - whole) * 60;
  const hemisphere = value < 0 ? negative : positive;
  return step >= 1 ? `${whole}°${hemisphere}` : `${whole}°${minutes.toFixed(decimals).padStart(decimals === 0 ? 2 : 4, "0")}′${hemisphere}`;
}

/** Radii of range rings, m: three of them, the largest within the given reach; round in nautical miles. */
export function ringRadii(reach: number): number[] {
  const miles = reach / 1852 / 3;
  if (!(miles > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(miles));
  const step = [5, 3, 2, 1].map((factor) => factor * power).find((one) => one <= miles) ?? power;
  return [1, 2, 3].map((ring) => ring * step * 1852);
}
