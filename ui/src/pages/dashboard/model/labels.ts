/** What people call a path that has no display name of its own. */
const known: Readonly<Record<string, string>> = {
  "navigation.speedOverGround": "Speed over ground",
  "navigation.speedThroughWater": "Speed through water",
  "navigation.courseOverGroundTrue": "Course over ground",
  "navigation.courseOverGroundMagnetic": "Course over ground (magnetic)",
  "navigation.headingTrue": "Heading",
  "navigation.headingMagnetic": "Heading (magnetic)",
  "navigation.headingCompass": "Heading (compass)",
  "navigation.position": "Position",
  "navigation.log": "Log",
  "navigation.trip.log": "Trip",
  "environment.depth.belowKeel": "Depth below keel",
  "environment.depth.belowTransducer": "Depth below transducer",
  "environment.depth.belowSurface": "Depth",
  "environment.water.temperature": "Water temperature",
  "environment.outside.temperature": "Air temperature",
  "environment.outside.pressure": "Air pressure",
  "environment.outside.humidity": "Humidity",
  "environment.wind.speedApparent": "Apparent wind",
  "environment.wind.angleApparent": "Apparent wind angle",
  "environment.wind.speedTrue": "True wind",
  "environment.wind.angleTrueWater": "True wind angle",
  "environment.wind.directionTrue": "Wind direction",
};

/** Collections of things that are alike, and what one of them is called. */
const collections: Readonly<Record<string, string>> = {
  batteries: "Battery",
  chargers: "Charger",
  alternators: "Alternator",
  solar: "Solar",
  inverters: "Inverter",
  switches: "Switch",
  propulsion: "Engine",
  fuel: "Fuel",
  freshWater: "Fresh water",
  wasteWater: "Waste water",
  blackWater: "Black water",
  liveWell: "Live well",
  lubrication: "Oil",
  ballast: "Ballast",
  gas: "Gas",
};

/** Segments that say nothing to people. */
const silent = new Set(["state", "currentLevel", "capacity"]);

/** "Battery 1 voltage" for `electrical.batteries.1.voltage`: short, for above a value. */
export function labelOf(path: string, displayName?: string): string {
  if (displayName !== undefined && displayName !== "") return displayName;
  if (Object.hasOwn(known, path)) return known[path] as string;
  const segments = path.split(".");
  const index = segments.findIndex((segment, at) => Object.hasOwn(collections, segment) && at < segments.length - 1);
  if (index >= 0) return labelOfOne(segments.slice(index));
  const last = segments.at(-1) ?? path;
  const parent = segments.at(-2);
  return capital(parent === undefined || segments.length < 3 ? spaced(last) : `${spaced(parent)} ${spaced(last).toLowerCase()}`);
}

/** Of one of a collection: by its number behind, or its name in front. */
function labelOfOne([collection = "", instance = "", ...quantity]: readonly string[]): string {
  const what = collections[collection] ?? collection;
  const which = spaced(instance.replace(/^engine_?/i, ""));
  const rest = quantity.filter((segment) => !silent.has(segment)).map((segment) => (segment === "stateOfCharge" ? "charge" : spaced(segment).toLowerCase()));
  // A switch is called as what it switches.
  if (collection === "switches" && !/^\d*$/.test(which)) return capital([which, ...rest].join(" "));
  const name = /^\d*$/.test(which) ? [what, which] : [capital(which), what.toLowerCase()];
  return [...name, ...rest].filter((word) => word !== "").join(" ");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "velocityMadeGood" reads "velocity made good". */
function spaced(name: string): string {
  return name.replace(/_/g, " ").replace(/([a-z\d])([A-Z])/g, (_, before: string, letter: string) => `${before} ${letter.toLowerCase()}`);
}
