//! What one connection has brought, to tell a value that comes around in a circle from one that its sender repeats.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use smallvec::SmallVec;
use windlass_broker::{RawJson, Timestamp};

/// Values of one connection, by context, path and source, of which something is remembered: at least so many, at most twice as many.
const GENERATION: usize = 20_000;
/// How many of the last ones of each are: what may wait in two batches while the model is behind.
const RECENT: usize = 6;

/// Context, path and source of a value.
pub(super) type Key = [u64; 3];

/// A value that the model has of a source.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub timestamp: Timestamp,
    pub value: RawJson,
    /// When it came, in milliseconds since 1970.
    pub received: i64,
}

/// What is to become of a value that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is to be published.
    News,
    /// This connection has brought it before: there is nothing to do.
    Repeated,
    /// The model has had a later one from elsewhere. Two receivers that hear the same, or clocks that differ, do that too.
    Outdated,
    /// This very value has come from elsewhere while the connection was there: it has gone around.
    Echo,
}

/// Remembers by marks; see [`Brought::mark`]. It outlives a loss of the connection, after which all present values come again, and a
/// change of its settings.
#[derive(Debug, Default)]
pub(super) struct Brought {
    marks: RandomState,
    /// Those that were asked for lately, and those that were before. What is asked for again moves to the first.
    young: HashMap<Key, Memory, RandomState>,
    old: HashMap<Key, Memory, RandomState>,
}

/// Of one context, path and source.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    /// The marks of the last ones that were news; 0 where there was none.
    recent: [u64; RECENT],
    /// A value from elsewhere that was in the model when an older one came: if it comes, too, it has gone around. The model may have
    /// a later one by then.
    awaited: Option<Awaited>,
}

#[derive(Debug, Clone, Copy)]
struct Awaited {
    /// Milliseconds since 1970.
    at: i64,
    mark: u64,
}

impl Brought {
    /// Judges a value that came while the model had these of its source; the connection has been there since `since`, in milliseconds
    /// since 1970. News counts as brought from now on.
    pub fn judge(&mut self, key: Key, timestamp: &Timestamp, value: &RawJson, known: &[Known], since: i64) -> Verdict {
        let mark = self.mark(timestamp, value);
        let not_older = known.iter().filter(|known| known.timestamp >= *timestamp);
        let not_older: SmallVec<[_; 2]> =
            not_older.map(|known| (known, self.mark(&known.timestamp, &known.value))).collect();
        let memory = self.memory(key);
        let verdict = if !known.is_empty() && memory.recent.contains(&mark) {
            Verdict::Repeated
        } else {
            memory.judge(timestamp, mark, &not_older, since)
        };
        if verdict == Verdict::News {
            memory.add(mark);
        }
        verdict
    }

    /// What tells a value at a time from others. Never 0.
    fn mark(&self, timestamp: &Timestamp, value: &RawJson) -> u64 {
        let time = timestamp.as_millis();
        let text = if time.is_none() { timestamp.to_string() } else { String::new() };
        self.marks.hash_one((time, text, value.as_str())).max(1)
    }

    fn memory(&mut self, key: Key) -> &mut Memory {
        if !self.young.contains_key(&key) && self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        let old = &mut self.old;
        self.young.entry(key).or_insert_with(|| old.remove(&key).unwrap_or_default())
    }
}

impl Memory {
    /// Judges by the values of the model that are not older.
    fn judge(&mut self, timestamp: &Timestamp, mark: u64, not_older: &[(&Known, u64)], since: i64) -> Verdict {
        let at = timestamp.as_millis().unwrap_or_default();
        let mut verdict = Verdict::News;
        for (known, known_mark) in not_older {
            // What it has brought itself does not keep anything out: the clock of its sender, or ours, may have been put back.
            if self.recent.contains(known_mark) {
                continue;
            }
            // It came since the connection was made, so it is none of the present values that another one gets at its start.
            let witness = known.received >= since;
            if *known_mark == mark {
                return if witness { Verdict::Echo } else { Verdict::Outdated };
            }
            if self.awaited.is_some_and(|awaited| awaited.mark == mark) {
                self.awaited = None;
                return Verdict::Echo;
            }
            let known_at = known.timestamp.as_millis().unwrap_or_default();
            if !self.awaited.is_some_and(|awaited| (at..=known_at).contains(&awaited.at)) {
                self.awaited = witness.then_some(Awaited { at: known_at, mark: *known_mark });
            }
            verdict = Verdict::Outdated;
        }
        verdict
    }

