//! Rate control of a subscription's row (signalk-v1 §5.4).
//!
//! The window is kept per context, path and `$source`, and the last value that fell into it is sent when it ends, as the specification
//! intends: no source starves another one, and the client always ends up with the latest value.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use windlass_broker::{Context, Path, SharedDelta, SourceRef, ValueIndex};

use super::message::RateControl;

/// What values replace one another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ValueKey {
    context: Context,
    path: Path,
    source: SourceRef,
}

impl ValueKey {
    /// The key of what a source says about a path of a context.
    pub fn new(context: Context, path: Path, source: SourceRef) -> Self {
        Self { context, path, source }
    }

    /// The key of a value.
    pub fn of(delta: &SharedDelta, index: ValueIndex) -> Self {
        let (update, value) = delta.value(index);
        let context = delta.delta().context.clone();
        Self { context, path: value.path.clone(), source: update.source_ref.clone() }
    }
}

/// A value that is ready to be sent.
pub type Ready = (Arc<SharedDelta>, ValueIndex);

/// Most values that the rows of a connection remember: for their rate control, to repeat them, or as announced.
const MAX_KEPT: usize = 100_000;

/// Room for what the rows of one connection remember. Clones share.
#[derive(Debug, Clone, Default)]
pub struct Kept(Rc<Cell<usize>>);

impl Kept {
    /// Room for one more, if there is some.
    pub fn take(&self) -> bool {
        let free = self.0.get() < MAX_KEPT;
        if free {
            self.0.set(self.0.get() + 1);
        }
        free
    }

    /// So much is not remembered any more.
    pub fn give_back(&self, count: usize) {
        self.0.set(self.0.get().saturating_sub(count));
    }
}

/// The rate control of one row. Values for which there is no room in [`Kept`] pass as they come.
#[derive(Debug)]
pub struct RowRate {
    kept: Kept,
    control: RateControl,
    started: Instant,
    windows: HashMap<ValueKey, Window, RandomState>,
    /// Keys in the order in which their values came to wait.
    waiting: Vec<ValueKey>,
    due: Option<Instant>,
    /// Windows at which ended ones are looked for.
    forget_at: usize,
}

/// The least number of windows at which ended ones are looked for.
const FORGET_AT: usize = 1024;

#[derive(Debug)]
struct Window {
    sent: Option<Instant>,
    waiting: Option<Ready>,
}

impl RowRate {
    /// A row's rate control from now on.
    pub fn new(control: RateControl, kept: Kept, now: Instant) -> Self {
        Self {
            kept,
            control,
            started: now,
            windows: HashMap::default(),
            waiting: Vec::new(),
            due: None,
            forget_at: FORGET_AT,
        }
    }

    /// A value came. Returns it when it is to be sent at once.
    pub fn value(&mut self, delta: Arc<SharedDelta>, index: ValueIndex, now: Instant) -> Option<Ready> {
        let root = delta.value(index).1.path.as_str().is_empty();
        let (earliest, due) = match self.control {
            // Repeating and announcing hold nothing back; see `Row`.
            RateControl::Instant | RateControl::Ideal { .. } | RateControl::FirstOfPath => return Some((delta, index)),
            _ if root => return Some((delta, index)),
            RateControl::Fixed { period } => (None, self.next_tick(period, now)),
            RateControl::MinPeriod { period } => (Some(period), now),
        };
        let key = ValueKey::of(&delta, index);
        let window = match self.windows.entry(key.clone()) {
            Entry::Occupied(window) => window.into_mut(),
            Entry::Vacant(_) if !self.kept.take() => return Some((delta, index)),
            Entry::Vacant(place) => place.insert(Window { sent: None, waiting: None }),
        };
        let due = match (earliest, window.sent) {
            (Some(_), None) => None,
            (Some(period), Some(sent)) => Some(sent + period).filter(|free| *free > now),
            (None, _) => Some(due),
        };
        let Some(due) = due else {
            window.sent = Some(now);
            // The window ended before the timer was served: what waited in it is older than this value and must not follow it.
            if window.waiting.take().is_some() {
                self.waiting.retain(|other| *other != key);
            }
            self.forget_closed_windows(now);
            return Some((delta, index));
        };
        if window.waiting.replace((delta, index)).is_none() {
            self.waiting.push(key);
        }
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
        None
    }

