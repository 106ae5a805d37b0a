//! The sentences of all inputs on their way to all outputs, and what clients of the outputs send back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smol_str::SmolStr;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use windlass_broker::Origin;

use crate::nmea0183::MAX_LINE_BYTES;

/// Bytes that wait for one client at most; more push the oldest out (signalk-v1 §5.12, §13.2).
pub(super) const QUEUE_BYTES: usize = 512 * 1024;
/// Lines of clients that wait for one input.
const INPUT_LINES: usize = 256;

/// The event of sentences that inputs receive, unless they suppress it (signalk-v1 §13.2, §15).
pub(crate) const RECEIVED: SmolStr = SmolStr::new_static("nmea0183");
/// The event of sentences that plugins make.
pub(crate) const MADE: SmolStr = SmolStr::new_static("nmea0183out");

/// A line that a client of the NMEA 0183 output has sent.
#[derive(Debug, Clone)]
pub struct ClientLine {
    /// The line without its end.
    pub line: Arc<[u8]>,
    /// The client, which does not hear itself.
    pub origin: Origin,
}

/// Carries NMEA 0183 sentences from the inputs and plugins to the outputs: to the clients of the NMEA 0183 output, and to connections
/// that write out what the events they name bring (`outEvent`, `toStdout`). Clones share. Handing over takes no time worth mentioning and never
/// waits: what a client can't take is dropped and counted.
#[derive(Debug, Clone, Default)]
pub struct SentenceBus(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    outputs: Mutex<Vec<Output>>,
    /// How many there are, for those who ask without the lock.
    listening: AtomicUsize,
    inputs: Mutex<Vec<mpsc::Sender<ClientLine>>>,
    repeated: AtomicU64,
}

/// Whom sentences are handed to.
#[derive(Debug)]
struct Output {
    origin: Origin,
    events: Box<[SmolStr]>,
    queue: Arc<Queue>,
}

impl SentenceBus {
    /// Hands a sentence that was received, with or without its line end, to all clients but the one it came from.
    pub fn repeat(&self, sentence: &[u8], origin: Origin) {
        self.emit(&[RECEIVED], sentence, origin);
    }

    /// Hands a sentence, with or without its line end, to all who listen to one of the events, but not to the one it came from.
    pub(crate) fn emit(&self, events: &[SmolStr], sentence: &[u8], origin: Origin) {
        if events.is_empty() {
            return;
        }
        self.0.repeated.fetch_add(1, Relaxed);
        if self.0.listening.load(Relaxed) == 0 {
            return;
        }
        let sentence = sentence.trim_ascii();
        if sentence.is_empty() || sentence.len() > MAX_LINE_BYTES {
            return;
        }
        let line: Arc<[u8]> = [sentence, b"\r\n"].concat().into();
        for output in lock(&self.0.outputs).iter() {
            if !origin.is(output.origin) && output.events.iter().any(|event| events.contains(event)) {
                output.queue.push(line.clone());
            }
        }
    }

    /// Whether anybody listens to the event.
    pub(super) fn is_wanted(&self, event: &str) -> bool {
        lock(&self.0.outputs).iter().any(|output| output.events.iter().any(|wanted| wanted == event))
    }

    /// Sentences handed over since the start.
    pub fn repeated(&self) -> u64 {
        self.0.repeated.load(Relaxed)
    }

    /// From now on what clients of the output send comes here, too.
    pub fn take_input(&self) -> mpsc::Receiver<ClientLine> {
        let (sender, receiver) = mpsc::channel(INPUT_LINES);
        let mut inputs = lock(&self.0.inputs);
        inputs.retain(|input| !input.is_closed());
        inputs.push(sender);
        receiver
    }

    /// Hands a client's line to the inputs that want it, and waits while they are behind. False when there is none.
    pub(super) async fn offer(&self, line: ClientLine) -> bool {
        let inputs: Vec<_> = lock(&self.0.inputs).iter().filter(|input| !input.is_closed()).cloned().collect();
        let mut taken = false;
        for input in inputs {
            taken |= input.send(line.clone()).await.is_ok();
        }
        taken
    }

    /// A client's queue; it is filled until the guard is dropped.
    pub(super) fn listen(&self, origin: Origin) -> Listening {
        self.listen_to(&[RECEIVED, MADE], origin, QUEUE_BYTES)
    }

    /// The queue of somebody who wants these events, for so many bytes; it is filled until the guard is dropped.
    pub(crate) fn listen_to(&self, events: &[SmolStr], origin: Origin, most: usize) -> Listening {
        let queue = Arc::new(Queue { most, waiting: Mutex::default(), filled: Notify::new() });
        let mut outputs = lock(&self.0.outputs);
        outputs.push(Output { origin, events: events.into(), queue: queue.clone() });
        self.0.listening.store(outputs.len(), Relaxed);
        Listening { bus: self.clone(), queue }
    }
}

/// A place on the bus.
#[derive(Debug)]
pub(crate) struct Listening {
    bus: SentenceBus,
    pub queue: Arc<Queue>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut outputs = lock(&self.bus.0.outputs);
        outputs.retain(|output| !Arc::ptr_eq(&output.queue, &self.queue));
        self.bus.0.listening.store(outputs.len(), Relaxed);
    }
}

/// What waits for one client.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Bytes that may wait; more push the oldest out.
    most: usize,
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Arc<[u8]>>,
    bytes: usize,
    dropped: u64,
    /// Since when it has been losing lines without ever being empty.
    behind: Option<Instant>,
}

/// What a client took from its queue.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub lines: u64,
    pub dropped: u64,
}

impl Queue {
    fn push(&self, line: Arc<[u8]>) {
        let mut waiting = lock(&self.waiting);
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        while waiting.bytes > self.most
            && let Some(oldest) = waiting.lines.pop_front()
        {
            waiting.bytes -= oldest.len();
            waiting.dropped += 1;
            waiting.behind.get_or_insert_with(Instant::now);
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Waits until there is something, and appends whole lines to `out` until it holds `most` bytes.
    pub async fn take(&self, out: &mut Vec<u8>, most: usize) -> Taken {
        loop {
            let taken = self.take_now(out, most);
            if taken.lines > 0 {
                return taken;
            }
            self.filled.notified().await;
        }
    }

    fn take_now(&self, out: &mut Vec<u8>, most: usize) -> Taken {
        let mut waiting = lock(&self.waiting);
        let mut taken = Taken { lines: 0, dropped: std::mem::take(&mut waiting.dropped) };
        while out.len() < most
            && let Some(line) = waiting.lines.pop_front()
        {
            waiting.bytes -= line.len();
            out.extend_from_slice(&line);
            taken.lines += 1;
        }
        if waiting.lines.is_empty() {
            waiting.behind = None;
        }
        taken
    }

    /// How long the client has been losing lines without catching up.
    pub fn behind(&self) -> Duration {
        lock(&self.waiting).behind.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Lines that were dropped since the last [`take`](Self::take).
    pub fn take_dropped(&self) -> u64 {
        std::mem::take(&mut lock(&self.waiting).dropped)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes of this file guard is whole at any moment, also after a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
