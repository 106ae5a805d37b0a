//! What a row of a subscription does with the values that reach it: pass them, slow them down, repeat them, or announce their paths
//! (signalk-v1 §5.4).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use windlass_broker::{Context, Glob, Path, SharedDelta, ValueIndex};

use super::message::RateControl;
use super::rate::{Kept, Ready, RowRate, ValueKey};

/// Most values that a row repeats; the others are delivered as they arrive and not repeated.
const MAX_REPEATED: usize = 2_000;
/// Repeating is at most this much late: values whose time comes within a tenth of the period are repeated together.
const TOGETHER: u32 = 10;
/// Most paths that a row announces.
const MAX_ANNOUNCED: usize = 50_000;

/// A row's work.
#[derive(Debug)]
pub(super) enum Row {
    /// Rate control.
    Rated(RowRate),
    /// Policy `ideal`.
    Repeated(Repeats),
    /// `announceNewPaths`.
    Announcing(Announced),
    /// It was unsubscribed.
    Ended,
}

impl Row {
    /// A row from now on. `named` is what the other rows of the subscription cover: that needs no announcing.
    /// What it remembers counts in `kept`.
    pub fn new(control: RateControl, named: &Arc<[Glob]>, kept: &Kept, now: Instant) -> Self {
        let kept = kept.clone();
        match control {
            RateControl::Ideal { period } => {
                Self::Repeated(Repeats { kept, period, latest: HashMap::default(), due: None })
            }
            RateControl::FirstOfPath => {
                Self::Announcing(Announced { kept, named: named.clone(), seen: HashSet::default() })
            }
            control => Self::Rated(RowRate::new(control, kept, now)),
        }
    }

    /// A value came. Returns it when it is to be sent at once.
    pub fn value(&mut self, delta: Arc<SharedDelta>, index: ValueIndex, now: Instant) -> Option<Ready> {
        match self {
            Self::Rated(rate) => rate.value(delta, index, now),
            Self::Repeated(repeats) => {
                repeats.note(&delta, index, now);
                Some((delta, index))
            }
            Self::Announcing(announced) => announced.is_new(&delta, index).then_some((delta, index)),
            Self::Ended => None,
        }
    }

    /// A present value came, which no rate holds back. True when it is to be sent.
    pub fn cached(&mut self, delta: &Arc<SharedDelta>, index: ValueIndex, now: Instant) -> bool {
        match self {
            Self::Rated(rate) => rate.sent(delta, index, now),
            Self::Repeated(repeats) => repeats.note(delta, index, now),
            Self::Announcing(announced) => return announced.is_new(delta, index),
            Self::Ended => return false,
        }
        true
    }

    /// When [`Self::take_due`] has to be called next.
    pub fn due(&self) -> Option<Instant> {
        match self {
            Self::Rated(rate) => rate.due(),
            Self::Repeated(repeats) => repeats.due,
            Self::Announcing(_) | Self::Ended => None,
        }
    }

    /// The values whose time has come.
    pub fn take_due(&mut self, now: Instant) -> Vec<Ready> {
        match self {
            Self::Rated(rate) => rate.take_due(now),
            Self::Repeated(repeats) => repeats.take_due(now),
            Self::Announcing(_) | Self::Ended => Vec::new(),
        }
    }
}

/// The latest values of a row, repeated when a period passes without news.
#[derive(Debug)]
pub(super) struct Repeats {
    kept: Kept,
    period: Duration,
    latest: HashMap<ValueKey, (Instant, Ready), RandomState>,
    due: Option<Instant>,
}

