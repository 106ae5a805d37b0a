//! Counters of the stream: nothing is dropped or refused without being counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Counters that all hubs, subscriptions and clients share.
#[derive(Debug, Clone, Default)]
pub struct StreamCounters(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    clients: AtomicU64,
    frames: AtomicU64,
    conflated: AtomicU64,
    backpressure: AtomicU64,
    disconnected: AtomicU64,
    bad_messages: AtomicU64,
    refused_deltas: AtomicU64,
}

/// A reading of the counters.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct StreamStatistics {
    /// WebSocket clients now.
    pub clients: u64,
    /// Text frames handed to sockets since start.
    pub frames: u64,
    /// Values that were replaced by a later one because their client was slow.
    pub conflated: u64,
    /// Times that a slow client's subscription began to conflate.
    pub backpressure: u64,
    /// Clients disconnected because they stayed too slow.
    pub disconnected: u64,
    /// Messages of clients that could not be used, in whole or in part.
    pub bad_messages: u64,
    /// Deltas of clients that they had no right to send, in whole or in part.
    pub refused_deltas: u64,
}

impl StreamCounters {
    pub(super) fn client_came(&self) {
        self.0.clients.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn client_went(&self) {
        self.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
    pub(super) fn sent(&self, frames: usize) {
        self.0.frames.fetch_add(frames as u64, Ordering::Relaxed);
    }
    pub(super) fn conflated(&self, values: u64) {
        self.0.conflated.fetch_add(values, Ordering::Relaxed);
    }
    pub(super) fn backpressure_began(&self) {
        self.0.backpressure.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn disconnected(&self) {
        self.0.disconnected.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn bad_message(&self) {
        self.0.bad_messages.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused_delta(&self) {
        self.0.refused_deltas.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads the counters.
    pub fn read(&self) -> StreamStatistics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StreamStatistics {
            clients: get(&self.0.clients),
            frames: get(&self.0.frames),
            conflated: get(&self.0.conflated),
            backpressure: get(&self.0.backpressure),
            disconnected: get(&self.0.disconnected),
            bad_messages: get(&self.0.bad_messages),
            refused_deltas: get(&self.0.refused_deltas),
        }
    }
}
