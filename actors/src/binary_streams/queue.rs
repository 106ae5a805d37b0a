//! The queue before a client: bounded by bytes, so that a client that does not read costs itself and nobody else.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::sync::{mpsc, oneshot};

use super::BinaryStreams;

/// Queued bytes beyond which a frame is skipped (wasm-plugin-abi §4.5).
pub(super) const MAX_QUEUED: usize = 256 * 1024;
/// Frames that a client may miss in a row; with the next one it is given up.
pub(super) const MAX_SKIPPED: u32 = 30;
/// Bytes that are handed to the connection at a time, so that the rest stays in the queue, where it is counted.
const CHUNK: usize = 32 * 1024;

/// Why a stream ends for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// The client missed too many frames.
    TooSlow,
    /// The plugin has stopped.
    Ended,
}

/// What a client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueItem {
    /// A frame.
    Frame(Bytes),
    /// The last thing there is.
    End(StreamEnd),
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    Queued,
    Skipped,
    /// The client gets no more frames, only the end.
    GivenUp,
}

/// The side of the publisher.
#[derive(Debug)]
pub(super) struct Queue {
    items: mpsc::UnboundedSender<QueueItem>,
    queued: Arc<AtomicUsize>,
    skipped: u32,
    ended: oneshot::Sender<StreamEnd>,
}

/// The side of the client: the frames of a stream as they come. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Frames {
    items: mpsc::UnboundedReceiver<QueueItem>,
    queued: Arc<AtomicUsize>,
    /// Bytes handed out since the last pause.
    handed_out: usize,
    ended: Option<oneshot::Receiver<StreamEnd>>,
    streams: BinaryStreams,
    stream: String,
    client: u64,
}

pub(super) fn queue(streams: BinaryStreams, stream: String, client: u64) -> (Queue, Frames) {
    // Unbounded in number: what bounds it is the bytes.
    let (sender, items) = mpsc::unbounded_channel();
    let (ending, ended) = oneshot::channel();
    let queued = Arc::new(AtomicUsize::new(0));
    let queue = Queue { items: sender, queued: queued.clone(), skipped: 0, ended: ending };
    (queue, Frames { items, queued, handed_out: 0, ended: Some(ended), streams, stream, client })
}

impl Queue {
    pub(super) fn offer(&mut self, frame: Bytes) -> Offered {
        if self.queued.load(Ordering::Acquire) <= MAX_QUEUED {
            self.skipped = 0;
            // An empty frame costs memory too.
            self.queued.fetch_add(cost(&frame), Ordering::AcqRel);
            // A client that is just going needs no frames.
            let _ = self.items.send(QueueItem::Frame(frame));
            return Offered::Queued;
        }
        self.skipped += 1;
        if self.skipped <= MAX_SKIPPED {
            return Offered::Skipped;
        }
        let (items, ended) = (self.items.clone(), std::mem::replace(&mut self.ended, oneshot::channel().0));
        finish(&items, ended, StreamEnd::TooSlow);
        Offered::GivenUp
    }

    pub(super) fn end(self, end: StreamEnd) {
        finish(&self.items, self.ended, end);
    }
}

fn finish(items: &mpsc::UnboundedSender<QueueItem>, ended: oneshot::Sender<StreamEnd>, end: StreamEnd) {
    // A client that is just going needs not be told.
    let _ = items.send(QueueItem::End(end));
    let _ = ended.send(end);
}

fn cost(frame: &Bytes) -> usize {
    frame.len() + size_of::<QueueItem>()
}

impl Frames {
    /// Resolves when the stream has ended for this client, however much of it has not been read; with an error when the client went
    /// first. Can be taken once.
    pub(super) fn take_ended(&mut self) -> Option<oneshot::Receiver<StreamEnd>> {
        self.ended.take()
    }
}

impl Stream for Frames {
    type Item = QueueItem;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.handed_out >= CHUNK {
            // The connection polls again when it has sent this much, and not before.
            self.handed_out = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let item = ready!(self.items.poll_recv(cx));
        if let Some(QueueItem::Frame(frame)) = &item {
            self.handed_out += frame.len();
            self.queued.fetch_sub(cost(frame), Ordering::AcqRel);
        }
        Poll::Ready(item)
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.streams.leave(&self.stream, self.client);
    }
}
