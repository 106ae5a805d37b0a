//! What a connection writes out: the sentences of the events that its settings name (`outEvent`, `toStdout`; signalk-v1 §15).

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;

use super::link::Link;
use crate::outputs::Listening;

/// Bytes that are written at once.
const CHUNK_BYTES: usize = 512;
/// Bytes that wait for a network; more push the oldest out.
pub(super) const NETWORK_BYTES: usize = 64 * 1024;
/// The same for a serial port. At 4800 baud that is four seconds: what is older is of no use to an instrument.
pub(super) const SERIAL_BYTES: usize = 2 * 1024;
/// How often a device that takes nothing is looked after.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// The place of a connection among those who get sentences, if it wants any.
pub(super) struct Outgoing(Option<Listening>);

impl Outgoing {
    /// From now on sentences wait for the connection, so many bytes of them.
    pub fn open(link: &Link, most: usize) -> Self {
        let wants = !link.writes.is_empty();
        Self(wants.then(|| link.sentences.listen_to(&link.writes, link.origin, most)))
    }

    /// Writes sentences as they come; ends with the error that ends it. A device that takes nothing costs sentences, which are
    /// counted, and nothing else: what it sends is still wanted.
    pub async fn write_to(&self, stream: &mut (impl AsyncWrite + Unpin), link: &Link) -> Result<Infallible, io::Error> {
        let Some(place) = &self.0 else { return pending().await };
        let mut chunk = Vec::with_capacity(2 * CHUNK_BYTES);
        loop {
            chunk.clear();
            let taken = place.queue.take(&mut chunk, CHUNK_BYTES).await;
            link.counters.add_lost_out(taken.dropped);
            {
                let mut writing = pin!(async {
                    stream.write_all(&chunk).await?;
                    stream.flush().await
                });
                loop {
                    tokio::select! {
                        written = &mut writing => break written?,
                        () = sleep(BETWEEN_LOOKS) => link.counters.add_lost_out(place.queue.take_dropped()),
                    }
                }
            }
            link.counters.add_written(&chunk, jiff::Timestamp::now());
        }
    }

    /// The next sentence with its line end, alone; never, when none are wanted.
    pub async fn next(&self, link: &Link) -> Vec<u8> {
        let Some(place) = &self.0 else { return pending().await };
        let mut sentence = Vec::new();
        let taken = place.queue.take(&mut sentence, 1).await;
        link.counters.add_lost_out(taken.dropped);
        sentence
    }
}
