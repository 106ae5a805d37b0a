//! What a connection has done, readable at any time from any thread.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use windlass_broker::Timestamp;
use windlass_broker::observe::Reading;

use super::bad_lines::{BadLine, BadLines, excerpt};
use super::recent::{LastLines, Recent};

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ConnectionState {
    /// The settings do not want it to run.
    Disabled,
    /// The settings can't be followed.
    Refused,
    /// It has been started and does not work yet.
    #[default]
    Starting,
    /// It is connected, listens, or plays.
    Running,
    /// It does not work, and is tried again and again.
    Failing,
    /// Its recording is over.
    Finished,
    /// Its actor has ended.
    Stopped,
}

/// The counters of one connection since it was started.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionStatistics {
    /// Bytes read.
    pub bytes: u64,
    /// Lines received, the bad ones included and the blank ones left out.
    pub lines: u64,
    /// Lines received per second, over the last ten seconds.
    pub lines_per_second: f64,
    /// NMEA 0183 sentences by id, those that nobody decodes included; beyond 64 ids as `others`.
    pub sentences: BTreeMap<String, u64>,
    /// Bytes written out.
    pub bytes_out: u64,
    /// Sentences written out.
    pub lines_out: u64,
    /// Sentences that were to be written out and were lost, because the other side took them too slowly or not at all.
    pub lost_out: u64,
    /// Deltas handed to the broker.
    pub deltas: u64,
    /// Lines dropped because something is wrong with them.
    pub bad_lines: u64,
    /// The same by kind, such as `checksum`, `noChecksum`, `malformed`, `notASentence`, `notText`, `tooLong`.
    pub bad_lines_by_kind: BTreeMap<String, u64>,
    /// Sentences of AIS messages that remained incomplete.
    pub lost_fragments: u64,
    /// Values dropped because the model had them already from elsewhere, with the same source and time.
    pub echoes: u64,
    /// Values dropped because the model had a later one of the same source from elsewhere.
    pub outdated: u64,
    /// Peers connected now: for a TCP client 0 or 1.
    pub peers: usize,
    /// Times a peer connected.
    pub connects: u64,
    /// Peers sent away because as many as allowed were connected.
    pub refused_peers: u64,
    /// When the last line came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_line: Option<Timestamp>,
    /// The longest wait for the broker to take a batch, in milliseconds. The connection read nothing meanwhile.
    pub longest_wait: f64,
    /// Where a listening connection listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_address: Option<SocketAddr>,
}

/// The live form of [`ConnectionStatistics`], written by the connection.
#[derive(Debug)]
pub(super) struct Counters {
    /// The connection's id, for the log.
    id: String,
    /// Whether lines that can't be read are shown to anybody. Not those of files: whoever may name one would read it here.
    shows_bad_lines: bool,
    state: Mutex<(ConnectionState, Timestamp)>,
    recent: Mutex<Recent>,
    bytes: AtomicU64,
    lines: AtomicU64,
    bytes_out: AtomicU64,
    lines_out: AtomicU64,
    lost_out: AtomicU64,
    deltas: AtomicU64,
    bad: Mutex<BadLines>,
    lost_fragments: AtomicU64,
    echoes: AtomicU64,
    outdated: AtomicU64,
    peers: AtomicUsize,
    connects: AtomicU64,
    refused_peers: AtomicU64,
    /// Milliseconds since 1970; [`NEVER`] before the first line.
    last_line: AtomicI64,
    longest_wait_micros: AtomicU64,
    local_address: Mutex<Option<SocketAddr>>,
}

const NEVER: i64 = i64::MIN;

impl Counters {
    /// All zero.
    pub fn new(id: &str, shows_bad_lines: bool) -> Self {
        Self {
            id: id.to_owned(),
            shows_bad_lines,
            state: Mutex::new((ConnectionState::Starting, Timestamp::now())),
            recent: Mutex::default(),
            bytes_out: AtomicU64::new(0),
            lines_out: AtomicU64::new(0),
            lost_out: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            lines: AtomicU64::new(0),
            deltas: AtomicU64::new(0),
            bad: Mutex::default(),
            lost_fragments: AtomicU64::new(0),
            echoes: AtomicU64::new(0),
            outdated: AtomicU64::new(0),
            peers: AtomicUsize::new(0),
            connects: AtomicU64::new(0),
            refused_peers: AtomicU64::new(0),
            last_line: AtomicI64::new(NEVER),
            longest_wait_micros: AtomicU64::new(0),
            local_address: Mutex::default(),
        }
    }

    /// Something was read.
    pub fn add_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// A line that is not blank was received; `sentence` is its id, if it is a sentence.
    pub fn add_line(&self, line: &[u8], sentence: Option<&str>, received: jiff::Timestamp) {
        self.lines.fetch_add(1, Relaxed);
        self.last_line.store(received.as_millisecond(), Relaxed);
        lock(&self.recent).receive(line, received, sentence);
    }

    /// A line was received that is no data, such as another server's greeting.
    pub fn pass_over(&self, line: &[u8], received: jiff::Timestamp) {
        if self.shows_bad_lines {
            lock(&self.recent).pass_over(line, received);
        }
    }

