//! The settings of the simulated boat, in a log book's units.

use serde::{Deserialize, Serialize};

/// The built-in settings, which are also the commented example in the configuration folder.
const DEMO_BOAT: &str = include_str!("../../../config/demo-boat.toml");

/// Why settings of a boat were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The text is not TOML, or an entry is missing, unknown or of the wrong type.
    #[error("the boat settings cannot be read: {0}")]
    Syntax(String),
    /// An entry has a value that makes no boat.
    #[error("`{entry}` of the boat settings is out of range: it must be {expected}")]
    Range {
        /// The entry with its table.
        entry: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// A boat, her route and the conditions she sails in (`config/demo-boat.toml`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoatSettings {
    /// Where she goes.
    pub route: RouteSettings,
    /// What she can do.
    pub boat: HullSettings,
    /// The true wind.
    pub wind: WindSettings,
    /// The current.
    pub current: CurrentSettings,
    /// The magnetic compass.
    pub compass: CompassSettings,
    /// Depth and temperature of the water.
    pub sea: SeaSettings,
    /// The air.
    pub air: AirSettings,
    /// What her instruments send, and how often.
    pub output: OutputSettings,
    /// The others on the water.
    #[serde(default)]
    pub traffic: TrafficSettings,
}

/// Where she goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSettings {
    /// At least two; the last leads to the first.
    pub waypoints: Vec<Waypoint>,
    /// Metres from a waypoint at which she turns to the next.
    pub arrival_radius: f64,
}

/// A waypoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waypoint {
    /// Letters and digits, as plotters show it.
    pub name: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// How long she anchors here, in minutes; 0 to sail on.
    #[serde(default)]
    pub stop_minutes: f64,
}

/// What she can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HullSettings {
    /// Highest speed under sail, knots.
    pub hull_speed: f64,
    /// Speed under engine, knots.
    pub motoring_speed: f64,
    /// Revolutions per minute at that speed.
    pub motoring_rpm: f64,
    /// Smallest true wind angle she sails at, degrees.
    pub closest_wind_angle: f64,
    /// From the surface to the depth transducer, metres.
    pub transducer_depth: f64,
    /// From the surface to the bottom of the keel, metres.
    pub draft: f64,
}

/// The true wind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindSettings {
    /// Mean speed, knots.
    pub speed: f64,
    /// Mean direction it comes from, degrees true.
    pub direction: f64,
    /// Largest slow shift to either side, degrees.
    pub shift: f64,
    /// Largest slow variation of the speed, as a part of it.
    pub variation: f64,
    /// Standard deviation of the gusts, as a part of the speed.
    pub gusts: f64,
    /// Below this speed she motors, knots.
    pub light: f64,
}

/// The current.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentSettings {
    /// Knots.
    pub drift: f64,
    /// The direction it flows to, degrees true.
    pub set: f64,
}

/// The magnetic compass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompassSettings {
    /// Magnetic variation, degrees, east positive.
    pub variation: f64,
    /// Largest deviation over a full circle, degrees.
    pub deviation: f64,
}

/// The sea.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeaSettings {
    /// Mean depth, metres.
    pub depth: f64,
    /// How far the sea floor rises and falls from it, metres.
    pub relief: f64,
    /// Degrees Celsius.
    pub temperature: f64,
}

/// The air.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AirSettings {
    /// Degrees Celsius.
    pub temperature: f64,
    /// Pascals.
    pub pressure: f64,
}

/// What her instruments send, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSettings {
    /// HDG and ROT a second, 1 to 10.
    pub heading_rate: u32,
    /// MWV a second, 1 to 10.
    pub wind_rate: u32,
    /// RMC, GGA, GLL and VTG a second, 1 to 10.
    pub position_rate: u32,
    /// Whether MWD and MWV with the true wind are sent too.
    pub true_wind: bool,
}

/// The others on the water, heard over AIS.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficSettings {
    /// Those that go to and fro between two places.
    pub vessels: Vec<VesselSettings>,
    /// Marks that transmit.
    pub aids: Vec<AidSettings>,
}

/// The transponder of a vessel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AisClass {
    /// What ships have to carry.
    A,
    /// What small craft carry.
    B,
}