    /// A value was sent outside of the rate control, as a present value: the window begins with it.
    pub fn sent(&mut self, delta: &SharedDelta, index: ValueIndex, now: Instant) {
        if let RateControl::MinPeriod { .. } = self.control {
            let window = Window { sent: Some(now), waiting: None };
            match self.windows.entry(ValueKey::of(delta, index)) {
                Entry::Occupied(mut place) => *place.get_mut() = window,
                Entry::Vacant(_) if !self.kept.take() => {}
                Entry::Vacant(place) => {
                    place.insert(window);
                }
            }
        }
    }

    /// When [`Self::take_due`] has to be called next.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The values whose time has come, in the order in which they came to wait.
    pub fn take_due(&mut self, now: Instant) -> Vec<Ready> {
        if self.due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        let (mut ready, mut later, mut next) = (Vec::new(), Vec::new(), None::<Instant>);
        for key in std::mem::take(&mut self.waiting) {
            let Some(window) = self.windows.get_mut(&key) else { continue };
            let free = match (self.control, window.sent) {
                (RateControl::MinPeriod { period }, Some(sent)) => sent + period,
                _ => now,
            };
            if free > now {
                next = Some(next.map_or(free, |earlier| earlier.min(free)));
                later.push(key);
            } else if let Some(value) = window.waiting.take() {
                window.sent = Some(now);
                ready.push(value);
                // A fixed row needs nothing of the past.
                if let RateControl::Fixed { .. } = self.control {
                    self.windows.remove(&key);
                    self.kept.give_back(1);
                }
            }
        }
        self.waiting = later;
        self.due = next;
        ready
    }

    /// Once in a while forgets windows that have ended: paths and vessels come and go.
    fn forget_closed_windows(&mut self, now: Instant) {
        let RateControl::MinPeriod { period } = self.control else { return };
        if self.windows.len() < self.forget_at {
            return;
        }
        let before = self.windows.len();
        self.windows
            .retain(|_, window| window.waiting.is_some() || window.sent.is_some_and(|sent| sent + period > now));
        self.kept.give_back(before - self.windows.len());
        self.forget_at = (self.windows.len() * 2).max(FORGET_AT);
    }

    /// The next moment of the grid that began with the subscription.
    fn next_tick(&self, period: Duration, now: Instant) -> Instant {
        let period = period.max(Duration::from_millis(1));
        let passed = now.saturating_duration_since(self.started).as_nanos() / period.as_nanos();
        let ticks = u32::try_from(passed + 1).unwrap_or(u32::MAX);
        self.started.checked_add(period.saturating_mul(ticks)).unwrap_or(now + period)
    }
}

