//! One thread that ends guest calls which pass their deadline.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

/// How often deadlines are looked at while any call is in progress.
const IDLE_TICK: Duration = Duration::from_millis(50);
/// How often an overdue call is interrupted again: an interrupt may be missed while a call is just being entered.
const REPEAT: Duration = Duration::from_millis(10);

/// Ends the guest code that runs in one instance, from any thread.
pub(crate) type Interrupt = Box<dyn Fn() + Send + Sync>;

/// Watches over the calls of all instances. The thread ends when the watchdog and all clones of it are gone.
#[derive(Clone)]
pub(crate) struct Watchdog(Arc<Roster>);

#[derive(Default)]
struct Roster {
    watches: Mutex<Vec<Weak<Watch>>>,
    changed: Condvar,
}

/// The watch over one instance.
pub(crate) struct Watch {
    interrupt: Interrupt,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the call in progress must have returned; `None` between calls.
    deadline: Option<Instant>,
    /// Whether the call in progress was interrupted.
    fired: bool,
}

impl Watchdog {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let roster = Arc::new(Roster::default());
        let weak = Arc::downgrade(&roster);
        thread::Builder::new().name("wasm-watchdog".into()).spawn(move || watch_over(&weak))?;
        Ok(Self(roster))
    }

    /// Starts watching an instance, until the returned watch is dropped.
    pub(crate) fn register(&self, interrupt: Interrupt) -> Arc<Watch> {
        let watch = Arc::new(Watch { interrupt, state: Mutex::default() });
        lock(&self.0.watches).push(Arc::downgrade(&watch));
        self.0.changed.notify_one();
        watch
    }
}

impl Watch {
    /// A call begins.
    pub(crate) fn enter(&self, deadline: Duration) {
        *lock(&self.state) = State { deadline: Instant::now().checked_add(deadline), fired: false };
    }

    /// The call has returned; true when it was interrupted, also when the interrupt came too late to stop it: a late
    /// interrupt may hit the next call, so the instance must not be used again.
    pub(crate) fn leave(&self) -> bool {
        std::mem::take(&mut *lock(&self.state)).fired
    }

    /// Whether the call in progress is overdue; for host functions that wait.
    pub(crate) fn fired(&self) -> bool {
        lock(&self.state).fired
    }

    /// Interrupts when overdue. The lock is held meanwhile, so that an interrupt never leaves for a call that has been
    /// reported finished.
    fn check(&self, now: Instant) -> bool {
        let mut state = lock(&self.state);
        let overdue = state.deadline.is_some_and(|deadline| now >= deadline);
        if overdue {
            state.fired = true;
            (self.interrupt)();
        }
        overdue
    }
}

fn watch_over(roster: &Weak<Roster>) {
    let mut tick = IDLE_TICK;
    while let Some(roster) = roster.upgrade() {
        let watches: Vec<Arc<Watch>> = {
            let mut watches = lock(&roster.watches);
            watches.retain(|watch| watch.strong_count() > 0);
            if watches.is_empty() {
                // Nothing to watch: sleep until there is. The time limit lets the thread notice that the server is gone.
                let (mut woken, _) = roster
                    .changed
                    .wait_timeout(watches, Duration::from_secs(1))
                    .unwrap_or_else(PoisonError::into_inner);
                woken.retain(|watch| watch.strong_count() > 0);
                woken.iter().filter_map(Weak::upgrade).collect()
            } else {
                watches.iter().filter_map(Weak::upgrade).collect()
            }
        };
        let now = Instant::now();
        let mut overdue = false;
        for watch in &watches {
            overdue |= watch.check(now);
        }
        if !watches.is_empty() {
            tick = if overdue { REPEAT } else { IDLE_TICK };
        }
        drop(watches);
        drop(roster);
        thread::sleep(tick);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn an_overdue_call_is_interrupted_again_and_again_until_it_leaves() {
        let watchdog = Watchdog::start().unwrap();
        let (send, receive) = mpsc::channel();
        let watch = watchdog.register(Box::new(move || {
            let _ = send.send(());
        }));
        watch.enter(Duration::from_millis(1));
        for _ in 0..3 {
            receive.recv_timeout(Duration::from_secs(10)).expect("interrupted again");
        }
        assert!(watch.fired());
        assert!(watch.leave());
        while receive.try_recv().is_ok() {}
        watch.enter(Duration::from_secs(3600));
        assert!(receive.recv_timeout(Duration::from_millis(150)).is_err(), "a call in time is left alone");
        assert!(!watch.leave());
    }
}
