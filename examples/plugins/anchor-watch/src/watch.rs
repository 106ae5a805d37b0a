//! The watch itself: where the anchor lies, how far the boat is from it, and how bad that is.
//!
//! Pure: no clock, no host, no JSON.

use crate::config::Config;
use geographiclib_rs::{Geodesic, InverseGeodesic};
use std::time::Duration;
use windlass_plugin::Position;

/// A state gets better only when the boat is this much inside its limit, so that the noise of a
/// receiver near the limit doesn't ring the bell every second.
const HYSTERESIS: f64 = 0.95;
/// No boat lies still enough for a smaller circle, metres.
pub const LEAST_RADIUS: f64 = 10.0;

/// Geodesic distance (metres) and initial true bearing (radians, 0 to 2π) from a position to another. Two equal positions have no
/// bearing.
pub fn range(from: Position, to: Position) -> (f64, Option<f64>) {
    let (distance, azimuth, _, _): (f64, f64, f64, f64) =
        Geodesic::wgs84().inverse(from.latitude, from.longitude, to.latitude, to.longitude);
    let bearing = (distance > 0.0).then(|| azimuth.to_radians().rem_euclid(std::f64::consts::TAU));
    (distance, bearing)
}

/// How bad it is. The order is that of severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The boat lies well inside her circle, or no anchor is down.
    #[default]
    Normal,
    /// Close to the alarm radius, or no position for a while.
    Warn,
    /// Outside the alarm radius.
    Alarm,
}

/// What one step of the watch found out. `None` and `false` mean: nothing new.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// The anchor was dropped here.
    pub dropped: Option<Position>,
    /// The boat left; the anchor counts as weighed.
    pub weighed: bool,
    /// Distance to the anchor (metres) and bearing from the boat to it (radians).
    pub range: Option<(f64, Option<f64>)>,
    /// The state changed, and the sentence for it.
    pub changed: Option<(State, String)>,
}

/// The anchor watch of one boat.
#[derive(Debug)]
pub struct Watch {
    anchor: Option<Position>,
    boat: Option<Position>,
    auto_drop: bool,
    max_radius: f64,
    warn_ratio: f64,
    weigh_beyond: f64,
    position_timeout: Duration,
    state: Option<State>,
    by_distance: State,
    last_position: Option<Duration>,
}

impl Watch {
    /// Starts a watch. `lying` is an anchor that is down already (from before a crash); a configured
    /// position wins over it.
    pub fn new(config: &Config, lying: Option<Position>) -> Self {
        Self {
            anchor: config.position.or(lying),
            boat: None,
            auto_drop: config.auto_drop,
            max_radius: config.max_radius,
            warn_ratio: config.warn_ratio,
            weigh_beyond: config.weigh_beyond.unwrap_or(f64::INFINITY),
            position_timeout: Duration::from_secs_f64(config.position_timeout.min(1e6)),
            state: None,
            by_distance: State::Normal,
            last_position: None,
        }
    }

    /// Where the anchor lies.
    pub fn anchor(&self) -> Option<Position> {
        self.anchor
    }

    /// Radius of the alarm, metres.
    pub fn max_radius(&self) -> f64 {
        self.max_radius
    }

    /// Distance (metres) and bearing (radians) from the boat to the anchor, when both are known.
    pub fn range(&self) -> Option<(f64, Option<f64>)> {
        Some(range(self.boat?, self.anchor?))
    }

    /// How bad it is.
    pub fn state(&self) -> State {
        self.state.unwrap_or_default()
    }

    /// Whether the anchor drops at the next position.
    pub fn drops_at_next_position(&self) -> bool {
        self.anchor.is_none() && self.auto_drop
    }

