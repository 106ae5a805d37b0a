//! Staleness: a value whose source has fallen silent becomes null (signalk-v1 §10).

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use smallvec::SmallVec;
use windlass_broker::{
    Context, Delta, DeltaVersion, Judged, NameError, Path, PathValue, Priorities, RawJson, SourceRef, Stage, Timestamp,
    Update,
};

use crate::data_model::ModelView;

/// In whose name the statistics count what is emitted; the deltas keep the `$source` that fell silent.
const NAME: &str = "staleness";
/// Most paths and sources that are watched.
const MAX_WATCHED: usize = 50_000;
/// An automatic timeout is this many times the usual interval,
const AUTO_FACTOR: u32 = 5;
/// and within these bounds.
const AUTO_BOUNDS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));
/// Where values stay true without being repeated.
const EXEMPT: [&str; 13] = [
    "notifications",
    "design",
    "navigation.anchor",
    "navigation.home",
    "navigation.course",
    "uuid",
    "mmsi",
    "url",
    "name",
    "flag",
    "port",
    "registrations",
    "communication",
];

/// When a value counts as stale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StalenessSettings {
    /// Whether it is watched at all.
    pub enforce_data_timeouts: bool,
    /// Whether paths without a timeout of their own get [`Self::default_timeout`].
    pub use_default_timeouts: bool,
    /// Seconds, 0 to 86,400.
    pub default_timeout: f64,
    /// Time between two checks in milliseconds, 100 to 60,000.
    pub stale_check_interval_ms: u64,
    /// Intervals that an automatic timeout is made from, 2 to 1,000.
    pub auto_timeout_samples: usize,
    /// Seconds before an automatic timeout counts, 0 to 3,600.
    pub auto_timeout_warmup_seconds: f64,
}

impl Default for StalenessSettings {
    fn default() -> Self {
        Self {
            enforce_data_timeouts: false,
            use_default_timeouts: false,
            default_timeout: 60.0,
            stale_check_interval_ms: 1000,
            auto_timeout_samples: 10,
            auto_timeout_warmup_seconds: 30.0,
        }
    }
}

impl StalenessSettings {
    /// What is out of its range: the name of the setting and what it may be.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let within = |value: f64, low: f64, high: f64| (low..=high).contains(&value);
        [
            ("defaultTimeout", "0 to 86400 seconds", within(self.default_timeout, 0.0, 86_400.0)),
            (
                "staleCheckIntervalMs",
                "100 to 60000 milliseconds",
                (100..=60_000).contains(&self.stale_check_interval_ms),
            ),
            ("autoTimeoutSamples", "2 to 1000", (2..=1000).contains(&self.auto_timeout_samples)),
            ("autoTimeoutWarmupSeconds", "0 to 3600 seconds", within(self.auto_timeout_warmup_seconds, 0.0, 3600.0)),
        ]
        .into_iter()
        .find_map(|(name, allowed, good)| (!good).then_some((name, allowed)))
    }
}

/// The stage that watches the own ship's values.
#[derive(Debug)]
pub struct Staleness {
    name: SourceRef,
    own: Context,
    view: ModelView,
    settings: StalenessSettings,
    watched: HashMap<(Path, SourceRef), Watched, RandomState>,
}

#[derive(Debug)]
struct Watched {
    first: Instant,
    last: Instant,
    timeout: Timeout,
    intervals: VecDeque<Duration>,
    timestamp: Timestamp,
    value: RawJson,
}

/// What the metadata of a path says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Timeout {
    /// Never stale.
    Exempt,
    /// Stale after so long.
    After(Duration),
    /// Stale after several times the usual interval.
    Auto,
    /// Nothing.
    Unset,
}

impl Staleness {
    /// Watches the ship that `view` shows.
    ///
    /// # Errors
    /// There are too many names.
    pub fn new(view: ModelView, settings: StalenessSettings) -> Result<Self, NameError> {
        let own = view.identity().context().clone();
        Ok(Self { name: SourceRef::new(NAME)?, own, view, settings, watched: HashMap::default() })
    }

    fn timeout_of(&self, path: &str) -> Timeout {
        let Some(meta) = self.view.metadata(path) else { return Timeout::Unset };
        if meta.get("updateContract").and_then(Value::as_str) == Some("event") {
            return Timeout::Exempt;
        }
        match meta.get("timeout") {
            Some(Value::String(text)) if text == "auto" => Timeout::Auto,
            Some(timeout) => match timeout.as_f64() {
                Some(seconds) if seconds > 0.0 => {
                    Duration::try_from_secs_f64(seconds).map_or(Timeout::Exempt, Timeout::After)
                }
                Some(_) => Timeout::Exempt,
                None => Timeout::Unset,
            },
            None => Timeout::Unset,
        }
    }

