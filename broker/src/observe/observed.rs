//! An actor's own counters.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use smol_str::SmolStr;

use super::actor_id::{ActorId, ActorKind};
use super::flow::Flow;
use super::observatory::Observatory;
use super::queue::Queue;
use super::report::{ActorReport, Lately, milliseconds, rounded};
use super::{Moment, nanos, thread};
use crate::timestamp::Timestamp;

/// An actor as it is seen from outside. The actor holds it, and writes it; clones are the same. The entry in the list ends with the last
/// of them.
#[derive(Debug, Clone)]
pub struct Observed(Arc<Entry>);

/// A handler that runs.
#[derive(Debug, Clone, Copy)]
#[must_use = "a handler that does not end counts as stalled"]
pub struct Handling(Moment);

/// The end of a handler.
#[derive(Debug, Clone, Copy)]
pub struct Ended(Moment);

/// Counters that are kept elsewhere, for an actor that counts already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Messages, lines or requests that it has handled.
    pub messages: u64,
    /// Deltas among them, or made of them.
    pub deltas: u64,
    /// What it has dropped.
    pub dropped: u64,
}

/// Reads counters that are kept elsewhere.
pub(super) type Probe = Box<dyn Fn() -> Reading + Send + Sync>;

pub(super) struct Entry {
    id: ActorId,
    kind: ActorKind,
    name: SmolStr,
    parent: Option<ActorId>,
    label: Mutex<Option<SmolStr>>,
    thread: Mutex<SmolStr>,
    since: Timestamp,
    work: Work,
    probe: Option<Probe>,
    queue: Arc<Queue>,
    turn: Mutex<Turn>,
    observatory: Observatory,
}

/// What handlers write. The time of handlers is written by one thread at a time, because an actor does one thing at a time, so that it
/// needs no exchange; messages may be counted by several.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Work {
    messages: AtomicU64,
    deltas: AtomicU64,
    /// Nanoseconds in handlers that have ended.
    busy: AtomicU64,
    longest: AtomicU64,
    /// The longest since the last turn of the observatory.
    longest_lately: AtomicU64,
    /// When the handler began that runs; 0 when none does.
    running: AtomicU64,
    dropped: AtomicU64,
    restarts: AtomicU64,
}

/// The state at the last turn of the observatory, and what the time before it was like.
#[derive(Debug, Default)]
struct Turn {
    reading: Reading,
    busy: u64,
    lately: Option<Lately>,
}

impl Observed {
    pub(super) fn new(
        observatory: &Observatory,
        kind: ActorKind,
        name: &str,
        parent: Option<ActorId>,
        probe: Option<Probe>,
    ) -> Self {
        let id = ActorId::new(kind, name);
        Self(Arc::new(Entry {
            queue: observatory.queue(&id),
            id,
            kind,
            name: name.into(),
            parent,
            label: Mutex::default(),
            thread: Mutex::new(thread::name_of_this()),
            since: Timestamp::now(),
            work: Work::default(),
            probe,
            turn: Mutex::default(),
            observatory: observatory.clone(),
        }))
    }

    pub(super) fn entry(&self) -> &Arc<Entry> {
        &self.0
    }

    /// What it is called.
    pub fn id(&self) -> &ActorId {
        &self.0.id
    }

