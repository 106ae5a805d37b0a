//! The list of all actors, and what is read from it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::Moment;
use super::actor_id::{ActorId, ActorKind};
use super::flow::{Flow, FlowEntry};
use super::observed::{Entry, Observed, Reading};
use super::queue::Queue;
use super::report::{FlowReport, Observation, Unlisted, rounded};
use super::roll::Roll;
use super::thread::{self, Pulse};

/// Actors that are listed at the same time.
pub const MAX_ACTORS: usize = 4096;
/// Flows that are listed at the same time.
pub const MAX_FLOWS: usize = 16_384;
/// Threads that are listed.
const MAX_THREADS: usize = 256;

/// Where the actors of a server are seen. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Observatory(Arc<Lists>);

#[derive(Debug)]
struct Lists {
    actors: Mutex<Roll<Entry>>,
    flows: Mutex<Roll<FlowEntry>>,
    threads: Mutex<Roll<Pulse>>,
    /// The queues of actors that are there, and of those that are awaited.
    queues: Mutex<HashMap<ActorId, Weak<Queue>>>,
    turned: Mutex<Turned>,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            actors: Mutex::new(Roll::with_capacity(MAX_ACTORS)),
            flows: Mutex::new(Roll::with_capacity(MAX_FLOWS)),
            threads: Mutex::new(Roll::with_capacity(MAX_THREADS)),
            queues: Mutex::default(),
            turned: Mutex::default(),
        }
    }
}

/// When the last interval ended, and how long it was.
#[derive(Debug, Clone, Copy, Default)]
struct Turned {
    at: Option<Instant>,
    past: Option<Duration>,
}

impl Observatory {
    /// Lists an actor of the present thread. The name is empty for the only one of its kind.
    pub fn observe(&self, kind: ActorKind, name: &str) -> Observed {
        self.list(Observed::new(self, kind, name, None, None))
    }

    /// Lists a part of another actor.
    pub fn observe_part(&self, kind: ActorKind, name: &str, parent: &ActorId) -> Observed {
        self.list(Observed::new(self, kind, name, Some(parent.clone()), None))
    }

    /// Lists what counts its messages itself: `read` gives its counters. It is called while the list is read, so it must be quick.
    pub fn observe_counters(
        &self,
        kind: ActorKind,
        name: &str,
        read: impl Fn() -> Reading + Send + Sync + 'static,
    ) -> Observed {
        self.list(Observed::new(self, kind, name, None, Some(Box::new(read))))
    }

    fn list(&self, observed: Observed) -> Observed {
        lock(&self.0.actors).add(observed.entry());
        observed
    }

    /// What waits for an actor, whether it is listed already or not.
    pub fn queue(&self, id: &ActorId) -> Arc<Queue> {
        let mut queues = lock(&self.0.queues);
        if let Some(queue) = queues.get(id).and_then(Weak::upgrade) {
            return queue;
        }
        if queues.len() == queues.capacity() {
            // Rather than to grow: most of those that were awaited or have gone are not needed any more.
            queues.retain(|_, queue| queue.strong_count() > 0);
        }
        let queue = Arc::new(Queue::default());
        queues.insert(id.clone(), Arc::downgrade(&queue));
        queue
    }

    /// What an actor sends to another from now on.
    pub fn flow(&self, from: &ActorId, to: &ActorId) -> Flow {
        let flow = Flow::new(from, to, self.queue(to));
        lock(&self.0.flows).add(flow.entry());
        flow
    }

    /// Names the present thread, and watches by a heartbeat whether it gets round to everything, as long as it and this observatory are
    /// there. To be called on an arbiter; a thread that is watched already keeps its name.
    pub fn watch_thread(&self, name: impl FnOnce() -> String) {
        if let Some(pulse) = thread::new_pulse(name) {
            lock(&self.0.threads).add(&pulse);
            thread::spawn_beat(pulse, Arc::downgrade(&self.0));
        }
    }

    /// Ends an interval: what is said about it is shown until the next turn. Only the one who gives the clock does this, so that those who
    /// look do not disturb each other. The first turn only begins an interval.
    pub fn turn(&self, now: Instant) {
        let past = {
            let mut turned = lock(&self.0.turned);
            let before = turned.at.replace(now);
            turned.past = before.map(|before| now.saturating_duration_since(before)).filter(|past| !past.is_zero());
            turned.past
        };
        let moment = Moment::of(now);
        let (actors, flows, threads) = self.living();
        actors.iter().for_each(|actor| actor.turn(moment, past));
        flows.iter().for_each(|flow| flow.turn(past));
        threads.iter().for_each(|thread| thread.turn(moment));
        drop((actors, flows, threads));
        lock(&self.0.actors).clean();
        lock(&self.0.flows).clean();
        lock(&self.0.threads).clean();
        lock(&self.0.queues).retain(|_, queue| queue.strong_count() > 0);
    }

    /// Everything that is listed. Waits for nobody.
    pub fn report(&self, now: Instant) -> Observation {
        let moment = Moment::of(now);
        let (actors, flows, threads) = self.living();
        let mut reports: Vec<_> = actors.iter().map(|actor| actor.report(moment)).collect();
        reports.sort_by(|a, b| (a.kind, a.name.len(), &a.name).cmp(&(b.kind, b.name.len(), &b.name)));
        let mut threads: Vec<_> = threads.iter().map(|thread| thread.report(moment)).collect();
        threads.sort_by(|a, b| a.name.cmp(&b.name));
        Observation {
            interval: lock(&self.0.turned).past.map(|past| rounded(past.as_secs_f64())),
            actors: reports,
            flows: summed(&flows),
            threads,
            unlisted: Unlisted { actors: lock(&self.0.actors).unlisted(), flows: lock(&self.0.flows).unlisted() },
        }
    }

    fn living(&self) -> Living {
        (lock(&self.0.actors).living(), lock(&self.0.flows).living(), lock(&self.0.threads).living())
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 3] {
        [lock(&self.0.actors).entries(), lock(&self.0.flows).entries(), lock(&self.0.queues).len()]
    }
}

/// What there is at one moment.
type Living = (Vec<Arc<Entry>>, Vec<Arc<FlowEntry>>, Vec<Arc<Pulse>>);

/// One row from one actor to another, however many ways there are between them.
fn summed(flows: &[Arc<FlowEntry>]) -> Vec<FlowReport> {
    let mut rows = BTreeMap::<(&ActorId, &ActorId), FlowReport>::new();
    for flow in flows {
        let read = flow.read();
        let row = rows.entry((&flow.from, &flow.to)).or_insert_with(|| FlowReport {
            from: flow.from.clone(),
            to: flow.to.clone(),
            messages: 0,
            deltas: 0,
            messages_per_second: 0.0,
            deltas_per_second: 0.0,
        });
        row.messages += read.messages;
        row.deltas += read.deltas;
        row.messages_per_second += read.messages_per_second;
        row.deltas_per_second += read.deltas_per_second;
    }
    rows.into_values().collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each section leaves its list whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
