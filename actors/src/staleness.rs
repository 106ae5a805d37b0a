//! Staleness: a value whose source has fallen silent becomes null (signalk-v1 §10).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use smallvec::SmallVec;
use windlass_broker::{
    Context, Delta, DeltaVersion, Judged, NameError, Path, PathValue, Priorities, RawJson, SourceRef, Stage, Timestamp,
    Update,
};

use crate::data_model::{ContextModel, ModelView};

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

/// The settings of the stage, which may be changed while it runs. Clones share.
#[derive(Debug, Clone, Default)]
pub struct StalenessControl(Arc<Control>);

#[derive(Debug, Default)]
struct Control {
    /// Counts the changes, so that nobody has to take the lock to find out that there was none.
    revision: AtomicU64,
    settings: Mutex<StalenessSettings>,
}

impl StalenessControl {
    /// With these settings at first.
    pub fn new(settings: StalenessSettings) -> Self {
        Self(Arc::new(Control { revision: AtomicU64::new(0), settings: Mutex::new(settings) }))
    }

    /// From now on these hold. The broker has to be told (`RetimeStages`): the time between two checks may be another one.
    pub fn set(&self, settings: StalenessSettings) {
        *self.lock() = settings;
        self.0.revision.fetch_add(1, Release);
    }

    fn get(&self) -> StalenessSettings {
        self.lock().clone()
    }

    fn revision(&self) -> u64 {
        self.0.revision.load(Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, StalenessSettings> {
        // Replaced as a whole, so whole also after a panic.
        self.0.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stage that watches the own ship's values.
#[derive(Debug)]
pub struct Staleness {
    name: SourceRef,
    own: Context,
    view: ModelView,
    control: StalenessControl,
    /// What the control says, as of this revision.
    settings: StalenessSettings,
    revision: u64,
    watched: HashMap<(Path, SourceRef), Watched, RandomState>,
    /// Paths of which metadata has come since the last check. The model takes it in after this stage, so it is read at the next one.
    changed: HashSet<Path, RandomState>,
    /// More of them than are remembered.
    all_changed: bool,
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
    /// Watches the ship that `view` shows, as long and as `control` says.
    ///
    /// # Errors
    /// There are too many names.
    pub fn new(view: ModelView, control: &StalenessControl) -> Result<Self, NameError> {
        let own = view.identity().context().clone();
        let revision = control.revision();
        Ok(Self {
            name: SourceRef::new(NAME)?,
            own,
            view,
            control: control.clone(),
            settings: control.get(),
            revision,
            watched: HashMap::default(),
            changed: HashSet::default(),
            all_changed: false,
        })
    }

    fn timeout_of(view: &ModelView, path: &str) -> Timeout {
        let Some(meta) = view.metadata(path) else { return Timeout::Unset };
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

    /// Takes over what has been changed in the settings.
    fn keep_up(&mut self, now: Instant) {
        let revision = self.control.revision();
        if revision == self.revision {
            return;
        }
        let watched = self.settings.enforce_data_timeouts;
        (self.revision, self.settings) = (revision, self.control.get());
        match (watched, self.settings.enforce_data_timeouts) {
            (false, true) => self.look_back(now),
            (true, false) => {
                self.watched.clear();
                self.changed.clear();
            }
            _ => {}
        }
    }

    /// Watches what has come before anybody wanted it watched: a source may be silent already.
    fn look_back(&mut self, now: Instant) {
        let mut known = Vec::new();
        self.view.own().each_leaf(|_, leaf| leaf.each_entry(true, |entry| known.push(entry.clone())));
        let clock = jiff::Timestamp::now().as_millisecond();
        for entry in known {
            let silent = u64::try_from(clock.saturating_sub(entry.received())).unwrap_or_default();
            let (update, value) = entry.parts();
            self.see(update, value, now.checked_sub(Duration::from_millis(silent)).unwrap_or(now));
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
            let timeout = Self::timeout_of(&self.view, path);
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
        self.keep_up(now);
        if !self.settings.enforce_data_timeouts {
            return;
        }
        let delta = judged.delta().delta();
        for update in &delta.updates {
            for entry in &update.meta {
                if self.changed.len() < MAX_WATCHED {
                    self.changed.insert(entry.path.clone());
                } else {
                    self.all_changed = true;
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
        // Asked when the settings have changed, before anything else looks at them.
        let settings = self.control.get();
        let ms = settings.stale_check_interval_ms;
        settings.enforce_data_timeouts.then(|| Duration::from_millis(ms.max(100)))
    }

    fn tick(&mut self, now: Instant, priorities: &Priorities, emit: &mut Vec<Delta>) {
        self.keep_up(now);
        let Self { view, own, settings, watched, changed, all_changed, .. } = self;
        let (changed, all_changed) = (std::mem::take(changed), std::mem::take(all_changed));
        watched.retain(|(path, source), watched| {
            if all_changed || changed.contains(path) {
                watched.timeout = Self::timeout_of(view, path.as_str());
            }
            let Some(timeout) = watched.allowed(settings, now) else { return true };
            let silent = now.saturating_duration_since(watched.last);
            if silent <= timeout.max(priorities.longest_hold(path)) {
                return true;
            }
            // What was taken out of the model meanwhile, such as with its source, does not come back as a null.
            if !knows(view.own(), path, source) {
                return false;
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
                context: own.clone(),
                updates: SmallVec::from_iter([update]),
                version: DeltaVersion::V1,
            });
            false
        });
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

/// Whether the model has a value of a source at a path.
fn knows(model: &ContextModel, path: &Path, source: &SourceRef) -> bool {
    let mut known = false;
    if let Some(leaf) = model.leaf(path) {
        leaf.each_entry(true, |entry| known |= entry.parts().0.source_ref == *source);
    }
    known
}

fn is_exempt(path: &str) -> bool {
    EXEMPT.iter().any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

#[cfg(test)]
#[path = "staleness_tests.rs"]
mod tests;
