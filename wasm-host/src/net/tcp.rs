//! One TCP connection (§4.7).

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{io::Interest, net::TcpStream, sync::Notify};

use super::{
    NetworkLoop,
    lines::LineSplitter,
    lock,
    names::{self, Reach},
    queue::ReceiveQueue,
    reactor::Task,
    sockets::{Counters, SocketError},
};

/// How long a connection may take to come about, its name's look-up included.
const CONNECT: Duration = Duration::from_secs(20);
/// Bytes read at once, and so the largest chunk.
const CHUNK: usize = 16 << 10;
/// Bytes that may wait to be sent.
const OUTGOING: usize = 1 << 20;
/// Silence after which the other side is asked for a sign of life.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Whether data can flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// Not yet; also while what arrived before the end has not been fetched.
    No,
    Yes,
    /// Over, and everything received has been fetched.
    Gone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Connecting,
    Connected,
    Closed,
}

pub(crate) struct TcpSocket {
    shared: Arc<Shared>,
    task: Option<Task>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to send.
    wake: Notify,
}

struct State {
    phase: Phase,
    by_lines: bool,
    splitter: LineSplitter,
    lines: ReceiveQueue<Vec<u8>>,
    chunks: ReceiveQueue<Vec<u8>>,
    outgoing: VecDeque<u8>,
    /// Present while connected; the guest's thread sends through it at once what the system takes at once.
    stream: Option<Arc<TcpStream>>,
    /// Why the connection ended, until somebody asks.
    failure: Option<String>,
}

impl State {
    fn receive(&mut self, bytes: &[u8], counters: &Counters) {
        self.counted(counters, |state| {
            if state.by_lines {
                let Self { splitter, lines, .. } = state;
                splitter.feed(bytes, |line| lines.push(line));
            } else {
                state.chunks.push(bytes.to_vec());
            }
        });
    }

    /// Does something that may drop what was received, and counts that.
    fn counted(&mut self, counters: &Counters, work: impl FnOnce(&mut Self)) {
        let lost = |state: &Self| (state.lines.dropped() + state.chunks.dropped(), state.splitter.cut());
        let (dropped, cut) = lost(self);
        work(self);
        let (dropped_now, cut_now) = lost(self);
        counters.chunks_dropped.fetch_add(dropped_now - dropped, Ordering::Relaxed);
        counters.lines_cut.fetch_add(cut_now - cut, Ordering::Relaxed);
    }

    /// What has arrived as lines becomes raw bytes again, with the lines' ends: what was not given out yet, in order.
    fn lines_to_chunks(&mut self) {
        let Self { splitter, lines, chunks, .. } = self;
        let mut chunk = Vec::new();
        while let Some(piece) = lines.pop() {
            if chunk.len() + piece.len() > CHUNK && !chunk.is_empty() {
                chunks.push(std::mem::take(&mut chunk));
            }
            chunk.extend(piece);
        }
        chunk.extend(splitter.take_tail());
        if !chunk.is_empty() {
            chunks.push(chunk);
        }
    }

    fn chunks_to_lines(&mut self) {
        let Self { splitter, lines, chunks, .. } = self;
        while let Some(chunk) = chunks.pop() {
            splitter.feed(&chunk, |line| lines.push(line));
        }
    }

    fn open(&mut self, stream: &Arc<TcpStream>) {
        self.phase = Phase::Connected;
        self.stream = Some(Arc::clone(stream));
    }

    /// The connection is over. A last line without an end is a line.
    fn close(&mut self, failure: Option<String>) {
        self.phase = Phase::Closed;
        self.stream = None;
        self.outgoing = VecDeque::new();
        self.failure = failure;
        self.end_last_line();
    }

    fn end_last_line(&mut self) {
        let tail = self.splitter.take_tail();
        if !tail.is_empty() {
            self.lines.push(tail);
        }
    }

    /// Whether the guest has fetched everything, the way it currently fetches.
    fn is_drained(&self) -> bool {
        if self.by_lines { self.lines.is_empty() } else { self.chunks.is_empty() }
    }