    fn add(&mut self, mark: u64) {
        self.recent.rotate_right(1);
        self.recent[0] = mark;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: Key = [1, 2, 3];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    /// In the model since the same second of our clock.
    fn known(second: i64, value: i64) -> [Known; 1] {
        [Known { timestamp: at(second), value: RawJson::of(&json!(value)), received: second * 1000 }]
    }

    fn judge(brought: &mut Brought, second: i64, value: i64, known: &[Known]) -> Verdict {
        brought.judge(KEY, &at(second), &RawJson::of(&json!(value)), known, 0)
    }

    #[test]
    fn a_clock_that_is_put_back_silences_nobody() {
        let mut brought = Brought::default();
        assert_eq!(judge(&mut brought, 900, 1, &[]), Verdict::News);
        assert_eq!(judge(&mut brought, 10, 2, &known(900, 1)), Verdict::News);
        // The model may not have the one before yet.
        assert_eq!(judge(&mut brought, 11, 3, &known(900, 1)), Verdict::News);
        assert_eq!(judge(&mut brought, 12, 4, &known(11, 3)), Verdict::News);
        // What was brought before comes around by another way, or is repeated.
        assert_eq!(judge(&mut brought, 900, 1, &known(12, 4)), Verdict::Repeated);
        assert_eq!(judge(&mut brought, 12, 4, &known(12, 4)), Verdict::Repeated);
        // But for another who has later ones.
        assert_eq!(judge(&mut brought, 13, 5, &known(900, 7)), Verdict::Outdated);
    }

    #[test]
    fn what_the_model_has_lost_may_come_again() {
        let mut brought = Brought::default();
        assert_eq!(judge(&mut brought, 10, 1, &[]), Verdict::News);
        assert_eq!(judge(&mut brought, 10, 1, &[]), Verdict::News);
    }

    #[test]
    fn only_the_very_same_is_an_echo() {
        let mut brought = Brought::default();
        assert_eq!(judge(&mut brought, 10, 1, &known(10, 1)), Verdict::Echo);
        // Another value of that time: whoever measured it said the later one last.
        assert_eq!(judge(&mut brought, 10, 2, &known(10, 1)), Verdict::Outdated);
        // The receiver of another boat hears the same target a moment before or after ours does.
        for second in 20..60 {
            let theirs = Timestamp::from_millis(second * 1000 - 3);
            let verdict = brought.judge(KEY, &theirs, &RawJson::of(&json!(second)), &known(second, second), 0);
            assert_eq!(verdict, Verdict::Outdated, "{second}");
        }
        // Present values that come when the connection is made have come before it was.
        let verdict = brought.judge(KEY, &at(70), &RawJson::of(&json!(1)), &known(70, 1), 70_001);
        assert_eq!(verdict, Verdict::Outdated);
    }

    #[test]
    fn an_echo_is_found_although_the_model_is_ahead_of_it() {
        let mut brought = Brought::default();
        // What goes around comes back two values late.
        let verdicts: Vec<_> = (10..22).map(|n| judge(&mut brought, n, n, &known(n + 2, n + 2))).collect();
        let echoes = verdicts.iter().filter(|verdict| **verdict == Verdict::Echo).count();
        assert_eq!(echoes, 4, "{verdicts:?}");
        assert!(!verdicts.contains(&Verdict::News), "{verdicts:?}");
    }

    #[test]
    fn what_is_in_use_is_not_forgotten_for_others() {
        let mut brought = Brought::default();
        let one = RawJson::of(&json!(1));
        assert_eq!(judge(&mut brought, 10, 1, &[]), Verdict::News);
        for n in 0..5 * GENERATION as u64 {
            brought.judge([n, n, n], &at(1), &one, &[], 0);
            if n % 1000 == 0 {
                assert_eq!(judge(&mut brought, 10, 1, &known(10, 1)), Verdict::Repeated, "after {n} others");
            }
        }
        assert!(brought.young.len() + brought.old.len() <= 2 * GENERATION);
    }
}
