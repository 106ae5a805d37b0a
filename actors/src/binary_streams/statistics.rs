//! Counters: no frame is lost without being counted.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

#[derive(Debug, Default)]
pub(super) struct Counters {
    published: AtomicU64,
    queued: AtomicU64,
    skipped: AtomicU64,
    disconnected: AtomicU64,
}

/// A reading of the counters.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BinaryStreamStatistics {
    /// Streams that somebody publishes or waits for, now.
    pub streams: usize,
    /// Clients now.
    pub clients: usize,
    /// Frames that plugins have published.
    pub published: u64,
    /// Frames handed to clients: one for each client that got it.
    pub delivered: u64,
    /// Frames that a slow client did not get.
    pub skipped: u64,
    /// Clients disconnected because they stayed too slow.
    pub disconnected: u64,
}

impl Counters {
    pub(super) fn published(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn queued(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn gave_up(&self) {
        self.disconnected.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, streams: usize, clients: usize) -> BinaryStreamStatistics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BinaryStreamStatistics {
            streams,
            clients,
            published: get(&self.published),
            delivered: get(&self.queued),
            skipped: get(&self.skipped),
            disconnected: get(&self.disconnected),
        }
    }
}
