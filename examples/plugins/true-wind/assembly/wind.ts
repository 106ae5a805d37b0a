// The wind triangle. Angles in radians, speeds in metres per second; a wind angle is the direction the
// wind comes from, seen from the bow, negative to port.

const TAU: f64 = 2.0 * Math.PI

/** A wind as speed and angle. */
export class Wind {
  constructor(public speed: f64, public angle: f64) {}
}

/**
 * Takes the boat's own speed out of the apparent wind. With the speed through the water this is the
 * true wind on the water, with the speed over ground that over the ground. Leeway and current set are
 * not in it.
 */
export function withoutOwnSpeed(apparent: Wind, ownSpeed: f64): Wind {
  const ahead = apparent.speed * Math.cos(apparent.angle) - ownSpeed
  const abeam = apparent.speed * Math.sin(apparent.angle)
  return new Wind(Math.hypot(ahead, abeam), Math.atan2(abeam, ahead))
}

/** The direction a wind comes from, 0 to 2π from true north. */
export function direction(headingTrue: f64, angle: f64): f64 {
  const turned = (headingTrue + angle) % TAU
  return turned < 0.0 ? turned + TAU : turned
}
