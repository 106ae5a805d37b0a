//! One thread that ends guest calls which pass their deadline.
//!
//! Calls are frequent and short, deadlines long: so a call only notes its deadline in an atomic word, and the thread sleeps until the earliest
//! deadline it has seen. It is woken only by a call that must end before that.
//!
//! An overdue call is ended in two ways. Host functions look whether it is when they begin and when they end, and then trap. A guest that calls
//! none is interrupted by a signal. The engine cannot stand a signal while it returns from a host function: it holds locks then that would
//! never be released. So the signal is sent only after the guest's thread has worked on for a while without having met a host function.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// How often an overdue call is looked at. It is interrupted again and again, because an interrupt is missed while a call is just being entered,
/// and while the guest grows its memory.
const REPEAT: Duration = Duration::from_millis(1);

/// How long the thread of an overdue call must have worked until it is surely not returning from a host function any more, which takes less
/// than a microsecond.
const SETTLED: Duration = Duration::from_micros(200);

/// Ends the guest code that runs in one instance, from any thread.
pub(crate) type Interrupt = Box<dyn Fn() + Send + Sync>;

/// Watches over the calls of all instances. The thread ends when the watchdog, all clones of it and all watches are gone.
#[derive(Clone)]
pub(crate) struct Watchdog(Arc<Roster>);

struct Roster {
    watches: Mutex<Vec<Weak<Watch>>>,
    alarm: Arc<Alarm>,
}

/// When the thread will wake.
struct Alarm {
    /// What times are counted from.
    epoch: Instant,
    /// When it will look at the deadlines next, as a [`Watch`] notes times; [`NEVER`] also while it is looking, so that nothing is overlooked.
    next: AtomicU64,
    thread: OnceLock<Thread>,
}

/// No call is in progress.
const IDLE: u64 = 0;
/// Beyond all deadlines.
const NEVER: u64 = FIRED - 1;
/// The call in progress was interrupted.
const FIRED: u64 = 1 << 63;

/// The watch over one instance. It keeps the thread alive.
pub(crate) struct Watch {
    interrupt: Interrupt,
    roster: Arc<Roster>,
    /// [`IDLE`], or when the call in progress must have returned, in nanoseconds since the epoch, perhaps with [`FIRED`].
    deadline: AtomicU64,
    /// The clock of the thread that runs the guest.
    clock: OnceLock<ThreadClock>,
    /// What that clock showed when the call was marked as [`FIRED`], in nanoseconds.
    fired_at: AtomicU64,
    /// A host function runs.
    in_host: AtomicBool,
    /// Nanoseconds of the call in progress during which its deadline stood still; only its own thread looks.
    outside: AtomicU64,
}

/// A host function in progress.
pub(crate) struct HostFunctionGuard<'a>(&'a Watch);

impl Drop for HostFunctionGuard<'_> {
    fn drop(&mut self) {
        self.0.in_guest();
    }
}

/// How long the deadline of one call may stand still in all. More than several requests in a row take; without an end, a guest that does nothing
/// but wait could never be stopped.
const LONGEST_OUTSIDE: Duration = Duration::from_secs(120);

/// A pause of a call's deadline.
pub(crate) struct Pause {
    begun: Instant,
    left: Option<Duration>,
}

impl Watchdog {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let alarm = Arc::new(Alarm { epoch: Instant::now(), next: AtomicU64::new(NEVER), thread: OnceLock::new() });
        let roster = Arc::new(Roster { watches: Mutex::default(), alarm: Arc::clone(&alarm) });
        let weak = Arc::downgrade(&roster);
        let thread = thread::Builder::new().name("wasm-watchdog".into()).spawn({
            let alarm = Arc::clone(&alarm);
            move || watch_over(&weak, &alarm)
        })?;
        alarm.thread.get_or_init(|| thread.thread().clone());
        Ok(Self(roster))
    }

    /// Starts watching an instance, until the returned watch is dropped.
    pub(crate) fn register(&self, interrupt: Interrupt) -> Arc<Watch> {
        let watch = Arc::new(Watch {
            interrupt,
            roster: Arc::clone(&self.0),
            deadline: AtomicU64::new(IDLE),
            clock: OnceLock::new(),
            fired_at: AtomicU64::new(0),
            in_host: AtomicBool::new(false),
            outside: AtomicU64::new(0),
        });
        lock(&self.0.watches).push(Arc::downgrade(&watch));
        watch
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        self.alarm.ring();
    }
}