impl Drop for RowRate {
    fn drop(&mut self) {
        self.kept.give_back(self.windows.len());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use windlass_broker::{DeltaVersion, Intake, Provider};

    use super::*;

    const AT: ValueIndex = ValueIndex { update: 0, value: 0 };

    fn delta(source: &str, path: &str, value: u32) -> Arc<SharedDelta> {
        let context = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
        let provider = Provider::new("test").expect("a name");
        let intake = Intake { self_context: context, provider, override_timestamps: false };
        let text = json!({"updates": [{"$source": source, "values": [{"path": path, "value": value}]}]}).to_string();
        SharedDelta::new(intake.take(&text, DeltaVersion::V1).delta.expect("a delta"))
    }

    fn value((delta, index): &Ready) -> String {
        delta.value(*index).1.value.to_string()
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn fixed_sends_the_latest_once_a_period_and_nothing_without_news() {
        // SK-84, SK-85
        let start = Instant::now();
        let mut row = RowRate::new(RateControl::Fixed { period: ms(1000) }, Kept::default(), start);
        assert_eq!(row.due(), None);
        for (at, source, n) in [(100, "a", 1), (200, "a", 2), (300, "b", 3), (999, "a", 4)] {
            assert!(row.value(delta(source, "x", n), AT, start + ms(at)).is_none());
        }
        assert_eq!(row.due(), Some(start + ms(1000)));
        assert!(row.take_due(start + ms(999)).is_empty());
        let sent: Vec<_> = row.take_due(start + ms(1000)).iter().map(value).collect();
        assert_eq!(sent, ["4", "3"]);
        assert_eq!(row.due(), None);
        assert!(row.value(delta("a", "x", 5), AT, start + ms(2500)).is_none());
        assert_eq!(row.due(), Some(start + ms(3000)));
    }

    #[test]
    fn min_period_sends_the_first_at_once_and_the_last_at_the_end() {
        // SK-87
        let start = Instant::now();
        let mut row = RowRate::new(RateControl::MinPeriod { period: ms(200) }, Kept::default(), start);
        assert!(row.value(delta("a", "x", 1), AT, start).is_some());
        assert!(row.value(delta("b", "x", 9), AT, start).is_some(), "another source has its own window");
        assert!(row.value(delta("a", "x", 2), AT, start + ms(50)).is_none());
        assert!(row.value(delta("a", "x", 3), AT, start + ms(199)).is_none());
        assert_eq!(row.due(), Some(start + ms(200)));
        let sent: Vec<_> = row.take_due(start + ms(200)).iter().map(value).collect();
        assert_eq!(sent, ["3"]);
        assert!(row.value(delta("a", "x", 4), AT, start + ms(300)).is_none());
        assert_eq!(row.due(), Some(start + ms(400)));
    }

    #[test]
    fn a_value_that_comes_before_the_late_timer_replaces_the_waiting_one() {
        // SK-66
        let start = Instant::now();
        let mut row = RowRate::new(RateControl::MinPeriod { period: ms(200) }, Kept::default(), start);
        assert!(row.value(delta("a", "x", 0), AT, start).is_some());
        assert!(row.value(delta("a", "x", 1), AT, start + ms(50)).is_none());
        let sent = row.value(delta("a", "x", 2), AT, start + ms(201)).expect("the window has ended");
        assert_eq!(value(&sent), "2");
        assert!(row.take_due(start + ms(202)).is_empty());
        assert!(row.take_due(start + ms(402)).is_empty(), "the older value must not follow");
    }

    #[test]
    fn ended_windows_are_forgotten() {
        let start = Instant::now();
        for control in [RateControl::MinPeriod { period: ms(1) }, RateControl::Fixed { period: ms(1) }] {
            let mut row = RowRate::new(control, Kept::default(), start);
            for n in 0..4 * FORGET_AT as u64 {
                let now = start + ms(10 * n);
                row.value(delta("a", &format!("rate.p{n}"), 0), AT, now);
                row.take_due(now + ms(5));
            }
            assert!(row.windows.len() <= FORGET_AT, "{control:?} keeps {}", row.windows.len());
        }
    }

    #[test]
    fn without_room_values_pass_and_room_comes_back() {
        let (start, kept) = (Instant::now(), Kept::default());
        for control in [RateControl::MinPeriod { period: ms(1000) }, RateControl::Fixed { period: ms(1000) }] {
            let mut row = RowRate::new(control, kept.clone(), start);
            for n in 0..MAX_KEPT {
                row.value(delta("a", &format!("room.p{n}"), 0), AT, start);
            }
            assert_eq!((row.windows.len(), kept.0.get()), (MAX_KEPT, MAX_KEPT));
            let more = delta("a", "room.more", 1);
            assert!(row.value(more.clone(), AT, start).is_some() && row.value(more, AT, start).is_some());
            assert_eq!(row.windows.len(), MAX_KEPT);
            drop(row);
            assert_eq!(kept.0.get(), 0);
        }
    }

    #[test]
    fn instant_rows_and_root_values_pass() {
        let start = Instant::now();
        let mut row = RowRate::new(RateControl::Instant, Kept::default(), start);
        assert!(row.value(delta("a", "x", 1), AT, start).is_some());
        let mut row = RowRate::new(RateControl::Fixed { period: ms(1000) }, Kept::default(), start);
        let text = json!({"updates": [{"values": [{"path": "", "value": {"flag": "FI"}}]}]}).to_string();
        let context = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
        let provider = Provider::new("test").expect("a name");
        let intake = Intake { self_context: context, provider, override_timestamps: false };
        let root = SharedDelta::new(intake.take(&text, DeltaVersion::V1).delta.expect("a delta"));
        assert!(row.value(root, AT, start).is_some());
    }
}