    fn see(&mut self, update: &Update, value: &PathValue, now: Instant) {
        let path = value.path.as_str();
        let text = value.value.as_str();
        if path.is_empty() || is_exempt(path) || text.starts_with(['"', 't', 'f']) {
            return;
        }
        let key = (value.path.clone(), update.source_ref.clone());
        if value.value.is_null() {
            // Nothing to become stale; also what this stage has said itself.
            self.watched.remove(&key);
            return;
        }
        let samples = self.settings.auto_timeout_samples;
        if let Some(watched) = self.watched.get_mut(&key) {
            if watched.timeout == Timeout::Auto {
                if watched.intervals.len() >= samples {
                    watched.intervals.pop_front();
                }
                watched.intervals.push_back(now.saturating_duration_since(watched.last));
            }
            watched.last = now;
            (watched.timestamp, watched.value) = (update.timestamp.clone(), value.value.clone());
        } else if self.watched.len() < MAX_WATCHED {
            let timeout = self.timeout_of(path);
            let watched = Watched {
                first: now,
                last: now,
                timeout,
                intervals: VecDeque::new(),
                timestamp: update.timestamp.clone(),
                value: value.value.clone(),
            };
            self.watched.insert(key, watched);
        }
    }
}

impl Stage for Staleness {
    fn name(&self) -> &SourceRef {
        &self.name
    }

    fn observe(&mut self, judged: &Judged, now: Instant, _: &mut Vec<Delta>) {
        let delta = judged.delta().delta();
        for update in &delta.updates {
            if !update.meta.is_empty() {
                // The model takes the metadata in after this stage, so the timeouts are read anew at the next check.
                for ((path, _), watched) in &mut self.watched {
                    if update.meta.iter().any(|entry| entry.path == *path) {
                        watched.timeout = Timeout::Unset;
                    }
                }
            }
            if delta.context == self.own {
                for value in &update.values {
                    self.see(update, value, now);
                }
            }
        }
    }

    fn tick_interval(&self) -> Option<Duration> {
        let ms = self.settings.stale_check_interval_ms;
        self.settings.enforce_data_timeouts.then(|| Duration::from_millis(ms.max(100)))
    }

    fn tick(&mut self, now: Instant, priorities: &Priorities, emit: &mut Vec<Delta>) {
        let unset: Vec<_> =
            self.watched.iter().filter(|(_, w)| w.timeout == Timeout::Unset).map(|(key, _)| key.clone()).collect();
        for key in unset {
            let timeout = self.timeout_of(key.0.as_str());
            if let Some(watched) = self.watched.get_mut(&key) {
                watched.timeout = timeout;
            }
        }
        for ((path, source), watched) in &self.watched {
            let Some(timeout) = watched.allowed(&self.settings, now) else { continue };
            let silent = now.saturating_duration_since(watched.last);
            if silent <= timeout.max(priorities.longest_hold(path)) {
                continue;
            }
            let last = json!({"timestamp": watched.timestamp.to_string(), "value": watched.value.to_value()});
            let state = RawJson::of(&json!({"timedOut": true, "lastValue": last}));
            let value = PathValue { path: path.clone(), value: RawJson::NULL, state: Some(Box::new(state)) };
            let update = Update {
                source: None,
                source_ref: source.clone(),
                timestamp: Timestamp::now(),
                values: SmallVec::from_iter([value]),
                meta: Vec::new(),
                notification_id: None,
            };
            emit.push(Delta {
                context: self.own.clone(),
                updates: SmallVec::from_iter([update]),
                version: DeltaVersion::V1,
            });
        }
    }
}

impl Watched {
    fn allowed(&self, settings: &StalenessSettings, now: Instant) -> Option<Duration> {
        let default = || {
            let allowed = settings.use_default_timeouts.then_some(settings.default_timeout)?;
            Duration::try_from_secs_f64(allowed).ok()
        };
        match self.timeout {
            Timeout::Exempt => None,
            Timeout::After(timeout) => Some(timeout),
            Timeout::Unset => default(),
            Timeout::Auto => {
                let warm =
                    now.saturating_duration_since(self.first).as_secs_f64() >= settings.auto_timeout_warmup_seconds;
                if !warm || self.intervals.len() < 2 {
                    return default();
                }
                let mut sorted: Vec<_> = self.intervals.iter().copied().collect();
                sorted.sort_unstable();
                Some((sorted[sorted.len() / 2] * AUTO_FACTOR).clamp(AUTO_BOUNDS.0, AUTO_BOUNDS.1))
            }
        }
    }
}

