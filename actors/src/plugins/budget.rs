//! What a plugin may use up over time: processor time and emitted deltas. Pure; time comes in as an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Over which time the share of the processor is taken.
const WINDOW: Duration = Duration::from_secs(10);
/// Time is summed up in slots of this length.
const SLOT: Duration = Duration::from_millis(100);
/// How many seconds' worth of deltas may come at once.
const BURST_SECONDS: f64 = 2.0;

/// The processor time of one plugin in the last ten seconds, and what it may be.
#[derive(Debug)]
pub(super) struct CpuBudget {
    /// Of one core; 0.5 is half of it.
    share: f64,
    /// Slots with time in them: begin and sum, oldest first.
    slots: VecDeque<(Instant, Duration)>,
    busy: Duration,
    throttled: u64,
}

impl CpuBudget {
    /// A budget of `share` of one core; at least a hundredth.
    pub(super) fn new(share: f64) -> Self {
        Self { share: share.max(0.01), slots: VecDeque::new(), busy: Duration::ZERO, throttled: 0 }
    }

    /// The plugin has run for `time`, until `now`.
    pub(super) fn spend(&mut self, time: Duration, now: Instant) {
        self.forget(now);
        self.busy += time;
        match self.slots.back_mut() {
            Some((begin, sum)) if now.saturating_duration_since(*begin) < SLOT => *sum += time,
            _ => self.slots.push_back((now, time)),
        }
    }

    /// How long it has to rest until it is back in its budget; `None` when it is. Asking counts as an occasion on which it was slowed
    /// down.
    pub(super) fn rest(&mut self, now: Instant) -> Option<Duration> {
        self.forget(now);
        let mut over = self.busy.checked_sub(self.allowed())?;
        if over.is_zero() {
            return None;
        }
        self.throttled += 1;
        for (begin, sum) in &self.slots {
            over = over.saturating_sub(*sum);
            if over.is_zero() {
                return Some((*begin + WINDOW).saturating_duration_since(now) + Duration::from_millis(1));
            }
        }
        Some(WINDOW)
    }

    /// The share of one core in the window.
    pub(super) fn used(&mut self, now: Instant) -> f64 {
        self.forget(now);
        self.busy.as_secs_f64() / WINDOW.as_secs_f64()
    }

    /// The share that it may have.
    pub(super) fn share(&self) -> f64 {
        self.share
    }

    /// How often it was slowed down.
    pub(super) fn throttled(&self) -> u64 {
        self.throttled
    }

    fn allowed(&self) -> Duration {
        WINDOW.mul_f64(self.share)
    }

    fn forget(&mut self, now: Instant) {
        while let Some((begin, sum)) = self.slots.front()
            && now.saturating_duration_since(*begin) >= WINDOW
        {
            self.busy = self.busy.saturating_sub(*sum);
            self.slots.pop_front();
        }
    }
}

/// A bucket that fills at a steady rate: so many a second, two seconds' worth at once.
#[derive(Debug)]
pub(super) struct RateBudget {
    per_second: f64,
    left: f64,
    filled: Instant,
    refused: u64,
}

impl RateBudget {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, left: per_second * BURST_SECONDS, filled: now, refused: 0 }
    }

    /// Takes one out; false when there is none.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.fill(now);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return true;
        }
        self.refused += 1;
        false
    }

    /// How many a second it gave out lately: those of the last two seconds, as far as they have not been replaced.
    pub(super) fn used(&mut self, now: Instant) -> f64 {
        self.fill(now);
        (self.per_second * BURST_SECONDS - self.left) / BURST_SECONDS
    }

    /// How many it refused.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + since * self.per_second).min(self.per_second * BURST_SECONDS);
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_plugin_that_takes_all_it_can_gets_its_share() {
        let (mut budget, start) = (CpuBudget::new(0.5), Instant::now());
        let (mut now, mut busy) = (start, Duration::ZERO);
        while now < start + Duration::from_secs(60) {
            match budget.rest(now) {
                Some(rest) => now += rest,
                None => {
                    now += ms(7);
                    busy += ms(7);
                    budget.spend(ms(7), now);
                }
            }
            assert!(budget.used(now) <= 0.51, "{}", budget.used(now));
        }
        let share = busy.as_secs_f64() / 60.0;
        assert!((0.45..=0.55).contains(&share), "{share}");
        assert!(budget.throttled() > 0);
    }

    #[test]
    fn who_stays_below_is_never_held_up() {
        let (mut budget, start) = (CpuBudget::new(0.5), Instant::now());
        for n in 1..10_000 {
            let now = start + ms(10 * n);
            budget.spend(ms(4), now);
            assert_eq!(budget.rest(now), None);
        }
        assert_eq!(budget.throttled(), 0);
        assert!((budget.used(start + ms(100_000)) - 0.4).abs() < 0.01);
        assert_eq!(budget.used(start + ms(200_000)), 0.0);
    }

    #[test]
    fn one_long_call_is_paid_for_with_rest() {
        let (mut budget, start) = (CpuBudget::new(0.1), Instant::now());
        let end = start + ms(1500);
        budget.spend(ms(1500), end);
        let rest = budget.rest(end).expect("half a second too much");
        assert_eq!(budget.rest(end + rest), None);
    }

    #[test]
    fn deltas_come_at_a_rate_after_a_burst() {
        let start = Instant::now();
        let mut rate = RateBudget::new(100, start);
        let taken = (0..500).filter(|_| rate.take(start)).count();
        assert_eq!((taken, rate.refused()), (200, 300));
        assert!((rate.used(start) - 100.0).abs() < 0.01);
        let later = start + ms(500);
        assert_eq!((0..500).filter(|_| rate.take(later)).count(), 50);
        assert_eq!((0..500).filter(|_| rate.take(start + ms(60_000))).count(), 200);
        assert_eq!(rate.used(start + ms(90_000)), 0.0);
    }
}
