//! Whether the threads of the actors get round to everything: a heartbeat on each, which is late by as long as it was kept waiting.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use smol_str::SmolStr;

use super::report::{ThreadReport, milliseconds};
use super::{Moment, nanos};

/// Time between two beats.
pub const BEAT: Duration = Duration::from_millis(200);
/// What a timer is late of itself.
const USUAL: Duration = Duration::from_millis(5);

thread_local! {
    static NAME: RefCell<Option<SmolStr>> = const { RefCell::new(None) };
    static PULSE: RefCell<Weak<Pulse>> = const { RefCell::new(Weak::new()) };
}

/// What this thread is called in the reports of actors that begin on it from now on.
pub fn name_thread(name: &str) {
    NAME.with_borrow_mut(|own| *own = Some(name.into()));
}

pub(super) fn name_of_this() -> SmolStr {
    let named = NAME.with_borrow(Clone::clone);
    named.unwrap_or_else(|| std::thread::current().name().unwrap_or("unnamed").into())
}

/// The heartbeat of a thread.
#[derive(Debug)]
pub(super) struct Pulse {
    name: SmolStr,
    /// When the next beat is due.
    due: AtomicU64,
    longest: AtomicU64,
    longest_lately: AtomicU64,
    lately: AtomicU64,
}

impl Pulse {
    pub fn new(name: &str, now: Instant) -> Self {
        Self {
            name: name.into(),
            due: AtomicU64::new(Moment::of(now + BEAT).0),
            longest: AtomicU64::new(0),
            longest_lately: AtomicU64::new(0),
            lately: AtomicU64::new(0),
        }
    }

    /// It beats; the next beat is due a [`BEAT`] later.
    pub fn beat(&self, now: Instant) {
        let late = self.late(Moment::of(now));
        self.longest.fetch_max(late, Relaxed);
        self.longest_lately.fetch_max(late, Relaxed);
        self.due.store(Moment::of(now + BEAT).0, Relaxed);
    }

    fn late(&self, now: Moment) -> u64 {
        let late = now.since(self.due.load(Relaxed));
        if late > nanos(USUAL) { late } else { 0 }
    }

    pub fn turn(&self, now: Moment) {
        let longest = self.longest_lately.swap(0, Relaxed).max(self.late(now));
        self.lately.store(longest, Relaxed);
    }

    pub fn report(&self, now: Moment) -> ThreadReport {
        let late = self.late(now);
        ThreadReport {
            name: self.name.clone(),
            longest_stall: milliseconds(self.longest.load(Relaxed).max(late)),
            lately: milliseconds(self.lately.load(Relaxed)),
            stalled: (late > 0).then(|| milliseconds(late)),
        }
    }
}

/// Gives this thread a heartbeat; `None` when it has one.
pub(super) fn new_pulse(name: impl FnOnce() -> String) -> Option<Arc<Pulse>> {
    PULSE.with_borrow_mut(|own| {
        if own.strong_count() > 0 {
            return None;
        }
        let name = name();
        name_thread(&name);
        let pulse = Arc::new(Pulse::new(&name, actix::clock::Instant::now().into_std()));
        *own = Arc::downgrade(&pulse);
        Some(pulse)
    })
}

/// Beats on this thread as long as somebody listens, who holds `listener`.
pub(super) fn spawn_beat<T: 'static>(pulse: Arc<Pulse>, listener: Weak<T>) {
    actix::spawn(async move {
        while listener.strong_count() > 0 {
            actix::clock::sleep(BEAT).await;
            pulse.beat(actix::clock::Instant::now().into_std());
        }
    });
}
