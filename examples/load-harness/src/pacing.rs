//! When each delta is due. Nothing here looks at a clock: times are nanoseconds that the caller passes.

/// How fast the deltas of all producers together are published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Deltas per second.
    PerSecond(f64),
    /// As fast as the server takes them.
    Saturating,
}

/// The timetable of one producer: delta `n` is due at `start + (n + offset) / rate`.
#[derive(Debug, Clone, Copy)]
pub struct Timetable {
    per_second: f64,
    offset: f64,
    start: u64,
    end: u64,
}

impl Timetable {
    /// The timetable of producer `index` of `count`, which share `total` deltas per second evenly
    /// and take turns within each interval. Times are in nanoseconds.
    pub fn new(total: f64, index: usize, count: usize, start: u64, end: u64) -> Self {
        Timetable { per_second: total / count as f64, offset: index as f64 / count as f64, start, end }
    }

    /// How many deltas are due at `now`. It never exceeds the number for the whole run.
    pub fn due(&self, now: u64) -> u64 {
        let elapsed = now.min(self.end).saturating_sub(self.start);
        let periods = elapsed as f64 * self.per_second / 1e9 - self.offset;
        // Delta 0 is due at the start, one more with each period; the one at the very end is not.
        ((periods + 1.0).max(0.0) as u64).min(self.total())
    }

    /// The time at which delta `number` is due.
    pub fn due_at(&self, number: u64) -> u64 {
        self.start + ((number as f64 + self.offset) * 1e9 / self.per_second) as u64
    }

    /// Deltas in the whole run.
    pub fn total(&self) -> u64 {
        let periods = (self.end - self.start) as f64 * self.per_second / 1e9 - self.offset;
        // A millionth of a period is rounding noise, not another delta.
        (periods - 1e-6).max(0.0).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_run_holds_exactly_rate_times_duration() {
        for (rate, producers, seconds) in
            [(1000.0, 1, 60), (1000.0, 7, 3), (0.5, 1, 10), (150_000.0, 4, 5), (3.0, 10, 1)]
        {
            let tables: Vec<_> = (0..producers)
                .map(|index| Timetable::new(rate, index, producers, 5 * SECOND, (5 + seconds) * SECOND))
                .collect();
            let total: u64 = tables.iter().map(|table| table.due(100 * SECOND)).sum();
            assert_eq!(total, (rate * seconds as f64) as u64, "{rate}/s, {producers} producers, {seconds} s");
            assert_eq!(total, tables.iter().map(Timetable::total).sum::<u64>());
        }
    }

    #[test]
    fn deltas_fall_due_one_by_one() {
        let table = Timetable::new(1000.0, 0, 1, SECOND, 2 * SECOND);
        assert_eq!(table.due(SECOND), 1);
        assert_eq!(table.due(SECOND + 999_999), 1);
        assert_eq!(table.due(SECOND + 1_000_001), 2);
        assert_eq!(table.due_at(1), SECOND + 1_000_000);
        let due = |at| table.due(at);
        assert!((SECOND..2 * SECOND).step_by(333_333).all(|at| due(at) <= due(at + 333_333)), "never falls");
    }

    #[test]
    fn producers_take_turns() {
        let tables = [0, 1].map(|index| Timetable::new(1000.0, index, 2, 0, SECOND));
        assert_eq!(tables.map(|table| table.due(0)), [1, 0]);
        assert_eq!(tables.map(|table| table.due(1_000_001)), [1, 1]);
        assert_eq!(tables.map(|table| table.due(2_000_001)), [2, 1]);
        assert_eq!(tables.map(|table| table.due_at(0)), [0, 1_000_000]);
    }
}
