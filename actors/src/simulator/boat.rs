//! The boat: how she is sailed, and how she moves.

use std::f64::consts::TAU;

use super::environment::{KNOT, Weather};
use super::geo::{Position, Vector, half_turn, turn};
use super::random::{Random, Wandering};
use super::settings::{BoatSettings, Waypoint};

/// Metres she may leave the track while tacking.
const TACKING_CORRIDOR: f64 = 400.0;
/// Metres she swings to either side at anchor, and the seconds of a swing.
const SWING: f64 = 4.0;
const SWING_PERIOD: f64 = 150.0;

/// State of the boat; SI units, angles in radians, directions true.
#[derive(Debug)]
pub(super) struct Boat {
    pub position: Position,
    pub heading: f64,
    /// Radians per second, positive to starboard.
    pub rate_of_turn: f64,
    pub speed_through_water: f64,
    /// Velocity over ground.
    pub velocity: Vector,
    pub roll: f64,
    pub pitch: f64,
    pub engine_rpm: f64,
    pub log: f64,
    pub motoring: bool,
    /// Index of the waypoint she sails to, and of the one she comes from.
    pub next: usize,
    pub previous: usize,
    /// The seconds left at anchor, if she is.
    pub anchored: Option<f64>,
    /// True while the wind comes over starboard, when tacking.
    starboard_tack: bool,
    /// The angle from heading to course that the helm allows for.
    drift_angle: f64,
    helm: Wandering,
    wave_phase: f64,
}

fn position(waypoint: &Waypoint) -> Position {
    Position { latitude: waypoint.latitude, longitude: waypoint.longitude }
}

/// Approaches a goal with a time constant.
fn approach(value: &mut f64, goal: f64, seconds: f64, time_constant: f64) {
    *value += (goal - *value) * (1.0 - (-seconds / time_constant).exp());
}

impl Boat {
    pub fn new(settings: &BoatSettings) -> Self {
        let (start, next) = (position(&settings.route.waypoints[0]), position(&settings.route.waypoints[1]));
        let heading = start.to(next).direction();
        let speed = 0.5 * settings.boat.motoring_speed * KNOT;
        Self {
            position: start,
            heading,
            rate_of_turn: 0.0,
            speed_through_water: speed,
            velocity: Vector::polar(speed, heading),
            roll: 0.0,
            pitch: 0.0,
            engine_rpm: 0.0,
            log: 1234.5 * 1852.0,
            motoring: false,
            next: 1,
            previous: 0,
            anchored: None,
            starboard_tack: false,
            drift_angle: 0.0,
            helm: Wandering::new(0.025, 4.0),
            wave_phase: 0.0,
        }
    }

    pub fn destination(&self, settings: &BoatSettings) -> Position {
        position(&settings.route.waypoints[self.next])
    }

    pub fn origin(&self, settings: &BoatSettings) -> Position {
        position(&settings.route.waypoints[self.previous])
    }

    /// The direction of the leg.
    pub fn track(&self, settings: &BoatSettings) -> f64 {
        self.origin(settings).to(self.destination(settings)).direction()
    }

    /// Metres from the track, positive to its right.
    pub fn cross_track_error(&self, settings: &BoatSettings) -> f64 {
        self.origin(settings).to(self.position).right_of(self.track(settings))
    }

    /// The wind as it blows over the deck: where it comes from relative to the bow, and its speed.
    pub fn apparent_wind(&self, weather: &Weather) -> (f64, f64) {
        let felt = weather.air_velocity().minus(self.velocity);
        (half_turn(felt.times(-1.0).direction() - self.heading), felt.length())
    }

    pub fn advance(&mut self, settings: &BoatSettings, weather: &Weather, seconds: f64, random: &mut Random) {
        self.helm.advance(seconds, random);
        match self.anchored {
            Some(left) => self.swing(weather, left, seconds),
            None => self.sail(settings, weather, seconds),
        }
        self.position = self.position.moved(self.velocity.times(seconds));
        self.log += self.speed_through_water.max(0.0) * seconds;
        self.rock(weather, seconds);
        self.arrive(settings);
        if self.anchored.is_some_and(|left| left <= 0.0) {
            self.anchored = None;
            self.head_for_next(settings);
        }
    }

    /// Sails or motors towards the next waypoint.
    fn sail(&mut self, settings: &BoatSettings, weather: &Weather, seconds: f64) {
        let hull = &settings.boat;
        let light = settings.wind.light * KNOT;
        // The engine is not started and stopped with every puff.
        self.motoring = weather.wind_speed < if self.motoring { light * 1.3 } else { light };
        let course = self.course_to_steer(settings, weather);
        let wind_angle = half_turn(weather.wind_direction - self.heading);
        let goal = if self.motoring {
            hull.motoring_speed * KNOT
        } else {
            polar(hull.hull_speed * KNOT, weather.wind_speed, wind_angle)
        };
        approach(&mut self.speed_through_water, goal, seconds, 15.0);
        let rpm = if self.motoring { hull.motoring_rpm * (1.0 + 0.2 * self.helm.value()) } else { 0.0 };
        approach(&mut self.engine_rpm, rpm, seconds, 3.0);
        self.steer(self.keep_sailing(course - self.drift_angle, settings, weather), seconds);

        let leeway = if self.motoring { 0.0 } else { -wind_angle.sin() * (weather.wind_speed / 10.0).min(1.0) * 0.09 };
        let through_water = Vector::polar(self.speed_through_water, self.heading + leeway);
        let current = Vector::polar(settings.current.drift * KNOT, settings.current.set.to_radians());
        self.velocity = through_water.plus(current);
        // Almost without way she drifts anywhere; that is nothing to steer against.
        let drift_angle = half_turn(self.velocity.direction() - self.heading).clamp(-0.3, 0.3);
        approach(&mut self.drift_angle, drift_angle, seconds, 20.0);
    }