    /// Sends what waits, as far as the system takes it now.
    fn flush(&mut self, stream: &TcpStream, counters: &Counters) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match stream.try_write(self.outgoing.as_slices().0) {
                Ok(sent) => {
                    counters.bytes_sent.fetch_add(sent as u64, Ordering::Relaxed);
                    self.outgoing.drain(..sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if self.outgoing.is_empty() && self.outgoing.capacity() > CHUNK {
            self.outgoing = VecDeque::new();
        }
        Ok(())
    }
}

impl TcpSocket {
    pub(super) fn new() -> Self {
        let state = State {
            phase: Phase::Idle,
            by_lines: true,
            splitter: LineSplitter::default(),
            lines: ReceiveQueue::new(),
            chunks: ReceiveQueue::new(),
            outgoing: VecDeque::new(),
            stream: None,
            failure: None,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), wake: Notify::new() }), task: None }
    }

    /// Begins to connect. What `access` refuses without a look-up is refused at once.
    pub(super) fn connect(
        &mut self,
        host: String,
        port: u16,
        access: &Arc<Reach>,
        reactor: &NetworkLoop,
        counters: &Arc<Counters>,
    ) -> Result<(), SocketError> {
        let mut state = lock(&self.shared.state);
        if state.phase != Phase::Idle {
            return Err(SocketError::AlreadyConnecting);
        }
        names::check_before_lookup(access, &host, port)?;
        state.phase = Phase::Connecting;
        drop(state);
        let (shared, access, counters) = (Arc::clone(&self.shared), Arc::clone(access), Arc::clone(counters));
        self.task = Some(reactor.spawn(shared, move |shared| async move {
            let failure = match establish(&access, &host, port).await {
                Ok(stream) => {
                    let stream = Arc::new(stream);
                    lock(&shared.state).open(&stream);
                    exchange(&shared, &stream, &counters).await.err().map(|error| error.to_string())
                }
                Err(error) => {
                    if matches!(error, SocketError::Name(names::NameError::Refused(_))) {
                        counters.refused.fetch_add(1, Ordering::Relaxed);
                    }
                    Some(error.to_string())
                }
            };
            let failure = failure.map(|reason| format!("the connection to {host}:{port} ended: {reason}"));
            lock(&shared.state).close(failure);
        }));
        Ok(())
    }

    pub(super) fn connection(&self) -> Connection {
        let state = lock(&self.shared.state);
        match state.phase {
            Phase::Idle | Phase::Connecting => Connection::No,
            Phase::Connected => Connection::Yes,
            Phase::Closed if state.is_drained() => Connection::Gone,
            Phase::Closed => Connection::No,
        }
    }

    /// Why the connection ended, told once; `None` when the other side simply closed it.
    pub(super) fn take_failure(&self) -> Option<String> {
        lock(&self.shared.state).failure.take()
    }

    /// Takes lines or raw chunks from now on. What has arrived already and was not given out is taken apart anew.
    pub(super) fn set_line_buffering(&self, by_lines: bool, counters: &Counters) {
        let mut state = lock(&self.shared.state);
        if state.by_lines == by_lines {
            return;
        }
        state.by_lines = by_lines;
        state.counted(counters, if by_lines { State::chunks_to_lines } else { State::lines_to_chunks });
        if by_lines && state.phase == Phase::Closed {
            state.end_last_line();
        }
    }

    /// Sends, or keeps to be sent, as much as there is room for; the result is how much.
    pub(super) fn send(&self, bytes: &[u8], counters: &Counters) -> Result<usize, SocketError> {
        let mut state = lock(&self.shared.state);
        let Some(stream) = state.stream.clone() else { return Err(SocketError::NotConnected) };
        let accepted = bytes.len().min(OUTGOING - state.outgoing.len());
        state.outgoing.extend(&bytes[..accepted]);
        if let Err(error) = state.flush(&stream, counters) {
            // The thread finds out as well and closes.
            return Err(SocketError::System(error));
        }
        if !state.outgoing.is_empty() {
            self.shared.wake.notify_one();
        }
        Ok(accepted)
    }

    pub(super) fn take_line(&self, max: usize) -> Option<Vec<u8>> {
        lock(&self.shared.state).lines.take_line(max)
    }

    pub(super) fn take_chunk(&self, max: usize) -> Option<Vec<u8>> {
        lock(&self.shared.state).chunks.take(max)
    }

    pub(super) fn pending(&self) -> usize {
        let state = lock(&self.shared.state);
        if state.by_lines { state.lines.len() } else { state.chunks.len() }
    }

    pub(super) fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }

    pub(super) fn close(self) {
        lock(&self.shared.state).close(None);
        if let Some(task) = self.task {
            task.stop();
        }
    }
}

async fn establish(access: &Reach, host: &str, port: u16) -> Result<TcpStream, SocketError> {
    let addresses = names::resolve(access, host, port, CONNECT).await?;
    let connect = async {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    };
    match tokio::time::timeout(CONNECT, connect).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(SocketError::System(io::ErrorKind::TimedOut.into())),
    }
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // Otherwise a device that was switched off would look connected for ever.
    SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    Ok(stream)
}

/// Moves data until the connection ends.
async fn exchange(shared: &Shared, stream: &Arc<TcpStream>, counters: &Counters) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let waiting = !lock(&shared.state).outgoing.is_empty();
        let interest = if waiting { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let ready = tokio::select! {
            ready = stream.ready(interest) => ready?,
            () = shared.wake.notified() => continue,
        };
        if ready.is_readable() {
            match stream.try_read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(size) => {
                    counters.bytes_received.fetch_add(size as u64, Ordering::Relaxed);
                    lock(&shared.state).receive(&buffer[..size], counters);
                    // A sender faster than this thread must not keep it from the other sockets.
                    tokio::task::yield_now().await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if ready.is_writable() {
            lock(&shared.state).flush(stream, counters)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, thread};

    use super::*;

    /// All that is sent here at once.
    const FLOOD: usize = 4 << 20;

    #[test]
    fn a_connection_that_never_falls_silent_leaves_the_thread_to_others() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            // Faster than this thread reads: the system's buffers are full all the time.
            let sending = thread::spawn(move || listener.accept().unwrap().0.write_all(&vec![b'x'; FLOOD]));
            let stream = Arc::new(TcpStream::connect(address).await.unwrap());
            let (counters, socket) = (Arc::new(Counters::default()), TcpSocket::new());
            socket.set_line_buffering(false, &counters);
            let reading = tokio::spawn({
                let (shared, counters) = (Arc::clone(&socket.shared), Arc::clone(&counters));
                async move { exchange(&shared, &stream, &counters).await }
            });
            // Another socket's turns, and what was read between two of them.
            let (mut before, mut most) = (0, 0);
            while !reading.is_finished() {
                let now = counters.bytes_received.load(Ordering::Relaxed);
                most = most.max(now - before);
                before = now;
                tokio::task::yield_now().await;
            }
            reading.await.unwrap().unwrap();
            sending.join().unwrap().unwrap();
            assert_eq!(counters.bytes_received.load(Ordering::Relaxed), FLOOD as u64);
            assert!(most <= CHUNK as u64, "{most} bytes in one go");
        });
    }
}