impl Alarm {
    /// `at` as a watch notes it: neither [`IDLE`] nor beyond [`NEVER`].
    fn time(&self, at: Option<Instant>) -> u64 {
        let since = at.map(|at| at.saturating_duration_since(self.epoch).as_nanos());
        since.and_then(|since| u64::try_from(since).ok()).unwrap_or(NEVER).clamp(IDLE + 1, NEVER)
    }

    fn ring(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl Watch {
    /// A call begins, now. All calls of one watch come from the same thread.
    pub(crate) fn enter(&self, deadline: Duration) -> Instant {
        let now = Instant::now();
        self.clock.get_or_init(ThreadClock::of_this_thread);
        self.outside.store(0, Relaxed);
        self.set(self.roster.alarm.time(now.checked_add(deadline)));
        now
    }

    /// Notes a deadline. Either the thread sees it when it looks next, or it is told here to look earlier.
    fn set(&self, deadline: u64) {
        self.deadline.store(deadline, SeqCst);
        if deadline < self.roster.alarm.next.load(SeqCst) {
            self.roster.alarm.ring();
        }
    }

    /// The call has returned; true when it was interrupted, also when the interrupt came too late to stop it: a late
    /// interrupt may hit the next call, so the instance must not be used again.
    pub(crate) fn leave(&self) -> bool {
        self.deadline.swap(IDLE, SeqCst) & FIRED != 0
    }

    /// For how long the deadline of the latest call has stood still.
    pub(crate) fn outside(&self) -> Duration {
        Duration::from_nanos(self.outside.load(Relaxed))
    }

    /// The deadline of the call in progress stands still until [`resume`](Self::resume). For a call that is overdue already it does not.
    pub(crate) fn pause(&self) -> Pause {
        let begun = Instant::now();
        let deadline = self.deadline.load(SeqCst);
        let running = deadline != IDLE && deadline & FIRED == 0 && self.outside() < LONGEST_OUTSIDE;
        let paused = running && self.deadline.compare_exchange(deadline, NEVER, SeqCst, SeqCst).is_ok();
        let left = deadline.saturating_sub(self.roster.alarm.time(Some(begun)));
        Pause { begun, left: paused.then(|| Duration::from_nanos(left)) }
    }

    /// The deadline goes on.
    pub(crate) fn resume(&self, pause: Pause) {
        let Some(left) = pause.left else { return };
        let now = Instant::now();
        let waited = u64::try_from(now.saturating_duration_since(pause.begun).as_nanos()).unwrap_or(u64::MAX);
        self.outside.fetch_add(waited, Relaxed);
        self.set(self.roster.alarm.time(now.checked_add(left)));
    }

    /// Whether the call in progress is overdue; for host functions that wait.
    pub(crate) fn fired(&self) -> bool {
        self.deadline.load(SeqCst) & FIRED != 0
    }

    /// A host function begins; it ends when the result is dropped.
    ///
    /// # Errors
    /// The call is overdue: it has to end here, where that is safe.
    pub(crate) fn host_function(&self) -> Result<HostFunctionGuard<'_>, wasmer::RuntimeError> {
        if self.fired() {
            return Err(super::wasmer::TrapError::raise(super::Trap::Interrupted));
        }
        self.in_host();
        Ok(HostFunctionGuard(self))
    }

    /// Host code runs from here on.
    pub(crate) fn in_host(&self) {
        self.in_host.store(true, SeqCst);
    }

    /// Guest code runs from here on.
    pub(crate) fn in_guest(&self) {
        if self.in_host.swap(false, SeqCst) && self.fired() {
            // The time of the host function is not the guest's.
            self.fired_at.store(self.clock.get().map_or(0, ThreadClock::nanoseconds), Relaxed);
        }
    }

    /// Marks a call that is overdue, interrupts it later, and tells when to look again. The call may return just before the interrupt is sent; but
    /// then it has been marked, and the instance is not used any more.
    fn check(&self, now: u64) -> u64 {
        let again = now + REPEAT.as_nanos() as u64;
        let deadline = self.deadline.load(SeqCst);
        if deadline == IDLE {
            return NEVER;
        }
        let worked = || self.clock.get().map_or(0, ThreadClock::nanoseconds);
        if deadline & FIRED == 0 {
            if now < deadline {
                return deadline;
            }
            if self.deadline.compare_exchange(deadline, deadline | FIRED, SeqCst, SeqCst).is_err() {
                // It returned this moment; what is in progress now has a later deadline, which is looked at next.
                return now;
            }
            self.fired_at.store(worked(), Relaxed);
        } else if self.in_host.load(SeqCst) {
            // It looks itself when it ends. What it does meanwhile is no sign that it is far from returning.
            self.fired_at.store(worked(), Relaxed);
        } else if worked().saturating_sub(self.fired_at.load(Relaxed)) >= SETTLED.as_nanos() as u64 {
            (self.interrupt)();
        }
        again
    }
}

/// Tells how long a thread has been working.
struct ThreadClock {
    #[cfg(target_os = "linux")]
    id: Option<libc::clockid_t>,
    #[cfg(not(target_os = "linux"))]
    since: Instant,
}

#[cfg(target_os = "linux")]
impl ThreadClock {
    fn of_this_thread() -> Self {
        let mut id = 0;
        // SAFETY: the thread exists, since it is this one, and `id` is written to only.
        let result = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut id) };
        Self { id: (result == 0).then_some(id) }
    }

    /// 0 when the thread is gone.
    fn nanoseconds(&self) -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: any clock may be asked for, and `time` is written to only.
        match self.id.map(|id| unsafe { libc::clock_gettime(id, &raw mut time) }) {
            Some(0) => (time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64),
            _ => 0,
        }
    }
}

