//! A simulated boat that speaks NMEA 0183, for demonstrations and tests.
//!
//! She follows a looped route as a crew would: steers for the track against current and leeway, tacks when the next
//! waypoint lies to windward, starts the engine when the wind dies, and may anchor on the way. What her instruments
//! see is consistent: apparent wind follows from the true wind and her motion, compass heading from variation and
//! deviation, course over ground from heading, leeway and current. Around her are others, whom her AIS receiver hears.
//!
//! The module is pure and deterministic: settings, seed and start decide everything that [`Simulator::advance`] gives.

mod boat;
mod environment;
mod geo;
mod instruments;
pub mod radio;
mod random;
mod settings;
mod traffic;

use jiff::{SignedDuration, Timestamp};

use boat::Boat;
use environment::{Sea, Weather};
use instruments::{Instruments, Reading};
use random::Random;
pub use settings::{
    AidSettings, AirSettings, AisClass, BoatSettings, CompassSettings, CurrentSettings, HullSettings, OutputSettings,
    RouteSettings, SeaSettings, SettingsError, TrafficSettings, VesselSettings, Waypoint, WindSettings,
};
use traffic::Traffic;

/// The time between two computed states.
const STEP: SignedDuration = SignedDuration::from_millis(100);
const STEP_SECONDS: f64 = 0.1;

/// A boat under way.
#[derive(Debug)]
pub struct Simulator {
    settings: BoatSettings,
    now: Timestamp,
    steps: u64,
    random: Random,
    weather: Weather,
    sea: Sea,
    boat: Boat,
    instruments: Instruments,
    traffic: Traffic,
}

impl Simulator {
    /// A boat at the first waypoint of her route at `start`. The same settings, seed and start give the same sentences.
    pub fn new(settings: BoatSettings, seed: u64, start: Timestamp) -> Self {
        let mut random = Random::new(seed);
        let weather = Weather::new(&settings, &mut random);
        let sea = Sea::new(&settings);
        let boat = Boat::new(&settings);
        let instruments = Instruments::new(&settings);
        let traffic = Traffic::new(&settings.traffic);
        Self { settings, now: start, steps: 0, random, weather, sea, boat, instruments, traffic }
    }

    /// The instant up to which sentences have been given.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets time pass until `to` and gives the sentences of that time in order, complete with checksum and without
    /// line end. An instant that is not later than [`now`](Self::now) gives nothing.
    ///
    /// A second takes about forty sentences; call it at least that often as the listener should hear them.
    pub fn advance(&mut self, to: Timestamp) -> Vec<String> {
        let mut sentences = Vec::new();
        while let Ok(next) = self.now.checked_add(STEP) {
            if next > to {
                break;
            }
            self.now = next;
            self.steps += 1;
            self.step(&mut sentences);
        }
        sentences
    }

    fn step(&mut self, sentences: &mut Vec<String>) {
        // Exact in a double for millions of years of steps.
        let elapsed = self.steps as f64 * STEP_SECONDS;
        self.weather.advance(elapsed, STEP_SECONDS, &mut self.random);
        self.boat.advance(&self.settings, &self.weather, STEP_SECONDS, &mut self.random);
        let reading = Reading {
            time: self.now,
            elapsed,
            boat: &self.boat,
            weather: &self.weather,
            sea: &self.sea,
            settings: &self.settings,
        };
        self.instruments.speak(self.steps, &reading, &mut self.random, sentences);
        self.traffic.advance(self.steps, STEP_SECONDS, sentences);
    }
}

#[cfg(test)]
mod tests;