/// A vessel with AIS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VesselSettings {
    /// At most twenty capitals, digits and spaces.
    pub name: String,
    /// Nine digits.
    pub mmsi: u32,
    /// Her transponder.
    pub class: AisClass,
    /// At most seven letters and digits.
    pub callsign: String,
    /// Her IMO number; 0 is none.
    #[serde(default)]
    pub imo: u32,
    /// What she is, as AIS numbers it: 30 fishing, 36 sailing, 37 pleasure, 50 pilot, 60 passengers, 70 cargo, 80 tanker.
    pub ship_type: u8,
    /// Metres over all.
    pub length: f64,
    /// Metres.
    pub beam: f64,
    /// Metres; 0 is not said.
    #[serde(default)]
    pub draft: f64,
    /// At most twenty letters, for class A.
    #[serde(default)]
    pub destination: String,
    /// Latitude and longitude of one end of her way.
    pub from: [f64; 2],
    /// Latitude and longitude of the other end.
    pub to: [f64; 2],
    /// Knots; 0 lies at anchor.
    pub speed: f64,
    /// How far along her way she is at the start, 0 to 1.
    #[serde(default)]
    pub start: f64,
}

/// An aid to navigation with AIS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AidSettings {
    /// At most twenty capitals, digits and spaces.
    pub name: String,
    /// Nine digits, beginning with 99.
    pub mmsi: u32,
    /// What it is, as AIS numbers it: 1 to 31.
    pub kind: u8,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// It is only on charts; there is nothing in the water.
    #[serde(default, rename = "virtual")]
    pub is_virtual: bool,
}

impl Default for BoatSettings {
    fn default() -> Self {
        Self::from_toml(DEMO_BOAT).expect("the built-in settings are checked by a test")
    }
}

impl BoatSettings {
    /// Reads and checks settings.
    ///
    /// # Errors
    /// [`SettingsError`] says which entry is wrong.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = toml::from_str(text).map_err(|error| SettingsError::Syntax(error.to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    /// Checks that the settings make a boat that moves, for settings that were not read by [`from_toml`](Self::from_toml).
    ///
    /// # Errors
    /// [`SettingsError::Range`] for the first entry that is out of range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let range = |entry: &str, value: f64, lowest: f64, highest: f64, expected: &'static str| {
            if (lowest..=highest).contains(&value) {
                Ok(())
            } else {
                Err(SettingsError::Range { entry: entry.to_owned(), expected })
            }
        };
        if self.route.waypoints.len() < 2 {
            return Err(SettingsError::Range { entry: "route.waypoints".into(), expected: "at least two waypoints" });
        }
        for (index, waypoint) in self.route.waypoints.iter().enumerate() {
            let entry = |name: &str| format!("route.waypoints[{index}].{name}");
            if waypoint.name.is_empty() || !waypoint.name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(SettingsError::Range { entry: entry("name"), expected: "letters and digits" });
            }
            range(&entry("latitude"), waypoint.latitude, -80.0, 80.0, "between -80 and 80")?;
            range(&entry("longitude"), waypoint.longitude, -180.0, 180.0, "between -180 and 180")?;
            range(&entry("stop_minutes"), waypoint.stop_minutes, 0.0, 10_080.0, "between 0 and a week")?;
        }
        for (entry, value, lowest, highest, expected) in [
            ("route.arrival_radius", self.route.arrival_radius, 20.0, 5_000.0, "between 20 and 5000 m"),
            ("boat.hull_speed", self.boat.hull_speed, 2.0, 50.0, "between 2 and 50 knots"),
            ("boat.motoring_speed", self.boat.motoring_speed, 2.0, 50.0, "between 2 and 50 knots"),
            ("boat.motoring_rpm", self.boat.motoring_rpm, 100.0, 10_000.0, "between 100 and 10000"),
            ("boat.closest_wind_angle", self.boat.closest_wind_angle, 20.0, 80.0, "between 20 and 80 degrees"),
            ("boat.transducer_depth", self.boat.transducer_depth, 0.0, 20.0, "between 0 and 20 m"),
            ("boat.draft", self.boat.draft, 0.1, 30.0, "between 0.1 and 30 m"),
            ("wind.speed", self.wind.speed, 0.0, 60.0, "between 0 and 60 knots"),
            ("wind.direction", self.wind.direction, 0.0, 360.0, "between 0 and 360 degrees"),
            ("wind.shift", self.wind.shift, 0.0, 90.0, "between 0 and 90 degrees"),
            ("wind.variation", self.wind.variation, 0.0, 1.0, "between 0 and 1"),
            ("wind.gusts", self.wind.gusts, 0.0, 0.5, "between 0 and 0.5"),
            ("wind.light", self.wind.light, 0.0, 60.0, "between 0 and 60 knots"),
            ("current.drift", self.current.drift, 0.0, 1.5, "between 0 and 1.5 knots"),
            ("current.set", self.current.set, 0.0, 360.0, "between 0 and 360 degrees"),
            ("compass.variation", self.compass.variation, -90.0, 90.0, "between -90 and 90 degrees"),
            ("compass.deviation", self.compass.deviation, 0.0, 20.0, "between 0 and 20 degrees"),
            ("sea.depth", self.sea.depth, 3.0, 10_000.0, "between 3 and 10000 m"),
            ("sea.relief", self.sea.relief, 0.0, self.sea.depth, "between 0 and sea.depth"),
            ("sea.temperature", self.sea.temperature, -2.0, 40.0, "between -2 and 40 degrees Celsius"),
            ("air.temperature", self.air.temperature, -50.0, 60.0, "between -50 and 60 degrees Celsius"),
            ("air.pressure", self.air.pressure, 90_000.0, 110_000.0, "between 90000 and 110000 Pa"),
            ("output.heading_rate", self.output.heading_rate.into(), 1.0, 10.0, "between 1 and 10 a second"),
            ("output.wind_rate", self.output.wind_rate.into(), 1.0, 10.0, "between 1 and 10 a second"),
            ("output.position_rate", self.output.position_rate.into(), 1.0, 10.0, "between 1 and 10 a second"),
        ] {
            range(entry, value, lowest, highest, expected)?;
        }
        self.traffic.check()
    }
}

