//! When a crashed plugin is started again, and when no more (wasm-plugin-abi §7.2).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Restarts after 1 s, 2 s and 4 s; a further crash within the window disables the plugin.
///
/// The count follows the window, not the last success: a plugin that crashes a minute after each start is restarted for ever, one that
/// crashes at once after each start is disabled at its fourth crash.
#[derive(Debug, Clone)]
pub struct RestartPolicy {
    first_delay: Duration,
    most_restarts: usize,
    window: Duration,
    crashes: VecDeque<Instant>,
}

/// What follows from a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartDecision {
    /// Start a fresh instance after this time.
    RestartAfter(Duration),
    /// Leave it stopped until somebody enables, configures or reloads it.
    Disable,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(1),
            most_restarts: 3,
            window: Duration::from_secs(60),
            crashes: VecDeque::new(),
        }
    }
}

impl RestartPolicy {
    /// Records a crash at `now` and decides.
    pub fn crashed(&mut self, now: Instant) -> RestartDecision {
        while self.crashes.front().is_some_and(|at| now.saturating_duration_since(*at) >= self.window) {
            self.crashes.pop_front();
        }
        self.crashes.push_back(now);
        match self.crashes.len() {
            n if n > self.most_restarts => RestartDecision::Disable,
            n => RestartDecision::RestartAfter(self.first_delay * (1 << (n - 1))),
        }
    }

    /// Crashes that still count.
    pub fn crash_count(&self) -> usize {
        self.crashes.len()
    }

    /// Forgets the crashes: a person enabled, configured or reloaded the plugin.
    pub fn reset(&mut self) {
        self.crashes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn three_restarts_then_disabled() {
        let (mut policy, start) = (RestartPolicy::default(), Instant::now());
        let decisions: Vec<_> = [0, 1, 3, 7].map(|s| policy.crashed(start + seconds(s))).into();
        let restart = |s| RestartDecision::RestartAfter(seconds(s));
        assert_eq!(decisions, [restart(1), restart(2), restart(4), RestartDecision::Disable]);
    }

    #[test]
    fn a_crash_every_two_minutes_never_disables() {
        let (mut policy, start) = (RestartPolicy::default(), Instant::now());
        for n in 0..100 {
            assert_eq!(policy.crashed(start + seconds(120 * n)), RestartDecision::RestartAfter(seconds(1)));
        }
    }

    #[test]
    fn old_crashes_leave_the_window_one_by_one() {
        let (mut policy, start) = (RestartPolicy::default(), Instant::now());
        for s in [0, 20, 40] {
            policy.crashed(start + seconds(s));
        }
        assert_eq!(policy.crashed(start + seconds(65)), RestartDecision::RestartAfter(seconds(4)));
        policy.reset();
        assert_eq!(policy.crashed(start + seconds(66)), RestartDecision::RestartAfter(seconds(1)));
    }
}
