//! How much waits for a client, and when that is too much (signalk-v1 §5.12).

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Bytes that may be on their way from the subscriptions to the socket of a client. The rest waits where it can still be replaced by
/// something later.
pub(super) const WINDOW: usize = 128 * 1024;

/// When a client counts as slow, and when as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlowClientLimits {
    /// Waiting bytes above which values replace their predecessors instead of queueing (`BACKPRESSURE_ENTER`).
    pub enter: usize,
    /// Waiting bytes at which that ends (`BACKPRESSURE_EXIT`).
    pub exit: usize,
    /// Bytes above which a client is disconnected when it stays there (`MAXSENDBUFFERSIZE`); 0 never disconnects.
    pub most: usize,
    /// How long it may stay there (`MAXSENDBUFFERCHECKTIME`, milliseconds).
    pub patience: Duration,
}

impl Default for SlowClientLimits {
    fn default() -> Self {
        Self { enter: 512 * 1024, exit: 1024, most: 2 * 1024 * 1024, patience: Duration::from_secs(30) }
    }
}

impl SlowClientLimits {
    /// From environment variables, by a function that gives the value of one. What can't be used is told, and the default stays.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>, mut problem: impl FnMut(String)) -> Self {
        let defaults = Self::default();
        let mut number = |name: &str, default: usize| match variable(name).filter(|text| !text.trim().is_empty()) {
            None => default,
            Some(text) => text.trim().parse().unwrap_or_else(|_| {
                problem(format!("the environment variable {name} is ignored: it has to be a whole number"));
                default
            }),
        };
        let patience = number("MAXSENDBUFFERCHECKTIME", defaults.patience.as_millis() as usize);
        Self {
            enter: number("BACKPRESSURE_ENTER", defaults.enter),
            exit: number("BACKPRESSURE_EXIT", defaults.exit),
            most: number("MAXSENDBUFFERSIZE", defaults.most),
            patience: Duration::from_millis(patience as u64),
        }
    }
}

/// What waits for one client, over all of its subscriptions, which live on its thread.
///
/// Bytes that conflation has saved count too until the client has caught up: the figure says how far behind the client is, not what the
/// server spends on it. So a client that reads nothing reaches the limit also where few values change often.
#[derive(Debug)]
pub(super) struct Backlog {
    limits: SlowClientLimits,
    /// Room in the window; what is on its way holds some.
    room: Arc<Semaphore>,
    queued: Cell<usize>,
    above_since: Cell<Option<Instant>>,
    ended: Cell<bool>,
}

impl Backlog {
    pub fn new(limits: SlowClientLimits) -> Self {
        Self {
            limits,
            room: Arc::new(Semaphore::new(WINDOW)),
            queued: Cell::new(0),
            above_since: Cell::new(None),
            ended: Cell::new(false),
        }
    }

    /// Permits for bytes on their way.
    pub fn room(&self) -> &Arc<Semaphore> {
        &self.room
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.queued.get() + WINDOW - self.room.available_permits().min(WINDOW)
    }

    /// Whether values have to replace their predecessors.
    pub fn is_long(&self) -> bool {
        self.bytes() > self.limits.enter
    }

    /// The room that is free when so little is on its way that the client has caught up.
    pub fn room_when_caught_up(&self) -> usize {
        WINDOW - self.limits.exit.min(WINDOW - 1)
    }

    pub fn limits(&self) -> &SlowClientLimits {
        &self.limits
    }

    /// Something more waits in a queue.
    pub fn grow(&self, bytes: usize, now: Instant) {
        self.queued.set(self.queued.get() + bytes);
        if self.above_since().is_none() && self.limits.most > 0 && self.bytes() > self.limits.most {
            self.above_since.set(Some(now));
        }
    }

    /// Something has left a queue.
    pub fn shrink(&self, bytes: usize) {
        self.queued.set(self.queued.get().saturating_sub(bytes));
        self.above_since();
    }

    /// Whether the client has been above the limit for too long.
    pub fn is_hopeless(&self, now: Instant) -> bool {
        self.above_since().is_some_and(|since| now.saturating_duration_since(since) > self.limits.patience)
    }

    /// Since when the client is above the limit. What it has taken from its window meanwhile counts too.
    pub fn above_since(&self) -> Option<Instant> {
        if self.bytes() <= self.limits.most {
            self.above_since.set(None);
        }
        self.above_since.get()
    }

    /// The client is given up; true for the first who says so.
    pub fn end(&self) -> bool {
        !self.ended.replace(true)
    }

    pub fn has_ended(&self) -> bool {
        self.ended.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_staying_above_the_limit_is_hopeless() {
        // SK-223
        let limits = SlowClientLimits { most: 1000, ..SlowClientLimits::default() };
        let (backlog, start) = (Backlog::new(limits), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        backlog.grow(1000, start);
        assert!(!backlog.is_hopeless(after(100)), "at the limit");
        backlog.grow(1, after(100));
        assert!(!backlog.is_hopeless(after(130)) && backlog.is_hopeless(after(131)));
        backlog.shrink(500);
        assert!(!backlog.is_hopeless(after(200)));
        backlog.grow(500, after(200));
        assert!(!backlog.is_hopeless(after(230)) && backlog.is_hopeless(after(231)));
        let endless = Backlog::new(SlowClientLimits { most: 0, ..limits });
        endless.grow(usize::MAX / 2, start);
        assert!(!endless.is_hopeless(after(1000)), "0 never disconnects");
    }

    #[test]
    fn a_client_that_has_caught_up_is_not_hopeless() {
        let (backlog, start) =
            (Backlog::new(SlowClientLimits { most: 1000, ..SlowClientLimits::default() }), Instant::now());
        let on_its_way = backlog.room().clone().try_acquire_many_owned(900).expect("room");
        backlog.grow(200, start);
        backlog.shrink(50);
        assert_eq!(backlog.above_since(), Some(start));
        drop(on_its_way);
        assert!(!backlog.is_hopeless(start + Duration::from_secs(100)), "nothing has been queued or taken since");
        assert_eq!(backlog.above_since(), None);
    }

    #[test]
    fn what_is_on_its_way_counts() {
        let backlog = Backlog::new(SlowClientLimits { enter: 1000, ..SlowClientLimits::default() });
        let on_its_way = backlog.room().clone().try_acquire_many_owned(1001).expect("room");
        assert!(backlog.is_long());
        drop(on_its_way);
        assert_eq!((backlog.is_long(), backlog.bytes()), (false, 0));
    }

    #[test]
    fn the_environment_decides() {
        let set = [("BACKPRESSURE_ENTER", "1"), ("MAXSENDBUFFERCHECKTIME", " 500 "), ("MAXSENDBUFFERSIZE", "much")];
        let mut problems = Vec::new();
        let variable = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let limits = SlowClientLimits::from_environment(variable, |problem| problems.push(problem));
        let expected =
            SlowClientLimits { enter: 1, patience: Duration::from_millis(500), ..SlowClientLimits::default() };
        assert_eq!(limits, expected);
        assert!(problems.len() == 1 && problems[0].contains("MAXSENDBUFFERSIZE"), "{problems:?}");
    }
}