impl TrafficSettings {
    fn check(&self) -> Result<(), SettingsError> {
        const TEXT: &str = "at most so many letters, digits and spaces as AIS sends";
        let text = |text: &str, letters: usize| {
            text.len() <= letters && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
        };
        let place = |[latitude, longitude]: [f64; 2]| {
            (-80.0..=80.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude)
        };
        let mmsi = |mmsi: u32| (1..=999_999_999).contains(&mmsi);
        for (index, it) in self.vessels.iter().enumerate() {
            for (entry, good, expected) in [
                ("name", text(&it.name, 20), TEXT),
                ("mmsi", mmsi(it.mmsi), "a number of at most nine digits"),
                ("callsign", text(&it.callsign, 7), TEXT),
                ("imo", it.imo < 1 << 30, "a number of seven digits"),
                ("ship_type", it.ship_type < 100, "between 0 and 99"),
                ("length", (0.0..=400.0).contains(&it.length), "between 0 and 400 m"),
                ("beam", (0.0..=60.0).contains(&it.beam), "between 0 and 60 m"),
                ("draft", (0.0..=25.0).contains(&it.draft), "between 0 and 25 m"),
                ("destination", text(&it.destination, 20), TEXT),
                ("from", place(it.from), "a latitude within 80 and a longitude within 180 degrees"),
                ("to", place(it.to), "a latitude within 80 and a longitude within 180 degrees"),
                ("speed", (0.0..=60.0).contains(&it.speed), "between 0 and 60 knots"),
                ("start", (0.0..=1.0).contains(&it.start), "between 0 and 1"),
            ] {
                if !good {
                    return Err(SettingsError::Range { entry: format!("traffic.vessels[{index}].{entry}"), expected });
                }
            }
        }
        for (index, it) in self.aids.iter().enumerate() {
            for (entry, good, expected) in [
                ("name", text(&it.name, 20), TEXT),
                ("mmsi", mmsi(it.mmsi), "a number of at most nine digits"),
                ("kind", it.kind < 32, "between 0 and 31"),
                ("latitude", place([it.latitude, it.longitude]), "a place on earth between 80 degrees south and north"),
            ] {
                if !good {
                    return Err(SettingsError::Range { entry: format!("traffic.aids[{index}].{entry}"), expected });
                }
            }
        }
        Ok(())
    }
}