    /// Whole lines were written out.
    pub fn add_written(&self, lines: &[u8], now: jiff::Timestamp) {
        self.bytes_out.fetch_add(lines.len() as u64, Relaxed);
        let mut recent = lock(&self.recent);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.lines_out.fetch_add(1, Relaxed);
            recent.write(line, now);
        }
    }

    /// So many sentences could not be written out.
    pub fn add_lost_out(&self, sentences: u64) {
        self.lost_out.fetch_add(sentences, Relaxed);
    }

    /// It is like this now.
    pub fn set_state(&self, state: ConnectionState) {
        let mut present = lock(&self.state);
        if present.0 != state {
            *present = (state, Timestamp::now());
        }
    }

    /// How it is, and since when.
    pub fn state(&self) -> (ConnectionState, Timestamp) {
        lock(&self.state).clone()
    }

    /// The lines that came and went last.
    pub fn last_lines(&self) -> LastLines {
        lock(&self.recent).last_lines()
    }

    /// The line that was received last is dropped; the log hears of the first of each kind.
    pub fn add_bad_line(&self, problem: &BadLine, line: &[u8]) {
        let first = lock(&self.bad).count(problem.kind(), Instant::now());
        let mut recent = lock(&self.recent);
        if self.shows_bad_lines {
            recent.blame_last(problem.kind())
        } else {
            recent.forget_last()
        }
        drop(recent);
        if first && !self.shows_bad_lines {
            log::warn!(
                "connection {}: {problem}. The line is dropped. More of this kind are counted and summed up once a minute.",
                self.id
            );
        } else if first {
            log::warn!(
                "connection {}: {problem}. Dropped line: {}. More of this kind are counted and summed up once a minute.",
                self.id,
                excerpt(line)
            );
        }
    }

    /// So many more sentences belong to AIS messages that remained incomplete.
    pub fn add_lost_fragments(&self, sentences: u64) {
        self.lost_fragments.fetch_add(sentences, Relaxed);
    }

    /// A value was known already.
    pub fn add_echo(&self) {
        self.echoes.fetch_add(1, Relaxed);
    }

    /// A later value of the same source was known already.
    pub fn add_outdated(&self) {
        self.outdated.fetch_add(1, Relaxed);
    }

    /// Logs the summary of bad lines when it is time. Call it now and then.
    pub fn report_bad_lines(&self) {
        // The message is made under the lock and logged without it.
        let summary = lock(&self.bad).summary(Instant::now());
        if let Some(summary) = summary {
            log::warn!("connection {}: {summary}", self.id);
        }
    }

    /// The broker has taken a batch after this wait.
    pub fn add_batch(&self, deltas: usize, waited: Duration) {
        self.deltas.fetch_add(deltas as u64, Relaxed);
        self.longest_wait_micros.fetch_max(u64::try_from(waited.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Counts a peer as connected until the guard is dropped.
    pub fn peer(&self) -> PeerGuard<'_> {
        self.connects.fetch_add(1, Relaxed);
        self.peers.fetch_add(1, Relaxed);
        PeerGuard(self)
    }

    /// A peer was sent away. True for the first one.
    pub fn refuse_peer(&self) -> bool {
        self.refused_peers.fetch_add(1, Relaxed) == 0
    }

    /// The connection listens there, or nowhere any more.
    pub fn set_local_address(&self, address: Option<SocketAddr>) {
        *lock(&self.local_address) = address;
    }

    /// Lines so far.
    pub fn lines(&self) -> u64 {
        self.lines.load(Relaxed)
    }

    /// Deltas handed over so far.
    pub fn deltas(&self) -> u64 {
        self.deltas.load(Relaxed)
    }

    /// The same in the form that all actors have.
    pub fn reading(&self) -> Reading {
        let bad: u64 = lock(&self.bad).counts().values().sum();
        let dropped = bad + self.lost_fragments.load(Relaxed);
        Reading { messages: self.lines.load(Relaxed), deltas: self.deltas(), dropped }
    }

    /// The present state.
    pub fn read(&self) -> ConnectionStatistics {
        let bad: BTreeMap<_, _> = lock(&self.bad).counts().iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect();
        let last_line = self.last_line.load(Relaxed);
        let recent = lock(&self.recent);
        let (lines_per_second, sentences) = (recent.lines_per_second(jiff::Timestamp::now()), recent.sentences());
        drop(recent);
        ConnectionStatistics {
            lines_per_second,
            sentences,
            bytes_out: self.bytes_out.load(Relaxed),
            lines_out: self.lines_out.load(Relaxed),
            lost_out: self.lost_out.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            lines: self.lines.load(Relaxed),
            deltas: self.deltas(),
            bad_lines: bad.values().sum(),
            bad_lines_by_kind: bad,
            lost_fragments: self.lost_fragments.load(Relaxed),
            echoes: self.echoes.load(Relaxed),
            outdated: self.outdated.load(Relaxed),
            peers: self.peers.load(Relaxed),
            connects: self.connects.load(Relaxed),
            refused_peers: self.refused_peers.load(Relaxed),
            last_line: (last_line != NEVER).then(|| Timestamp::from_millis(last_line)),
            longest_wait: Duration::from_micros(self.longest_wait_micros.load(Relaxed)).as_secs_f64() * 1000.0,
            local_address: *lock(&self.local_address),
        }
    }
}

/// A connected peer.
#[derive(Debug)]
pub(super) struct PeerGuard<'a>(&'a Counters);

impl Drop for PeerGuard<'_> {
    fn drop(&mut self) {
        self.0.peers.fetch_sub(1, Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes of this file guard is whole at any moment, also after a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
