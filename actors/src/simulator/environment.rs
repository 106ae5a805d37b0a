//! Wind and sea around the boat.

use std::f64::consts::TAU;

use super::geo::{Position, Vector, turn};
use super::random::{Random, Wandering};
use super::settings::BoatSettings;

/// Metres per second per knot.
pub(super) const KNOT: f64 = 1852.0 / 3600.0;

/// The true wind over ground, and the weather that goes with it.
#[derive(Debug)]
pub(super) struct Weather {
    mean_speed: f64,
    mean_direction: f64,
    shift: f64,
    variation: f64,
    /// Where in their slow cycles speed and direction begin.
    phases: [f64; 3],
    gust: Wandering,
    veer: Wandering,
    /// m/s.
    pub wind_speed: f64,
    /// Where the wind comes from, radians.
    pub wind_direction: f64,
    /// Kelvin.
    pub air_temperature: f64,
    /// Pascals.
    pub air_pressure: f64,
    base_temperature: f64,
    base_pressure: f64,
}

impl Weather {
    pub fn new(settings: &BoatSettings, random: &mut Random) -> Self {
        let wind = &settings.wind;
        Self {
            mean_speed: wind.speed * KNOT,
            mean_direction: wind.direction.to_radians(),
            shift: wind.shift.to_radians(),
            variation: wind.variation,
            phases: [random.unit() * TAU, random.unit() * TAU, random.unit() * TAU],
            gust: Wandering::new(wind.gusts, 12.0),
            veer: Wandering::new(wind.gusts * 0.4, 20.0),
            wind_speed: wind.speed * KNOT,
            wind_direction: wind.direction.to_radians(),
            air_temperature: settings.air.temperature + 273.15,
            air_pressure: settings.air.pressure,
            base_temperature: settings.air.temperature + 273.15,
            base_pressure: settings.air.pressure,
        }
    }

    pub fn advance(&mut self, elapsed: f64, seconds: f64, random: &mut Random) {
        self.gust.advance(seconds, random);
        self.veer.advance(seconds, random);
        let cycle = |minutes: f64, phase: f64| (elapsed / (minutes * 60.0) * TAU + phase).sin();
        let swell = self.variation * (0.7 * cycle(31.0, self.phases[0]) + 0.3 * cycle(11.0, self.phases[1]));
        let strength = (1.0 + swell) * (1.0 + self.gust.value());
        self.wind_speed = (self.mean_speed * strength).max(0.0);
        let shift = 0.6 * cycle(37.0, self.phases[2]) + 0.4 * cycle(13.0, self.phases[0]);
        self.wind_direction = turn(self.mean_direction + self.shift * shift + self.veer.value());
        self.air_temperature = self.base_temperature + 1.2 * cycle(97.0, self.phases[1]);
        self.air_pressure = self.base_pressure + 180.0 * cycle(331.0, self.phases[2]);
    }

    /// How the air moves over ground.
    pub fn air_velocity(&self) -> Vector {
        Vector::polar(self.wind_speed, self.wind_direction).times(-1.0)
    }
}

/// The sea floor and the water.
#[derive(Debug)]
pub(super) struct Sea {
    origin: Position,
    depth: f64,
    relief: f64,
    shallowest: f64,
    anchorages: Vec<Position>,
    temperature: f64,
}

impl Sea {
    pub fn new(settings: &BoatSettings) -> Self {
        let position =
            |waypoint: &super::Waypoint| Position { latitude: waypoint.latitude, longitude: waypoint.longitude };
        let waypoints = &settings.route.waypoints;
        Self {
            origin: position(&waypoints[0]),
            depth: settings.sea.depth,
            relief: settings.sea.relief,
            shallowest: settings.boat.draft + 1.2,
            anchorages: waypoints.iter().filter(|waypoint| waypoint.stop_minutes > 0.0).map(position).collect(),
            temperature: settings.sea.temperature + 273.15,
        }
    }

    /// Depth of the water in metres: hills and ridges of several lengths, with a bank where one anchors.
    pub fn depth(&self, at: Position) -> f64 {
        let Vector { north, east } = self.origin.to(at);
        let wave = |length: f64, direction: f64, phase: f64| {
            ((north * direction.cos() + east * direction.sin()) / length * TAU + phase).sin()
        };
        let relief = 0.45 * wave(5300.0, 0.4, 0.3)
            + 0.25 * wave(1900.0, 1.7, 1.1)
            + 0.18 * wave(730.0, 2.9, 2.3)
            + 0.12 * wave(290.0, 0.9, 4.0);
        let open = self.depth + self.relief * relief;
        let bank = self.anchorages.iter().map(|anchorage| {
            let distance = anchorage.to(at).length();
            (-(distance / 450.0).powi(2)).exp()
        });
        let bank = bank.fold(0.0, f64::max);
        (open * (1.0 - bank) + 6.5 * bank).max(self.shallowest)
    }

    /// Kelvin; a little warmer where it is shallow.
    pub fn temperature(&self, at: Position) -> f64 {
        self.temperature + 1.5 * (-self.depth(at) / 15.0).exp()
    }
}