    /// What waits for it.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.0.queue
    }

    /// What it sends to another actor from now on.
    pub fn flow_to(&self, to: &ActorId) -> Flow {
        self.0.observatory.flow(&self.0.id, to)
    }

    /// More about it in words, such as a client's address.
    pub fn label(&self, text: &str) {
        *lock(&self.0.label) = Some(text.into());
    }

    /// It runs on the present thread, although it was listed on another one.
    pub fn runs_here(&self) {
        *lock(&self.0.thread) = thread::name_of_this();
    }

    /// A handler begins.
    pub fn begin(&self) -> Handling {
        self.begin_at(Moment::of(Instant::now()))
    }

    /// A handler begins when another one has just ended.
    pub fn begin_after(&self, ended: Ended) -> Handling {
        self.begin_at(ended.0)
    }

    /// A handler begins at a moment that is known.
    pub fn begin_when(&self, now: Instant) -> Handling {
        self.begin_at(Moment::of(now))
    }

    fn begin_at(&self, now: Moment) -> Handling {
        self.0.work.running.store(now.0, Relaxed);
        Handling(now)
    }

    /// It has ended, and with it one message of so many deltas is handled. The answer is its end, see [`Self::begin_after`].
    pub fn end(&self, handling: Handling, deltas: usize) -> Ended {
        self.count(1, deltas);
        self.pause(handling)
    }

    /// It has ended, but its message is not done yet.
    pub fn pause(&self, handling: Handling) -> Ended {
        self.end_at(handling, Moment::of(Instant::now()))
    }

    pub(super) fn end_at(&self, Handling(began): Handling, now: Moment) -> Ended {
        let (work, took) = (&self.0.work, now.since(began.0));
        work.running.store(0, Relaxed);
        work.busy.store(work.busy.load(Relaxed) + took, Relaxed);
        for record in [&work.longest, &work.longest_lately] {
            if took > record.load(Relaxed) {
                record.store(took, Relaxed);
            }
        }
        Ended(now)
    }

    /// So many messages with so many deltas are handled, of which the time is not taken.
    pub fn count(&self, messages: u64, deltas: usize) {
        self.0.work.messages.fetch_add(messages, Relaxed);
        self.0.work.deltas.fetch_add(deltas as u64, Relaxed);
    }

    /// So much is dropped, not by its queue, which counts for itself.
    pub fn drop_more(&self, count: u64) {
        self.0.work.dropped.fetch_add(count, Relaxed);
    }

    /// It has been started anew.
    pub fn restarted(&self) {
        self.0.work.restarts.fetch_add(1, Relaxed);
    }

    /// Time in handlers that have ended.
    pub fn busy(&self) -> Duration {
        Duration::from_nanos(self.0.work.busy.load(Relaxed))
    }

    /// The longest of them.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.0.work.longest.load(Relaxed))
    }
}

impl Entry {
    /// What it has counted, and what is counted elsewhere for it.
    fn reading(&self) -> Reading {
        let elsewhere = self.probe.as_ref().map(|probe| probe()).unwrap_or_default();
        Reading {
            messages: self.work.messages.load(Relaxed) + elsewhere.messages,
            deltas: self.work.deltas.load(Relaxed) + elsewhere.deltas,
            dropped: self.work.dropped.load(Relaxed) + self.queue.dropped() + elsewhere.dropped,
        }
    }

    /// How long the handler that runs has been running.
    fn running(&self, now: Moment) -> Option<u64> {
        let began = self.work.running.load(Relaxed);
        (began > 0).then(|| now.since(began))
    }

    /// An interval is over. `past` is its length; the first one has none, because nobody has seen its beginning.
    pub(super) fn turn(&self, now: Moment, past: Option<Duration>) {
        let (reading, running) = (self.reading(), self.running(now).unwrap_or_default());
        let busy = self.work.busy.load(Relaxed) + running;
        let longest = self.work.longest_lately.swap(0, Relaxed).max(running);
        let most_waiting = self.queue.turn();
        let mut turn = lock(&self.turn);
        turn.lately = past.map(|past| {
            let rate = |now: u64, before: u64| rounded(now.saturating_sub(before) as f64 / past.as_secs_f64());
            Lately {
                messages_per_second: rate(reading.messages, turn.reading.messages),
                deltas_per_second: rate(reading.deltas, turn.reading.deltas),
                busy: rounded((busy.saturating_sub(turn.busy) as f64 / nanos(past) as f64).min(1.0)),
                longest: milliseconds(longest),
                dropped: reading.dropped.saturating_sub(turn.reading.dropped),
                most_waiting,
            }
        });
        (turn.reading, turn.busy) = (reading, busy);
    }

    pub(super) fn report(&self, now: Moment) -> ActorReport {
        let (reading, running) = (self.reading(), self.running(now));
        let so_far = running.unwrap_or_default();
        ActorReport {
            id: self.id.clone(),
            kind: self.kind,
            name: self.name.clone(),
            label: lock(&self.label).clone(),
            parent: self.parent.clone(),
            thread: lock(&self.thread).clone(),
            since: self.since.clone(),
            messages: reading.messages,
            deltas: reading.deltas,
            busy: milliseconds(self.work.busy.load(Relaxed) + so_far),
            longest: milliseconds(self.work.longest.load(Relaxed).max(so_far)),
            running: running.map(milliseconds),
            dropped: reading.dropped,
            restarts: self.work.restarts.load(Relaxed),
            queue: self.queue.report(),
            lately: lock(&self.turn).lately.clone(),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).field("work", &self.work).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What they guard is whole between any two statements, also after a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
