//! NMEA 0183 over TCP: every client gets every sentence (signalk-v1 §13.2).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use windlass_broker::Origin;

use super::sentences::{ClientLine, Queue, SentenceBus};
use super::statistics::OutputCounters;
use crate::connections::LineSplitter;

/// Bytes that are written at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Bytes that are read at once.
const READ_BYTES: usize = 4 * 1024;
/// How often a blocked client is looked after.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// How long a client may lose sentences before it is disconnected (signalk-v1 §5.12).
const MAX_BEHIND: Duration = Duration::from_secs(30);

/// Serves one client until it leaves: gives it every sentence from now on, and takes what it sends.
pub async fn serve_sentences(stream: TcpStream, peer: SocketAddr, bus: SentenceBus, counters: OutputCounters) {
    let origin = Origin::unique();
    let place = bus.listen(origin);
    let (reading, writing) = stream.into_split();
    tokio::select! {
        () = read(reading, origin, &bus, &counters) => {}
        () = write(writing, peer, &place.queue, &counters) => {}
    }
    counters.add_dropped(place.queue.take_dropped());
}

/// Writes what comes, until the client has gone or is too far behind.
async fn write(mut stream: OwnedWriteHalf, peer: SocketAddr, queue: &Queue, counters: &OutputCounters) {
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    loop {
        chunk.clear();
        let taken = queue.take(&mut chunk, CHUNK_BYTES).await;
        counters.add_dropped(taken.dropped);
        let mut written = 0;
        while written < chunk.len() {
            match timeout(BETWEEN_LOOKS, stream.write(&chunk[written..])).await {
                Ok(Ok(bytes)) if bytes > 0 => written += bytes,
                Ok(_) => return,
                Err(_) => counters.add_dropped(queue.take_dropped()),
            }
            if queue.behind() > MAX_BEHIND {
                counters.add_disconnected();
                return log::warn!(
                    "{peer} has been losing NMEA 0183 sentences for {} s because it does not read fast enough, and is \
                     disconnected",
                    MAX_BEHIND.as_secs()
                );
            }
        }
        counters.add_sent(taken.lines);
    }
}

/// Takes what the client sends, until it has gone.
async fn read(mut stream: OwnedReadHalf, origin: Origin, bus: &SentenceBus, counters: &OutputCounters) {
    let mut splitter = LineSplitter::default();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let Ok(length @ 1..) = stream.read(&mut buffer).await else { return };
        splitter.extend(&buffer[..length]);
        let mut lines = Vec::new();
        while let Some(line) = splitter.next_line() {
            counters.add_received();
            match line {
                Ok([]) => {}
                Ok(line) => lines.push(line.into()),
                Err(_) => counters.add_ignored(),
            }
        }
        for line in lines {
            if !bus.offer(ClientLine { line, origin }).await {
                counters.add_ignored();
            }
        }
    }
}