    /// The course over ground that brings her to the waypoint, or the better tack if that is too close to the wind.
    fn course_to_steer(&mut self, settings: &BoatSettings, weather: &Weather) -> f64 {
        let track = self.track(settings);
        let off_track = self.cross_track_error(settings);
        let bearing = self.position.to(self.destination(settings)).direction();
        let closest = settings.boat.closest_wind_angle.to_radians();
        if !self.motoring && half_turn(bearing - weather.wind_direction).abs() < closest {
            let side = |starboard: bool| weather.wind_direction + if starboard { -closest } else { closest };
            if off_track.abs() > TACKING_CORRIDOR {
                // Back to the track: of the two tacks the one that leads to its other side.
                let leads_right = |starboard: bool| half_turn(side(starboard) - track).sin() > 0.0;
                if leads_right(self.starboard_tack) == (off_track > 0.0) {
                    self.starboard_tack = !self.starboard_tack;
                }
            }
            // As close to the wind as she goes, wherever the drift takes her.
            return side(self.starboard_tack) + self.drift_angle;
        }
        // Back to the track over some hundred metres, but at the end straight to the waypoint, and so wherever the
        // way along the track would lead into the wind.
        let along = track - (off_track / 300.0).clamp(-0.6, 0.6);
        let near = self.position.to(self.destination(settings)).length() < 600.0;
        let blocked = !self.motoring && half_turn(along - weather.wind_direction).abs() < closest;
        if near || blocked { bearing } else { along }
    }

    /// The heading, or the nearest one that is not too close to the wind.
    fn keep_sailing(&self, heading: f64, settings: &BoatSettings, weather: &Weather) -> f64 {
        let closest = settings.boat.closest_wind_angle.to_radians();
        let from_wind = half_turn(heading - weather.wind_direction);
        if self.motoring || from_wind.abs() >= closest {
            heading
        } else {
            weather.wind_direction + closest.copysign(from_wind)
        }
    }

    fn steer(&mut self, heading: f64, seconds: f64) {
        let fastest = 5.0_f64.to_radians();
        let rate = (half_turn(heading - self.heading) * 0.25).clamp(-fastest, fastest) + self.helm.value();
        approach(&mut self.rate_of_turn, rate, seconds, 1.5);
        self.heading = turn(self.heading + self.rate_of_turn * seconds);
    }

    /// Lies to her anchor, swinging across the wind.
    fn swing(&mut self, weather: &Weather, left: f64, seconds: f64) {
        self.anchored = Some(left - seconds);
        self.motoring = false;
        approach(&mut self.engine_rpm, 0.0, seconds, 2.0);
        let phase = left / SWING_PERIOD * TAU;
        self.steer(weather.wind_direction + 0.2 * phase.sin(), seconds);
        let across = Vector::polar(SWING * TAU / SWING_PERIOD * phase.cos(), weather.wind_direction + TAU / 4.0);
        approach(&mut self.velocity.north, across.north, seconds, 4.0);
        approach(&mut self.velocity.east, across.east, seconds, 4.0);
        approach(&mut self.speed_through_water, 0.0, seconds, 4.0);
        self.drift_angle = 0.0;
    }

    /// Heels to the wind and rocks in the waves.
    fn rock(&mut self, weather: &Weather, seconds: f64) {
        let (angle, speed) = self.apparent_wind(weather);
        self.wave_phase = turn(self.wave_phase + seconds / 4.6 * TAU);
        let waves = (weather.wind_speed / 12.0).min(1.0);
        let pressed = if self.motoring || self.anchored.is_some() { 0.15 } else { 1.0 };
        // Wind from starboard (positive) heels her to port (negative).
        let heel = -angle.sin() * (speed / 14.0).powi(2).min(1.0) * 0.45 * pressed;
        approach(&mut self.roll, heel + 0.04 * waves * self.wave_phase.sin(), seconds, 0.8);
        self.pitch = 0.035 * waves * (self.wave_phase + 1.0).cos();
    }

    /// Turns to the next waypoint, or drops the anchor, when she has reached or passed one.
    fn arrive(&mut self, settings: &BoatSettings) {
        if self.anchored.is_some() {
            return;
        }
        let to_go = self.position.to(self.destination(settings));
        let passed = to_go.along(self.track(settings)) < 0.0;
        if to_go.length() < settings.route.arrival_radius || passed {
            let stop = settings.route.waypoints[self.next].stop_minutes * 60.0;
            if stop > 0.0 {
                self.anchored = Some(stop);
            } else {
                self.head_for_next(settings);
            }
        }
    }

    fn head_for_next(&mut self, settings: &BoatSettings) {
        self.previous = self.next;
        self.next = (self.next + 1) % settings.route.waypoints.len();
    }
}

/// The speed a boat sails at: none into the wind, best with the wind a little abaft the beam, never above hull speed.
fn polar(hull_speed: f64, wind_speed: f64, wind_angle: f64) -> f64 {
    const SHAPE: [(f64, f64); 7] =
        [(0.0, 0.0), (30.0, 0.15), (42.0, 0.72), (60.0, 0.9), (100.0, 1.0), (140.0, 0.92), (180.0, 0.75)];
    let angle = wind_angle.abs().to_degrees().min(180.0);
    let shape = SHAPE.windows(2).find(|pair| angle <= pair[1].0).map_or(0.75, |pair| {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        low + (high - low) * (angle - from) / (to - from)
    });
    hull_speed * shape * (1.0 - (-wind_speed / 3.5).exp())
}