impl Repeats {
    fn note(&mut self, delta: &Arc<SharedDelta>, index: ValueIndex, now: Instant) {
        // Root values are not under rate control of any kind.
        if delta.value(index).1.path.as_str().is_empty() {
            return;
        }
        let key = ValueKey::of(delta, index);
        if !self.latest.contains_key(&key) && (self.latest.len() >= MAX_REPEATED || !self.kept.take()) {
            return;
        }
        let alone =
            delta.delta().updates.iter().map(|update| update.values.len() + update.meta.len()).sum::<usize>() == 1;
        // What is kept must not keep its neighbours.
        let kept =
            if alone { (delta.clone(), index) } else { (delta.detached(index), ValueIndex { update: 0, value: 0 }) };
        self.latest.insert(key, (now, kept));
        let due = now + self.period;
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    fn take_due(&mut self, now: Instant) -> Vec<Ready> {
        if self.due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        let (mut ready, mut next) = (Vec::new(), None::<Instant>);
        for (at, value) in self.latest.values_mut() {
            if *at + self.period <= now {
                *at = now;
                ready.push(value.clone());
            }
            let due = *at + self.period;
            next = Some(next.map_or(due, |earlier| earlier.min(due)));
        }
        self.due = next.map(|due| due.max(now + self.period / TOGETHER));
        ready
    }
}

/// The paths that were announced.
#[derive(Debug)]
pub(super) struct Announced {
    kept: Kept,
    named: Arc<[Glob]>,
    seen: HashSet<(Context, Path), RandomState>,
}

impl Announced {
    fn is_new(&mut self, delta: &SharedDelta, index: ValueIndex) -> bool {
        let path = &delta.value(index).1.path;
        let key = (delta.delta().context.clone(), path.clone());
        if self.named.iter().any(|glob| glob.matches(path.as_str())) || self.seen.contains(&key) {
            return false;
        }
        self.seen.len() < MAX_ANNOUNCED && self.kept.take() && self.seen.insert(key)
    }
}

impl Drop for Repeats {
    fn drop(&mut self) {
        self.kept.give_back(self.latest.len());
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.kept.give_back(self.seen.len());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use windlass_broker::{DeltaVersion, Intake, Provider};

    use super::*;

    const AT: ValueIndex = ValueIndex { update: 0, value: 0 };

    fn delta(source: &str, path: &str, value: u64) -> Arc<SharedDelta> {
        let context = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
        let provider = Provider::new("test").expect("a name");
        let intake = Intake { self_context: context, provider, override_timestamps: false };
        let text = json!({"updates": [{"$source": source, "values": [{"path": path, "value": value}]}]}).to_string();
        SharedDelta::new(intake.take(&text, DeltaVersion::V1).delta.expect("a delta"))
    }

    fn row(control: RateControl, named: &[&str], now: Instant) -> Row {
        let named: Arc<[Glob]> = named.iter().map(|glob| Glob::new(glob)).collect();
        Row::new(control, &named, &Kept::default(), now)
    }

    fn numbers(ready: &[Ready]) -> Vec<String> {
        let mut numbers: Vec<_> = ready.iter().map(|(delta, index)| delta.value(*index).1.value.to_string()).collect();
        numbers.sort();
        numbers
    }

    #[test]
    fn ideal_passes_everything_and_repeats_the_last_value() {
        // SK-89
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let mut row = row(RateControl::Ideal { period: ms(1000) }, &[], start);
        assert_eq!(row.due(), None);
        for (at, number) in [(0, 1), (10, 2), (400, 3)] {
            assert!(row.value(delta("a", "x", number), AT, start + ms(at)).is_some());
        }
        assert!(row.value(delta("b", "x", 9), AT, start + ms(600)).is_some());
        let first = row.due().expect("a time");
        assert!(row.take_due(first).is_empty(), "there was news since the first value");
        assert_eq!(row.due(), Some(start + ms(1400)));
        assert_eq!(numbers(&row.take_due(start + ms(1400))), ["3"]);
        assert_eq!(numbers(&row.take_due(start + ms(1650))), ["9"]);
        assert_eq!(numbers(&row.take_due(start + ms(2700))), ["3", "9"], "and again");
    }

    #[test]
    fn a_path_is_announced_once() {
        // SK-98
        let now = Instant::now();
        let mut row = row(RateControl::FirstOfPath, &["named.*"], now);
        assert!(row.cached(&delta("a", "x", 1), AT, now));
        assert!(!row.cached(&delta("b", "x", 1), AT, now), "another source of the same path");
        assert!(row.value(delta("a", "x", 2), AT, now).is_none());
        assert!(row.value(delta("a", "y", 1), AT, now).is_some());
        assert!(row.value(delta("a", "y", 2), AT, now).is_none());
        assert!(row.value(delta("a", "named.y", 1), AT, now).is_none(), "another row delivers it");
    }
}
