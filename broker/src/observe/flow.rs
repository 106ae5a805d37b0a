//! What one actor sends to another.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::Message;

use super::actor_id::ActorId;
use super::queue::{Queue, Waiting};
use super::report::rounded;
use crate::messages::Publish;

/// The messages and deltas from one actor to another. The sender holds it, and counts; clones are the same. It ends with the last of them.
#[derive(Debug, Clone)]
pub struct Flow(Arc<FlowEntry>);

#[derive(Debug)]
#[repr(align(128))]
pub(super) struct FlowEntry {
    messages: AtomicU64,
    deltas: AtomicU64,
    pub(super) from: ActorId,
    pub(super) to: ActorId,
    queue: Arc<Queue>,
    turn: Mutex<Turn>,
}

/// What had flowed at the last turn of the observatory, and how fast it flowed before.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    messages: u64,
    deltas: u64,
    messages_per_second: f64,
    deltas_per_second: f64,
}

/// What has flowed, and how fast lately.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flowed {
    pub messages: u64,
    pub deltas: u64,
    pub messages_per_second: f64,
    pub deltas_per_second: f64,
}

/// A message on its way to an actor, in whose queue it counts until it is handled, or dropped unread.
#[derive(Debug)]
pub struct Carried<M> {
    pub(crate) message: M,
    pub(crate) waiting: Waiting,
}

impl<M: Message> Message for Carried<M> {
    type Result = M::Result;
}

impl Flow {
    pub(super) fn new(from: &ActorId, to: &ActorId, queue: Arc<Queue>) -> Self {
        let (messages, deltas) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(FlowEntry {
            messages,
            deltas,
            from: from.clone(),
            to: to.clone(),
            queue,
            turn: Mutex::default(),
        }))
    }

    pub(super) fn entry(&self) -> &Arc<FlowEntry> {
        &self.0
    }

    /// So many messages with so many deltas are sent.
    pub fn count(&self, messages: u64, deltas: usize) {
        self.0.messages.fetch_add(messages, Relaxed);
        self.0.deltas.fetch_add(deltas as u64, Relaxed);
    }

    /// Counts what is about to be published, and gives it its place in the broker's queue. The result is what to send.
    pub fn carry(&self, message: Publish) -> Carried<Publish> {
        self.count(1, message.deltas.len());
        Carried { message, waiting: self.0.queue.enter() }
    }
}

impl FlowEntry {
    fn turned(&self) -> MutexGuard<'_, Turn> {
        // Numbers are whole at any moment, also after a panic.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn turn(&self, past: Option<Duration>) {
        let (messages, deltas) = (self.messages.load(Relaxed), self.deltas.load(Relaxed));
        let mut turn = self.turned();
        let seconds = past.map_or(f64::INFINITY, |past| past.as_secs_f64());
        let rate = |now: u64, before: u64| rounded(now.saturating_sub(before) as f64 / seconds);
        *turn = Turn {
            messages,
            deltas,
            messages_per_second: rate(messages, turn.messages),
            deltas_per_second: rate(deltas, turn.deltas),
        };
    }

    pub(super) fn read(&self) -> Flowed {
        let turn = *self.turned();
        Flowed {
            messages: self.messages.load(Relaxed),
            deltas: self.deltas.load(Relaxed),
            messages_per_second: turn.messages_per_second,
            deltas_per_second: turn.deltas_per_second,
        }
    }
}
