//! What an output has done, readable at any time from any thread.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use windlass_broker::observe::Reading;

/// The counters of one output since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputStatistics {
    /// Where it listens; absent while it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_address: Option<SocketAddr>,
    /// Clients connected now.
    pub clients: usize,
    /// Times a client connected.
    pub connects: u64,
    /// Clients sent away because as many as allowed were connected.
    pub refused: u64,
    /// Lines handed to clients' sockets.
    pub sent: u64,
    /// Lines that clients lost because they did not read fast enough.
    pub dropped: u64,
    /// Clients disconnected because they did not read for too long.
    pub disconnected: u64,
    /// Lines that clients sent.
    pub received: u64,
    /// Lines of clients that nobody wanted, or that could not be understood.
    pub ignored: u64,
}

/// The live form of [`OutputStatistics`]. Clones share.
#[derive(Debug, Clone, Default)]
pub struct OutputCounters(Arc<Live>);

#[derive(Debug, Default)]
struct Live {
    local_address: Mutex<Option<SocketAddr>>,
    clients: AtomicUsize,
    connects: AtomicU64,
    refused: AtomicU64,
    sent: AtomicU64,
    dropped: AtomicU64,
    disconnected: AtomicU64,
    received: AtomicU64,
    ignored: AtomicU64,
}

impl OutputCounters {
    pub(super) fn set_local_address(&self, address: Option<SocketAddr>) {
        // An address is whole at any moment, also after a panic.
        *self.0.local_address.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// Counts a client as connected until the guard is dropped.
    pub(super) fn client(&self) -> ClientGuard {
        self.0.connects.fetch_add(1, Relaxed);
        self.0.clients.fetch_add(1, Relaxed);
        ClientGuard(self.clone())
    }

    /// A client was sent away. True for the first one.
    pub(super) fn refuse(&self) -> bool {
        self.0.refused.fetch_add(1, Relaxed) == 0
    }

    pub(crate) fn add_sent(&self, lines: u64) {
        self.0.sent.fetch_add(lines, Relaxed);
    }

    pub(crate) fn add_dropped(&self, lines: u64) {
        self.0.dropped.fetch_add(lines, Relaxed);
    }

    pub(crate) fn add_disconnected(&self) {
        self.0.disconnected.fetch_add(1, Relaxed);
    }

    pub(crate) fn add_received(&self) {
        self.0.received.fetch_add(1, Relaxed);
    }

    pub(crate) fn add_ignored(&self) {
        self.0.ignored.fetch_add(1, Relaxed);
    }

    /// The same in the form that all actors have: its messages are the lines it sent.
    pub fn reading(&self) -> Reading {
        Reading { messages: self.0.sent.load(Relaxed), deltas: 0, dropped: self.0.dropped.load(Relaxed) }
    }

    /// The present state.
    pub fn read(&self) -> OutputStatistics {
        let live = &*self.0;
        OutputStatistics {
            local_address: *live.local_address.lock().unwrap_or_else(PoisonError::into_inner),
            clients: live.clients.load(Relaxed),
            connects: live.connects.load(Relaxed),
            refused: live.refused.load(Relaxed),
            sent: live.sent.load(Relaxed),
            dropped: live.dropped.load(Relaxed),
            disconnected: live.disconnected.load(Relaxed),
            received: live.received.load(Relaxed),
            ignored: live.ignored.load(Relaxed),
        }
    }
}

/// A connected client.
#[derive(Debug)]
pub(super) struct ClientGuard(OutputCounters);

impl Drop for ClientGuard {
    fn drop(&mut self) {
        self.0.0.clients.fetch_sub(1, Relaxed);
    }
}
