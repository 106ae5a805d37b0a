// What the boat's instruments said last, and how long ago. Time is counted in polls, one a second:
// a plugin needs no clock for that.

/** The last value of one path. */
export class Reading {
  private value: f64 = NaN
  private second: i32 = 0

  /** Takes a new value; NaN says that the instrument knows none. */
  set(value: f64, now: i32): void {
    this.value = value
    this.second = now
  }

  /** The value, or NaN when there is none or it is older than `maxAge` seconds. */
  get(now: i32, maxAge: i32): f64 {
    return now - this.second > maxAge ? NaN : this.value
  }
}

/** The paths that the true wind is made of. */
export class Instruments {
  windAngle: Reading = new Reading()
  windSpeed: Reading = new Reading()
  speedThroughWater: Reading = new Reading()
  speedOverGround: Reading = new Reading()
  headingTrue: Reading = new Reading()
  headingMagnetic: Reading = new Reading()
  variation: Reading = new Reading()

  /** The reading of a path, or null when the path is none of ours. */
  of(path: string): Reading | null {
    if (path == 'environment.wind.angleApparent') return this.windAngle
    if (path == 'environment.wind.speedApparent') return this.windSpeed
    if (path == 'navigation.speedThroughWater') return this.speedThroughWater
    if (path == 'navigation.speedOverGround') return this.speedOverGround
    if (path == 'navigation.headingTrue') return this.headingTrue
    if (path == 'navigation.headingMagnetic') return this.headingMagnetic
    if (path == 'navigation.magneticVariation') return this.variation
    return null
  }

  /** The true heading: measured, or the magnetic one with the variation. NaN when neither is known. */
  heading(now: i32, maxAge: i32): f64 {
    const measured = this.headingTrue.get(now, maxAge)
    if (!isNaN(measured)) return measured
    return this.headingMagnetic.get(now, maxAge) + this.variation.get(now, maxAge)
  }
}