    /// The boat is at `position`; `now` is any clock that doesn't go back.
    pub fn position(&mut self, position: Position, now: Duration) -> Report {
        self.last_position = Some(now);
        self.boat = Some(position);
        let gone = self.range().is_some_and(|(distance, _)| distance > self.weigh_beyond);
        if gone {
            self.anchor = None;
            self.by_distance = State::Normal;
        }
        let dropped = self.drops_at_next_position().then_some(position);
        self.anchor = self.anchor.or(dropped);
        Report { dropped, weighed: gone, ..self.look() }
    }

    /// The anchor is dropped at a place that somebody names.
    pub fn drop_at(&mut self, position: Position) -> Report {
        self.anchor = Some(position);
        self.by_distance = State::Normal;
        Report { dropped: Some(position), ..self.look() }
    }

    /// The anchor is dropped where the boat is, or will be when her position arrives. An anchor that lies stays where it is.
    pub fn drop_here(&mut self) -> Report {
        self.auto_drop = true;
        match self.boat {
            Some(position) if self.anchor.is_none() => self.drop_at(position),
            _ => Report::default(),
        }
    }

    /// The anchor is weighed, and stays up until somebody drops it.
    pub fn weigh(&mut self) -> Report {
        self.auto_drop = false;
        self.by_distance = State::Normal;
        let weighed = self.anchor.take().is_some();
        Report { weighed, ..self.look() }
    }

    /// Changes the radius of the alarm, metres.
    ///
    /// # Errors
    /// A sentence for the user: what is wrong with it.
    pub fn set_max_radius(&mut self, metres: f64) -> Result<Report, String> {
        if !metres.is_finite() || metres < LEAST_RADIUS {
            return Err(format!("The alarm radius must be at least {LEAST_RADIUS} m, not {metres} m"));
        }
        if metres >= self.weigh_beyond {
            return Err(format!(
                "The alarm radius must be less than the {} m beyond which the anchor is weighed",
                self.weigh_beyond
            ));
        }
        self.max_radius = metres;
        Ok(self.look())
    }

    /// Judges where the boat lies now.
    fn look(&mut self) -> Report {
        let Some(range) = self.range() else {
            let changed = match self.anchor {
                Some(_) => None,
                None => self.change(State::Normal, "No anchor is down".to_owned()),
            };
            return Report { changed, ..Report::default() };
        };
        let (distance, _) = range;
        self.by_distance = self.judge(distance);
        let sentence = match self.by_distance {
            State::Normal => format!("At anchor, {distance:.0} m from it"),
            State::Warn => format!("{distance:.0} m from the anchor, alarm at {:.0} m", self.max_radius),
            State::Alarm => {
                format!("Anchor dragging: {distance:.0} m, more than the {:.0} m allowed", self.max_radius)
            }
        };
        let changed = self.change(self.by_distance, sentence);
        Report { range: Some(range), changed, ..Report::default() }
    }

    /// Time passes: warns when the position failed.
    pub fn tick(&mut self, now: Duration) -> Report {
        let silent = now.saturating_sub(*self.last_position.get_or_insert(now));
        let mut report = Report::default();
        if self.anchor.is_some() && silent >= self.position_timeout {
            // An alarm stays: losing the position doesn't make dragging better.
            let state = self.by_distance.max(State::Warn);
            let sentence = format!("No position for {:.0} s at anchor", silent.as_secs_f64());
            report.changed = self.change(state, sentence);
        }
        report
    }

    fn judge(&self, distance: f64) -> State {
        let limit = |state: State, radius: f64| {
            if self.by_distance >= state { radius * HYSTERESIS } else { radius }
        };
        if distance > limit(State::Alarm, self.max_radius) {
            State::Alarm
        } else if distance > limit(State::Warn, self.max_radius * self.warn_ratio) {
            State::Warn
        } else {
            State::Normal
        }
    }

