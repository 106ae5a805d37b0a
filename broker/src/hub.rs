//! A hub as the broker sees it: what waits for it, and whether it is at work.

use std::sync::Arc;

use actix::Recipient;

use crate::delta::SharedDelta;
use crate::messages::{FanOut, FanOutItem, HubStatistics, Origin};
use crate::observe::{Flow, Queue, QueueUnit};
use crate::routing::Routes;

/// Items that may wait for a hub before publishers have to wait too.
pub(crate) const MAX_PENDING: usize = 8192;
/// The same in bytes of values and metadata: a single delta may have a megabyte.
pub(crate) const MAX_PENDING_BYTES: usize = 64 * 1024 * 1024;

/// One worker's hub.
pub(crate) struct Hub {
    pub(crate) recipient: Recipient<FanOut>,
    pub(crate) pending: Vec<FanOutItem>,
    pub(crate) in_flight: bool,
    /// Whether its worker has ended.
    pub(crate) gone: bool,
    /// How often publishers had to wait for it.
    pub(crate) stalls: u64,
    /// How many of the pending items are deltas,
    deltas: usize,
    /// and how many bytes of values and metadata these have.
    bytes: usize,
    batches: u64,
    queue: Arc<Queue>,
    flow: Flow,
}

impl Hub {
    /// A hub that is seen with this queue, and this flow to it.
    pub(crate) fn new(recipient: Recipient<FanOut>, queue: Arc<Queue>, flow: Flow) -> Self {
        queue.holds(QueueUnit::Deltas, MAX_PENDING as u64);
        Self {
            recipient,
            pending: Vec::new(),
            in_flight: false,
            gone: false,
            stalls: 0,
            deltas: 0,
            bytes: 0,
            batches: 0,
            queue,
            flow,
        }
    }

    pub(crate) fn push_delta(&mut self, delta: &Arc<SharedDelta>, routes: &Arc<Routes>, origin: Origin) {
        self.pending.push(FanOutItem::Delta(delta.clone(), routes.clone(), origin));
        self.deltas += 1;
        self.bytes += delta.bytes();
    }

    /// Whether more waits than ought to.
    pub(crate) fn is_full(&self) -> bool {
        self.pending.len() >= MAX_PENDING || self.bytes >= MAX_PENDING_BYTES
    }

    /// Lets it be seen how much waits.
    pub(crate) fn tell_length(&self) {
        self.queue.set(self.pending.len());
    }

    /// Everything that waits for it.
    pub(crate) fn take_pending(&mut self) -> FanOut {
        self.batches += 1;
        self.bytes = 0;
        self.flow.count(1, std::mem::take(&mut self.deltas));
        self.queue.set(0);
        FanOut(std::mem::take(&mut self.pending))
    }

    /// It is gone: what waits is for nobody.
    pub(crate) fn forget(&mut self) {
        self.pending.clear();
        self.deltas = 0;
        self.bytes = 0;
        self.tell_length();
    }

    pub(crate) fn statistics(&self) -> HubStatistics {
        HubStatistics {
            pending: self.pending.len(),
            most_pending: usize::try_from(self.queue.most()).unwrap_or(usize::MAX),
            batches: self.batches,
            stalls: self.stalls,
        }
    }
}
