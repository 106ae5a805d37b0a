//! What one subscriber has received of one producer: losses, duplicates and order.

use std::collections::VecDeque;
use std::ops::Range;

/// The most holes a ledger remembers. The oldest are written off as lost beyond that, so that a
/// server that drops most of the stream does not fill the memory.
const MAX_HOLES: usize = 4096;

/// The counts of a ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Different values received.
    pub unique: u64,
    /// Values received again.
    pub duplicates: u64,
    /// Values received after a later one of the same path.
    pub out_of_order: u64,
}

/// The account of one subscriber with one producer. Values have consecutive numbers, and number `n`
/// belongs to path `n % paths`.
#[derive(Debug, Clone)]
pub enum Ledger {
    /// Every value must arrive.
    Every(EveryValue),
    /// Values may be skipped (rate-controlled subscriptions); the last one of each path must arrive.
    Latest(LatestValues),
}

impl Ledger {
    /// A ledger in which every value of `paths` paths must arrive.
    pub fn every(paths: u64) -> Self {
        Ledger::Every(EveryValue { next: 0, paths, holes: VecDeque::new(), counts: Counts::default() })
    }

    /// A ledger in which the last value of each of `paths` paths must arrive.
    pub fn latest(paths: u64) -> Self {
        Ledger::Latest(LatestValues { last: vec![None; paths as usize], counts: Counts::default() })
    }

    /// Enters a received value. True when it is the first time.
    pub fn record(&mut self, number: u64) -> bool {
        match self {
            Ledger::Every(every) => every.record(number),
            Ledger::Latest(latest) => latest.record(number),
        }
    }

    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        match self {
            Ledger::Every(every) => every.counts,
            Ledger::Latest(latest) => latest.counts,
        }
    }

    /// How many values are missing when `published` were published: all that did not arrive, or for
    /// rate-controlled subscriptions the last values that did not.
    pub fn lost(&self, published: u64) -> u64 {
        match self {
            Ledger::Every(every) => published.saturating_sub(every.counts.unique),
            Ledger::Latest(latest) => latest.lost(published),
        }
    }

    /// One more than the highest number received.
    pub fn frontier(&self) -> u64 {
        match self {
            Ledger::Every(every) => every.next,
            Ledger::Latest(latest) => latest.last.iter().flatten().max().map_or(0, |last| last + 1),
        }
    }
}

/// See [`Ledger::Every`].
#[derive(Debug, Clone)]
pub struct EveryValue {
    next: u64,
    paths: u64,
    /// Numbers below `next` that have not arrived, ascending and not touching.
    holes: VecDeque<Range<u64>>,
    counts: Counts,
}

impl EveryValue {
    #[inline]
    fn record(&mut self, number: u64) -> bool {
        if number == self.next {
            self.next += 1;
            self.counts.unique += 1;
            return true;
        }
        self.record_unexpected(number)
    }

    #[cold]
    fn record_unexpected(&mut self, number: u64) -> bool {
        if number > self.next {
            if self.holes.len() == MAX_HOLES {
                self.holes.pop_front();
            }
            self.holes.push_back(self.next..number);
            self.next = number + 1;
            self.counts.unique += 1;
            return true;
        }
        let at = self.holes.partition_point(|hole| hole.end <= number);
        let Some(hole) = self.holes.get(at).filter(|hole| hole.contains(&number)).cloned() else {
            self.counts.duplicates += 1;
            return false;
        };
        match (hole.start < number, number + 1 < hole.end) {
            (false, false) => drop(self.holes.remove(at)),
            (false, true) => self.holes[at].start = number + 1,
            (true, false) => self.holes[at].end = number,
            (true, true) => {
                self.holes[at].end = number;
                self.holes.insert(at + 1, number + 1..hole.end);
            }
        }
        self.counts.unique += 1;
        if self.later_of_same_path_seen(number) {
            self.counts.out_of_order += 1;
        }
        true
    }

    /// Servers keep the order per path, not between paths (Signal K v1 §5.12), so a late value is
    /// out of order only when a later one of its path was faster.
    fn later_of_same_path_seen(&self, number: u64) -> bool {
        let mut later = number + self.paths;
        let first = self.holes.partition_point(|hole| hole.end <= later);
        for hole in self.holes.range(first..) {
            if later < hole.start {
                break;
            }
            if later < hole.end {
                later += (hole.end - later).div_ceil(self.paths) * self.paths;
            }
        }
        later < self.next
    }
}

