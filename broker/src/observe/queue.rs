//! What waits for an actor.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use super::report::QueueReport;

/// What a queue's numbers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueUnit {
    /// Batches of deltas, each one message.
    Batches,
    /// Deltas, and what keeps its place among them.
    Deltas,
    /// Bytes of text.
    Bytes,
}

/// How much waits for an actor, how much ever did, and what was dropped because it was too much.
///
/// A queue is written in one of two ways: many senders [`enter`](Self::enter) it, and what they put there leaves with the [`Waiting`] that
/// they got; or one owner who knows its length [`set`](Self::set)s it.
// On a line of its own: senders on several threads write it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Queue {
    waiting: AtomicU64,
    most: AtomicU64,
    /// The most since the last turn of the observatory.
    most_lately: AtomicU64,
    dropped: AtomicU64,
    /// What it counts, and how much it holds. Unknown as long as its actor has not come.
    shape: OnceLock<(QueueUnit, u64)>,
}

/// A place in a queue, given back when this is dropped.
#[derive(Debug)]
pub struct Waiting(Arc<Queue>);

impl Queue {
    /// Its actor says what is counted, and how much may wait. The first one to say so counts.
    pub fn holds(&self, unit: QueueUnit, capacity: u64) {
        self.shape.get_or_init(|| (unit, capacity));
    }

    /// One more waits.
    pub fn enter(self: &Arc<Self>) -> Waiting {
        self.note(self.waiting.fetch_add(1, Relaxed) + 1);
        Waiting(self.clone())
    }

    /// So much waits now.
    pub fn set(&self, waiting: usize) {
        self.waiting.store(waiting as u64, Relaxed);
        self.note(waiting as u64);
    }

    /// So much was dropped because it was too much.
    pub fn drop_more(&self, count: u64) {
        self.dropped.fetch_add(count, Relaxed);
    }

    /// The most that ever waited.
    pub fn most(&self) -> u64 {
        self.most.load(Relaxed)
    }

    /// What was dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// What waits.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Relaxed)
    }

    fn note(&self, waiting: u64) {
        // Nearly always it is no record, and a look costs less than an exchange.
        for record in [&self.most, &self.most_lately] {
            if waiting > record.load(Relaxed) {
                record.fetch_max(waiting, Relaxed);
            }
        }
    }

    /// The most since the last call.
    pub(super) fn turn(&self) -> u64 {
        // What waits now also waits at the beginning of the next turn.
        self.most_lately.swap(self.waiting(), Relaxed).max(self.waiting())
    }

    /// `None` as long as its actor has not said what it counts.
    pub(super) fn report(&self) -> Option<QueueReport> {
        let (unit, capacity) = *self.shape.get()?;
        Some(QueueReport { unit, waiting: self.waiting(), most: self.most(), capacity, dropped: self.dropped() })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}