    fn change(&mut self, state: State, sentence: String) -> Option<(State, String)> {
        (self.state.replace(state) != Some(state)).then_some((state, sentence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCHOR: Position = Position { latitude: 60.0, longitude: 24.0 };

    /// A position this many metres north of the anchor.
    fn north(metres: f64) -> Position {
        // One degree of latitude is 111,412 m at 60° north.
        Position { latitude: ANCHOR.latitude + metres / 111_412.0, ..ANCHOR }
    }

    fn watch(config: Config) -> Watch {
        Watch::new(&config, None)
    }

    fn states(watch: &mut Watch, distances: &[f64]) -> Vec<Option<State>> {
        distances
            .iter()
            .map(|metres| {
                let report = watch.position(north(*metres), Duration::ZERO);
                report.changed.map(|(state, _)| state)
            })
            .collect()
    }

    #[test]
    fn distance_and_bearing_are_those_of_the_ellipsoid() {
        // Published WGS 84 lengths: a degree of longitude at the equator, a degree of latitude at 45°.
        let at = |latitude, longitude| Position { latitude, longitude };
        let (east, bearing) = range(at(0.0, 0.0), at(0.0, 1.0));
        assert!((east - 111_319.491).abs() < 0.01, "{east}");
        assert!((bearing.unwrap() - std::f64::consts::FRAC_PI_2).abs() < 1e-9);
        let (south, bearing) = range(at(45.5, 9.0), at(44.5, 9.0));
        assert!((south - 111_131.78).abs() < 0.5, "{south}");
        assert!((bearing.unwrap() - std::f64::consts::PI).abs() < 1e-9);
        let (_, west) = range(at(10.0, -179.9), at(10.0, 179.9));
        assert!(west.unwrap() > std::f64::consts::PI, "{west:?}");
        assert_eq!(range(ANCHOR, ANCHOR), (0.0, None));
    }

    #[test]
    fn the_anchor_drops_at_the_first_position() {
        let mut watch = watch(Config::default());
        let first = watch.position(ANCHOR, Duration::ZERO);
        assert_eq!(first.dropped, Some(ANCHOR));
        assert_eq!(first.range, Some((0.0, None)));
        assert_eq!(first.changed.unwrap().0, State::Normal);
        let second = watch.position(north(10.0), Duration::ZERO);
        assert_eq!(second.dropped, None);
        assert!((second.range.unwrap().0 - 10.0).abs() < 0.01);
        assert_eq!(second.changed, None);
    }

    #[test]
    fn without_auto_drop_nothing_happens_until_an_anchor_is_set() {
        let mut watch = watch(Config { auto_drop: false, ..Config::default() });
        let report = watch.position(ANCHOR, Duration::ZERO);
        assert_eq!((report.dropped, report.range), (None, None));
        assert_eq!(watch.anchor(), None);
        assert_eq!(watch.tick(Duration::from_secs(100)), Report::default());
    }

    #[test]
    fn dragging_warns_then_alarms_and_each_change_is_told_once() {
        let mut watch = watch(Config { position: Some(ANCHOR), ..Config::default() });
        use State::{Alarm, Normal, Warn};
        assert_eq!(
            states(&mut watch, &[5.0, 39.0, 41.0, 45.0, 51.0, 80.0]),
            [Some(Normal), None, Some(Warn), None, Some(Alarm), None]
        );
        // 50 m × 0.95 = 47.5 m, 40 m × 0.95 = 38 m.
        assert_eq!(states(&mut watch, &[48.5, 47.0, 39.0, 37.0]), [None, Some(Warn), None, Some(Normal)]);
    }

    #[test]
    fn a_boat_under_way_weighs_and_drops_again() {
        let mut watch = watch(Config { weigh_beyond: Some(150.0), ..Config::default() });
        watch.position(ANCHOR, Duration::ZERO);
        let alarm = watch.position(north(140.0), Duration::ZERO);
        assert_eq!(alarm.changed.unwrap().0, State::Alarm);
        let gone = watch.position(north(151.0), Duration::ZERO);
        assert!(gone.weighed);
        assert_eq!(gone.dropped, Some(north(151.0)));
        assert_eq!(gone.changed.unwrap().0, State::Normal);
    }

    #[test]
    fn a_lost_position_warns_and_a_new_one_clears_it() {
        let mut watch = watch(Config::default());
        let s = Duration::from_secs;
        watch.position(ANCHOR, s(10));
        assert_eq!(watch.tick(s(39)).changed, None);
        let (state, sentence) = watch.tick(s(40)).changed.unwrap();
        assert_eq!(state, State::Warn);
        assert!(sentence.contains("No position for 30 s"), "{sentence}");
        assert_eq!(watch.tick(s(41)).changed, None);
        let back = watch.position(ANCHOR, s(42));
        assert_eq!(back.changed.unwrap().0, State::Normal);
    }

    #[test]
    fn a_lost_position_does_not_clear_an_alarm() {
        let mut watch = watch(Config { position: Some(ANCHOR), ..Config::default() });
        watch.position(north(60.0), Duration::ZERO);
        assert_eq!(watch.tick(Duration::from_secs(60)).changed, None);
    }

    #[test]
    fn an_anchor_from_before_a_crash_stays_unless_another_is_configured() {
        let lying = north(7.0);
        assert_eq!(Watch::new(&Config::default(), Some(lying)).anchor(), Some(lying));
        let configured = Config { position: Some(ANCHOR), ..Config::default() };
        assert_eq!(Watch::new(&configured, Some(lying)).anchor(), Some(ANCHOR));
    }

    #[test]
    fn an_anchor_dropped_by_hand_is_watched_at_once() {
        let mut watch = watch(Config { auto_drop: false, ..Config::default() });
        assert_eq!(watch.drop_at(ANCHOR), Report { dropped: Some(ANCHOR), ..Report::default() });
        watch.position(north(60.0), Duration::ZERO);
        let there = watch.drop_at(north(30.0));
        assert_eq!(there.changed.unwrap().0, State::Normal, "it was an alarm");
        assert!((there.range.unwrap().0 - 30.0).abs() < 0.01);
    }

    #[test]
    fn a_weighed_anchor_stays_up_until_it_is_dropped() {
        let mut watch = watch(Config::default());
        watch.position(ANCHOR, Duration::ZERO);
        watch.position(north(60.0), Duration::ZERO);
        let weighed = watch.weigh();
        assert!(weighed.weighed);
        assert_eq!(weighed.changed.unwrap().0, State::Normal);
        assert_eq!(watch.position(north(70.0), Duration::ZERO).dropped, None);
        assert!(!watch.weigh().weighed, "it is up already");
        assert_eq!(watch.drop_here().dropped, Some(north(70.0)));
        assert_eq!(watch.drop_here(), Report::default(), "it lies already");
    }

    #[test]
    fn without_a_position_the_anchor_drops_at_the_next_one() {
        let mut watch = watch(Config { auto_drop: false, ..Config::default() });
        assert_eq!(watch.drop_here(), Report::default());
        assert!(watch.drops_at_next_position());
        assert_eq!(watch.position(ANCHOR, Duration::ZERO).dropped, Some(ANCHOR));
    }

    #[test]
    fn a_new_radius_counts_at_once_and_bad_ones_are_refused() {
        let mut watch = watch(Config { position: Some(ANCHOR), weigh_beyond: Some(150.0), ..Config::default() });
        watch.position(north(35.0), Duration::ZERO);
        assert_eq!(watch.set_max_radius(30.0).unwrap().changed.unwrap().0, State::Alarm);
        assert_eq!(watch.set_max_radius(100.0).unwrap().changed.unwrap().0, State::Normal);
        for bad in [5.0, -1.0, f64::NAN, f64::INFINITY, 150.0] {
            assert!(watch.set_max_radius(bad).is_err(), "{bad}");
        }
        assert_eq!(watch.max_radius(), 100.0);
    }
}