/// See [`Ledger::Latest`].
#[derive(Debug, Clone)]
pub struct LatestValues {
    last: Vec<Option<u64>>,
    counts: Counts,
}

impl LatestValues {
    fn record(&mut self, number: u64) -> bool {
        let path = (number % self.last.len() as u64) as usize;
        match self.last[path] {
            Some(last) if last == number => {
                self.counts.duplicates += 1;
                false
            }
            Some(last) if last > number => {
                self.counts.out_of_order += 1;
                true
            }
            _ => {
                self.last[path] = Some(number);
                self.counts.unique += 1;
                true
            }
        }
    }

    fn lost(&self, published: u64) -> u64 {
        let paths = self.last.len() as u64;
        let first = published.saturating_sub(paths);
        (first..published).filter(|number| self.last[(number % paths) as usize] != Some(*number)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(paths: u64, numbers: impl IntoIterator<Item = u64>) -> Ledger {
        let mut ledger = Ledger::every(paths);
        for number in numbers {
            ledger.record(number);
        }
        ledger
    }

    fn counts(unique: u64, duplicates: u64, out_of_order: u64) -> Counts {
        Counts { unique, duplicates, out_of_order }
    }

    #[test]
    fn a_whole_stream_loses_nothing() {
        let ledger = after(3, 0..1000);
        assert_eq!(ledger.counts(), counts(1000, 0, 0));
        assert_eq!((ledger.lost(1000), ledger.lost(1001), ledger.frontier()), (0, 1, 1000));
    }

    #[test]
    fn holes_at_the_start_in_the_middle_and_at_the_end_are_lost() {
        let ledger = after(1, (2..10).chain(15..20));
        assert_eq!(ledger.counts(), counts(13, 0, 0));
        assert_eq!(ledger.lost(25), 2 + 5 + 5);
    }

    #[test]
    fn a_late_value_fills_its_hole() {
        let ledger = after(1, [0, 1, 5, 3, 2, 4]);
        assert_eq!(ledger.counts(), counts(6, 0, 3));
        assert_eq!(ledger.lost(6), 0);
    }

    #[test]
    fn the_same_value_again_is_a_duplicate_and_never_hides_a_loss() {
        let ledger = after(1, [0, 1, 1, 4, 4, 0, 3, 3]);
        assert_eq!(ledger.counts(), counts(4, 4, 1));
        assert_eq!(ledger.lost(5), 1);
    }

    #[test]
    fn paths_may_overtake_each_other_but_not_themselves() {
        // Four paths; the values of one delta arrive in reverse.
        assert_eq!(after(4, [3, 2, 1, 0, 7, 6, 5, 4]).counts(), counts(8, 0, 0));
        // Path 0: number 4 before number 0.
        assert_eq!(after(4, [1, 2, 3, 4, 0]).counts(), counts(5, 0, 1));
        // Numbers 0, 4 and 8 of path 0 are missing, 12 came before 4.
        assert_eq!(after(4, [1, 2, 3, 5, 6, 7, 9, 12, 4]).counts(), counts(9, 0, 1));
        // As before, but what came was of other paths.
        assert_eq!(after(4, [1, 2, 3, 5, 6, 7, 9, 13, 4]).counts(), counts(9, 0, 0));
    }

    #[test]
    fn many_holes_are_written_off_but_still_counted() {
        let ledger = after(1, (0..40_000).step_by(2));
        assert_eq!(ledger.lost(40_000), 20_000);
        let Ledger::Every(every) = &ledger else { panic!() };
        assert_eq!(every.holes.len(), MAX_HOLES);
    }

    #[test]
    fn rate_controlled_streams_owe_only_the_last_value_of_each_path() {
        let mut ledger = Ledger::latest(2);
        assert_eq!(ledger.lost(0), 0);
        assert_eq!(ledger.lost(1), 1);
        for number in [0, 1, 6, 6, 4, 9] {
            ledger.record(number);
        }
        assert_eq!(ledger.counts(), counts(4, 1, 1));
        assert_eq!(ledger.frontier(), 10);
        assert_eq!(ledger.lost(10), 1, "number 8 is the last of path 0 and did not arrive");
        ledger.record(8);
        assert_eq!(ledger.lost(10), 0);
    }
}
