/** Where somebody is and where they go. Angles rad, speed m/s. */
export interface Motion {
  latitude: number;
  longitude: number;
  /** True course over ground. */
  course: number;
  speed: number;
}

export interface Approach {
  /** Distance now, m. */
  distance: number;
  /** True bearing from the first to the second, rad, 0..2π. */
  bearing: number;
  /** Distance at the closest point of approach, m; the distance now when they move apart. */
  cpa: number;
  /** Time until then, s; negative when it has passed. Undefined when neither moves in relation to the other. */
  tcpa: number | undefined;
}

/** Mean radius of the earth, m. */
const EARTH = 6_371_000;
/** Slower than this in relation to each other counts as standing still, m/s. */
const STILL = 0.05;

/** How close two vessels come if both go on as they do. On a flat earth, which is right for the range of AIS. */
export function approach(own: Motion, other: Motion): Approach {
  const rad = Math.PI / 180;
  const middle = ((own.latitude + other.latitude) / 2) * rad;
  const turns = ((other.longitude - own.longitude + 540) % 360) - 180;
  const x = turns * rad * Math.cos(middle) * EARTH;
  const y = (other.latitude - own.latitude) * rad * EARTH;
  const vx = other.speed * Math.sin(other.course) - own.speed * Math.sin(own.course);
  const vy = other.speed * Math.cos(other.course) - own.speed * Math.cos(own.course);
  const distance = Math.hypot(x, y);
  const bearing = (Math.atan2(x, y) + 2 * Math.PI) % (2 * Math.PI);
  const speed = Math.hypot(vx, vy);
  if (speed < STILL) return { distance, bearing, cpa: distance, tcpa: undefined };
  const tcpa = -(x * vx + y * vy) / (speed * speed);
  const cpa = tcpa <= 0 ? distance : Math.hypot(x + vx * tcpa, y + vy * tcpa);
  return { distance, bearing, cpa, tcpa };
}