/// Elsewhere a thread's time is not known from outside: the time of day has to do, slowed down for threads that have to wait for a processor.
#[cfg(not(target_os = "linux"))]
impl ThreadClock {
    fn of_this_thread() -> Self {
        Self { since: Instant::now() }
    }

    fn nanoseconds(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos() / 50).unwrap_or(u64::MAX)
    }
}

fn watch_over(roster: &Weak<Roster>, alarm: &Alarm) {
    loop {
        alarm.next.store(NEVER, SeqCst);
        let Some(watches) = roster.upgrade().map(|roster| current(&roster)) else { return };
        let now = alarm.time(Some(Instant::now()));
        let next = watches.iter().map(|watch| watch.check(now)).min().unwrap_or(NEVER);
        drop(watches);
        alarm.next.store(next, SeqCst);
        if next == NEVER {
            thread::park();
        } else {
            let now = alarm.time(Some(Instant::now()));
            thread::park_timeout(Duration::from_nanos(next.saturating_sub(now)));
        }
    }
}

/// The watches that are still in use.
fn current(roster: &Roster) -> Vec<Arc<Watch>> {
    let mut current = Vec::new();
    lock(&roster.watches).retain(|watch| {
        let watch = watch.upgrade();
        let keep = watch.is_some();
        current.extend(watch);
        keep
    });
    current
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    /// A watch whose interrupts arrive at the receiver.
    fn watched(watchdog: &Watchdog) -> (Arc<Watch>, mpsc::Receiver<Instant>) {
        let (send, receive) = mpsc::channel();
        let watch = watchdog.register(Box::new(move || {
            let _ = send.send(Instant::now());
        }));
        (watch, receive)
    }

    /// Works, as a guest would, until the interrupt comes.
    fn work(interrupts: &mpsc::Receiver<Instant>) -> Instant {
        let begun = Instant::now();
        loop {
            if let Ok(at) = interrupts.try_recv() {
                return at;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "not interrupted");
        }
    }

    #[test]
    fn an_overdue_call_is_interrupted_again_and_again_until_it_leaves() {
        let watchdog = Watchdog::start().unwrap();
        let (watch, interrupts) = watched(&watchdog);
        watch.enter(Duration::from_millis(1));
        for _ in 0..3 {
            work(&interrupts);
        }
        assert!(watch.fired());
        assert!(watch.leave());
        // One more may be on its way; after that the call in time is left alone.
        let _ = interrupts.recv_timeout(Duration::from_millis(50));
        while interrupts.try_recv().is_ok() {}
        watch.enter(LONG);
        assert!(interrupts.recv_timeout(Duration::from_millis(100)).is_err(), "a call in time is left alone");
        assert!(!watch.leave());
    }

    #[test]
    fn a_shorter_deadline_wakes_the_thread_earlier() {
        let watchdog = Watchdog::start().unwrap();
        let (slow, _slow_interrupts) = watched(&watchdog);
        let (fast, interrupts) = watched(&watchdog);
        slow.enter(LONG);
        // Let the thread settle on the long deadline, then undercut it.
        let settled = Instant::now();
        while watchdog.0.alarm.next.load(SeqCst) == NEVER {
            assert!(settled.elapsed() < Duration::from_secs(10), "the thread has not noticed the call");
            thread::yield_now();
        }
        let begun = fast.enter(Duration::from_millis(20));
        let interrupted = work(&interrupts);
        assert!(interrupted - begun >= Duration::from_millis(20), "not before its deadline");
        assert!(!slow.leave());
        assert!(fast.leave());
    }

    #[test]
    fn a_paused_deadline_stands_still_and_is_accounted() {
        let watchdog = Watchdog::start().unwrap();
        let (watch, interrupts) = watched(&watchdog);
        watch.enter(Duration::from_millis(20));
        let pause = watch.pause();
        assert!(interrupts.recv_timeout(Duration::from_millis(60)).is_err(), "it stands still");
        watch.resume(pause);
        work(&interrupts);
        assert!(watch.outside() >= Duration::from_millis(60));
        let late = watch.pause();
        assert!(late.left.is_none(), "an overdue call is not saved by waiting");
        watch.resume(late);
        assert!(watch.leave());
        watch.enter(LONG);
        assert_eq!(watch.outside(), Duration::ZERO, "of each call");
        assert!(!watch.leave());
    }

    #[test]
    fn a_host_function_is_not_interrupted_however_long_it_works() {
        let watchdog = Watchdog::start().unwrap();
        let (watch, interrupts) = watched(&watchdog);
        watch.enter(Duration::from_millis(1));
        let host_function = watch.host_function().expect("in time");
        let begun = Instant::now();
        // Works, as the host does for a guest: far longer than a guest would be let.
        while !watch.fired() || begun.elapsed() < 100 * SETTLED {
            assert!(begun.elapsed() < Duration::from_secs(10), "not marked as overdue");
        }
        let worked = watch.clock.get().map_or(0, ThreadClock::nanoseconds);
        while watch.clock.get().map_or(0, ThreadClock::nanoseconds) - worked < 100 * SETTLED.as_nanos() as u64 {}
        assert!(interrupts.try_recv().is_err(), "the host has locks that must be given back");
        assert!(watch.host_function().is_err(), "the next one does not begin any more");
        drop(host_function);
        work(&interrupts);
        assert!(watch.leave());
    }

    #[test]
    fn a_thread_that_does_not_work_is_marked_but_not_interrupted() {
        let watchdog = Watchdog::start().unwrap();
        let (watch, interrupts) = watched(&watchdog);
        watch.enter(Duration::from_millis(1));
        assert!(
            interrupts.recv_timeout(Duration::from_millis(100)).is_err(),
            "it may be returning from a host function"
        );
        assert!(watch.fired());
        work(&interrupts);
        assert!(watch.leave());
    }

    #[test]
    fn the_thread_ends_with_the_last_watch() {
        let watchdog = Watchdog::start().unwrap();
        let alarm = Arc::downgrade(&watchdog.0.alarm);
        let (watch, interrupts) = watched(&watchdog);
        drop(watchdog);
        watch.enter(Duration::from_millis(1));
        work(&interrupts);
        drop(watch);
        let begun = Instant::now();
        while alarm.strong_count() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "the thread goes on");
            thread::yield_now();
        }
    }
}