fn is_exempt(path: &str) -> bool {
    EXEMPT.iter().any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use windlass_broker::{Intake, Provider};

    use super::*;
    use crate::data_model::Identity;

    struct Watch {
        stage: Staleness,
        view: ModelView,
        intake: Intake,
        start: Instant,
    }

    impl Watch {
        fn new(settings: Value) -> Self {
            let own = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
            let view = ModelView::new(Identity::new(own.clone()));
            let settings = serde_json::from_value(settings).expect("settings");
            let stage = Staleness::new(view.clone(), settings).expect("names");
            let intake = Intake {
                self_context: own,
                provider: Provider::new("gps").expect("a name"),
                override_timestamps: false,
            };
            Self { stage, view, intake, start: Instant::now() }
        }
        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }
        fn give(&mut self, ms: u64, update: Value) {
            let text = json!({"updates": [update]}).to_string();
            let judged = Judged::accepted(self.intake.take(&text, DeltaVersion::V1).delta.expect("a delta"));
            let now = self.at(ms);
            self.stage.observe(&judged, now, &mut Vec::new());
            self.view.apply(&judged);
        }
        fn value(&mut self, ms: u64, path: &str, value: Value) {
            self.give(ms, json!({"values": [{"path": path, "value": value}]}));
        }
        /// The paths that a check finds stale; what it says is taken in, as the broker does.
        fn stale(&mut self, ms: u64) -> Vec<String> {
            let mut emit = Vec::new();
            let now = self.at(ms);
            self.stage.tick(now, &Priorities::default(), &mut emit);
            for delta in &emit {
                self.stage.observe(&Judged::accepted(delta.clone()), now, &mut Vec::new());
            }
            let mut paths: Vec<_> = emit.iter().map(|delta| delta.updates[0].values[0].path.to_string()).collect();
            paths.sort();
            paths
        }
    }

    #[test]
    fn a_silent_path_becomes_null_once() {
        // SK-162
        let mut watch =
            Watch::new(json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 10}));
        watch.give(0, json!({"meta": [{"path": "fast", "value": {"timeout": 1}}, {"path": "never", "value": {"timeout": 0}}, {"path": "event", "value": {"updateContract": "event"}}]}));
        for path in ["fast", "slow", "never", "event", "navigation.anchor.position", "flag"] {
            watch.value(0, path, json!(1.5));
        }
        watch.value(0, "text", json!("on"));
        watch.value(0, "switch", json!(true));
        assert!(watch.stale(1000).is_empty());
        assert_eq!(watch.stale(1001), ["fast"]);
        assert!(watch.stale(5000).is_empty(), "it is told once");
        watch.value(6000, "fast", json!(2));
        assert_eq!(watch.stale(7001), ["fast"], "and again after news");
        assert_eq!(watch.stale(10_001), ["slow"]);
    }

    #[test]
    fn the_delta_says_what_the_last_value_was() {
        let mut watch =
            Watch::new(json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 1}));
        watch.give(0, json!({"timestamp": "2026-01-01T00:00:00.000Z", "values": [{"path": "x", "value": 7}]}));
        let mut emit = Vec::new();
        let now = watch.at(1001);
        watch.stage.tick(now, &Priorities::default(), &mut emit);
        let text: Value = serde_json::from_str(&emit[0].render()).expect("JSON");
        let value = &text["updates"][0]["values"][0];
        assert_eq!(text["updates"][0]["$source"], "gps");
        let last = json!({"timestamp": "2026-01-01T00:00:00.000Z", "value": 7});
        assert_eq!(value, &json!({"path": "x", "value": null, "state": {"timedOut": true, "lastValue": last}}));
    }

    #[test]
    fn an_automatic_timeout_follows_the_usual_interval() {
        let mut watch = Watch::new(json!({"enforceDataTimeouts": true}));
        watch.give(0, json!({"meta": [{"path": "x", "value": {"timeout": "auto"}}]}));
        for n in 0..=31 {
            watch.value(n * 1000, "x", json!(n));
        }
        assert!(watch.stale(31_000 + 5000).is_empty());
        assert_eq!(watch.stale(31_000 + 5001), ["x"]);
        // Before it is warm there is no timeout without a default.
        watch.value(40_000, "x", json!(1));
        watch.value(41_000, "x", json!(1));
        assert!(watch.stale(60_000).is_empty());
    }

    #[test]
    fn a_source_that_may_still_take_over_is_waited_for() {
        let settings =
            json!({"overrides": {"x": [{"sourceRef": "gps", "timeout": 0}, {"sourceRef": "b", "timeout": 9000}]}});
        let priorities = Priorities::new(&serde_json::from_value(settings).expect("settings"));
        let mut watch =
            Watch::new(json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 1}));
        watch.value(0, "x", json!(1));
        let (mut early, mut late) = (Vec::new(), Vec::new());
        let (at_9, after) = (watch.at(9000), watch.at(9001));
        watch.stage.tick(at_9, &priorities, &mut early);
        watch.stage.tick(after, &priorities, &mut late);
        assert_eq!((early.len(), late.len()), (0, 1));
    }
}
