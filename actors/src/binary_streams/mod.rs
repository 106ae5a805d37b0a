//! Binary streams: frames that a plugin publishes and WebSocket clients receive (wasm-plugin-abi §4.5, signalk-v2 §12).
//!
//! A plugin publishes on its own thread and never waits: each [`StreamClient`] has a queue, and what a slow client's queue does not
//! take is skipped for that client alone.

mod client;
mod queue;
mod statistics;
mod viewer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web::Bytes;

pub use client::{StreamClient, StreamClientOptions};
pub use queue::{Frames, QueueItem, StreamEnd};
pub use statistics::BinaryStreamStatistics;
pub use viewer::Viewer;

use queue::{Offered, Queue};
use statistics::Counters;

/// Streams that one plugin may publish.
const MAX_STREAMS_PER_PLUGIN: usize = 256;
/// Streams that clients wait for although nobody publishes them.
const MAX_STREAMS_WITHOUT_OWNER: usize = 1_000;

/// All binary streams. Clones share.
#[derive(Debug, Clone, Default)]
pub struct BinaryStreams(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    table: Mutex<Table>,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Table {
    streams: HashMap<String, Stream>,
    last_client: u64,
}

#[derive(Debug, Default)]
struct Stream {
    /// The plugin that publishes; `None` as long as there are only clients.
    owner: Option<String>,
    /// By number.
    clients: Vec<(u64, Queue)>,
}

/// Why a frame was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// Another plugin publishes this stream.
    #[error("the stream {stream} belongs to the plugin {owner}")]
    NotYours {
        /// The stream.
        stream: String,
        /// Whose it is.
        owner: String,
    },
    /// The plugin publishes too many streams.
    #[error("the stream {0} is refused: a plugin may publish {MAX_STREAMS_PER_PLUGIN} streams at a time")]
    TooMany(String),
}

/// Clients wait for too many streams that nobody publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("clients wait for {MAX_STREAMS_WITHOUT_OWNER} streams that nobody publishes; close some of them")]
pub struct TooManyStreams;

impl BinaryStreams {
    /// Hands a frame to the clients of a stream. The first plugin that publishes it owns it until it stops.
    ///
    /// # Errors
    /// The stream belongs to another plugin, or this one has too many.
    pub fn publish(&self, plugin: &str, stream: &str, frame: &[u8]) -> Result<(), StreamError> {
        let mut table = self.lock();
        if table.streams.get(stream).is_none_or(|stream| stream.owner.is_none()) {
            let own = table.streams.values().filter(|stream| stream.owner.as_deref() == Some(plugin)).count();
            if own >= MAX_STREAMS_PER_PLUGIN {
                return Err(StreamError::TooMany(stream.to_owned()));
            }
            table.streams.entry(stream.to_owned()).or_default().owner = Some(plugin.to_owned());
        }
        let Some(entry) = table.streams.get_mut(stream) else { return Ok(()) };
        if let Some(owner) = entry.owner.as_ref().filter(|owner| *owner != plugin) {
            return Err(StreamError::NotYours { stream: stream.to_owned(), owner: owner.clone() });
        }
        let counters = &self.0.counters;
        counters.published();
        if !entry.clients.is_empty() {
            let frame = Bytes::copy_from_slice(frame);
            entry.clients.retain_mut(|(_, client)| match client.offer(frame.clone()) {
                Offered::Queued => {
                    counters.queued();
                    true
                }
                Offered::Skipped => {
                    counters.skipped();
                    true
                }
                Offered::GivenUp => {
                    counters.skipped();
                    counters.gave_up();
                    log::info!("a client of the binary stream {stream} can't keep up and is disconnected");
                    false
                }
            });
        }
        Ok(())
    }

    /// The frames of a stream from now on, published by whomever. The stream need not exist yet.
    ///
    /// # Errors
    /// Clients wait for too many streams that nobody publishes.
    pub fn subscribe(&self, stream: &str) -> Result<Frames, TooManyStreams> {
        let mut table = self.lock();
        if !table.streams.contains_key(stream) {
            let waiting = table.streams.values().filter(|stream| stream.owner.is_none()).count();
            if waiting >= MAX_STREAMS_WITHOUT_OWNER {
                return Err(TooManyStreams);
            }
        }
        table.last_client += 1;
        let client = table.last_client;
        let (queue, frames) = queue::queue(self.clone(), stream.to_owned(), client);
        table.streams.entry(stream.to_owned()).or_default().clients.push((client, queue));
        Ok(frames)
    }

    /// A plugin has stopped: its streams end.
    pub fn end_of(&self, plugin: &str) {
        self.lock().streams.retain(|_, stream| {
            let ended = stream.owner.as_deref() == Some(plugin);
            if ended {
                stream.clients.drain(..).for_each(|(_, client)| client.end(StreamEnd::Ended));
            }
            !ended
        });
    }

    /// The counters.
    pub fn statistics(&self) -> BinaryStreamStatistics {
        let table = self.lock();
        let clients = table.streams.values().map(|stream| stream.clients.len()).sum();
        self.0.counters.read(table.streams.len(), clients)
    }

    /// A client has gone, and with it a stream that only it waited for.
    fn leave(&self, stream: &str, client: u64) {
        let mut table = self.lock();
        let Some(entry) = table.streams.get_mut(stream) else { return };
        entry.clients.retain(|(number, _)| *number != client);
        if entry.owner.is_none() && entry.clients.is_empty() {
            table.streams.remove(stream);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Each of the sections above leaves it whole.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
