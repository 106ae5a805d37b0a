//! The raw data log: what connections receive, line by line, in files of an hour (signalk-v1 §14).
//!
//! The files may fill what they are given and no more: as many as are to be kept, at most so many bytes, and never the last of the
//! disk. Writing happens on a thread of its own behind a bounded queue, so that a slow disk costs lines of the log, which are counted,
//! and nothing else.

use std::convert::Infallible;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::{StatusBoard, StatusKind, StatusSubject};

/// What the names of the files begin with.
const PREFIX: &str = "skserver-raw_";
/// What they end with.
const SUFFIX: &str = ".log";
/// Its entry on the status board.
const NAME: &str = "data-log";
/// Lines that wait to be written, and bytes: a line may be as long as a delta.
const WAITING: usize = 4096;
/// See [`WAITING`].
const WAITING_BYTES: usize = 4 << 20;
/// How long a line may wait for its way to the disk.
const FLUSH: Duration = Duration::from_secs(1);
/// How long the disk has at the end for what waits.
const CLOSING: Duration = Duration::from_secs(5);
/// So much may be written at least before the space is looked at again.
const LITTLE: u64 = 4_000_000;
/// How often the space on the disk is looked at, and how long to wait after an error.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// Where the log goes, and how large it may get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLogSettings {
    /// The directory (`loggingDirectory`).
    pub directory: PathBuf,
    /// How many files are kept; `None` keeps all that fit (`keepMostRecentLogsOnly`, `logCountToKeep`).
    pub files: Option<usize>,
    /// Bytes that all files together may take; the oldest are removed.
    pub bytes: u64,
    /// Bytes that stay free on the disk, whatever else.
    pub reserve: u64,
}

impl RawLogSettings {
    /// The reference server's 24 files, at most 1 GiB, and 200 MB stay free.
    pub fn in_directory(directory: PathBuf) -> Self {
        Self { directory, files: Some(24), bytes: 1 << 30, reserve: 200_000_000 }
    }
}

/// What has been written since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RawLogStatistics {
    /// Lines that the system has taken.
    pub lines: u64,
    /// Lines lost because the disk is slow, full or broken.
    pub dropped: u64,
    /// Files removed to keep within the bounds.
    pub removed: u64,
}

/// The log. Clones share. Its thread starts with the first line.
#[derive(Debug, Clone)]
pub struct RawLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    target: Arc<Target>,
    board: StatusBoard,
    lines: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
    removed: Arc<AtomicU64>,
    /// Bytes of the lines that wait.
    waiting: Arc<AtomicUsize>,
    queue: Mutex<Queue>,
}

/// Where the log goes at present.
#[derive(Debug)]
struct Target {
    /// Counts the changes, so that the thread finds one out without the lock.
    revision: AtomicU64,
    settings: Mutex<RawLogSettings>,
}

impl Target {
    fn settings(&self) -> MutexGuard<'_, RawLogSettings> {
        // Replaced as a whole, so whole also after a panic.
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to the thread.
#[derive(Debug, Default)]
enum Queue {
    #[default]
    Idle,
    Open {
        entries: SyncSender<Entry>,
        /// Its sender is dropped when everything is written.
        ended: oneshot::Receiver<Infallible>,
    },
    /// There is no thread, and there will be none.
    Closed,
}

struct Entry {
    received: Timestamp,
    kind: char,
    line: Vec<u8>,
}

impl RawLog {
    /// A log that writes nothing until it is given something.
    pub fn new(settings: RawLogSettings, board: StatusBoard) -> Self {
        Self(Arc::new(Shared {
            target: Arc::new(Target { revision: AtomicU64::new(0), settings: Mutex::new(settings) }),
            board,
            lines: Arc::default(),
            dropped: Arc::default(),
            removed: Arc::default(),
            waiting: Arc::default(),
            queue: Mutex::default(),
        }))
    }

    /// Writes `<epoch ms>;<kind>;<line>` some time soon. Never waits.
    pub fn write(&self, kind: char, line: &[u8], received: Timestamp) {
        let shared = &*self.0;
        let mut queue = self.queue();
        if matches!(*queue, Queue::Idle) {
            *queue = self.start();
        }
        let waits = shared.waiting.fetch_add(line.len(), Relaxed);
        let sent = match &*queue {
            Queue::Open { entries, .. } if waits + line.len() <= WAITING_BYTES => {
                entries.try_send(Entry { received, kind, line: line.to_vec() })
            }
            _ => return self.lose(line),
        };
        if let Err(error) = sent {
            if matches!(error, TrySendError::Disconnected(_)) {
                *queue = Queue::Idle;
            }
            self.lose(line);
        }
    }

    fn lose(&self, line: &[u8]) {
        self.0.waiting.fetch_sub(line.len(), Relaxed);
        self.0.dropped.fetch_add(1, Relaxed);
    }

    /// From the next line on it goes there, and is so large. No line is lost by it.
    pub fn set(&self, settings: RawLogSettings) {
        let target = &self.0.target;
        *target.settings() = settings;
        target.revision.fetch_add(1, Release);
    }

    /// The directory that it goes to.
    pub fn directory(&self) -> PathBuf {
        self.0.target.settings().directory.clone()
    }

    /// Waits until everything is written, but not for ever. What comes later is dropped.
    pub async fn close(&self) {
        let closed = std::mem::replace(&mut *self.queue(), Queue::Closed);
        if let Queue::Open { entries, ended } = closed {
            drop(entries);
            if timeout(CLOSING, ended).await.is_err() {
                log::error!("data log: the disk did not take what was left within {} s; it is lost", CLOSING.as_secs());
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // It is whole at any moment, also after a panic.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has been written.
    pub fn statistics(&self) -> RawLogStatistics {
        let shared = &*self.0;
        RawLogStatistics {
            lines: shared.lines.load(Relaxed),
            dropped: shared.dropped.load(Relaxed),
            removed: shared.removed.load(Relaxed),
        }
    }

    fn start(&self) -> Queue {
        let (entries, receiver) = sync_channel(WAITING);
        let (ending, ended) = oneshot::channel();
        let shared = &*self.0;
        // What a thread that has ended left behind does not wait any more.
        shared.waiting.store(0, Relaxed);
        let writer = Writer {
            revision: shared.target.revision.load(Acquire),
            settings: shared.target.settings().clone(),
            target: shared.target.clone(),
            board: shared.board.clone(),
            lines: shared.lines.clone(),
            dropped: shared.dropped.clone(),
            removed: shared.removed.clone(),
            waiting: shared.waiting.clone(),
            open: None,
            looked: None,
            told: false,
            problem: None,
        };
        let run = move || {
            // Outlives the files.
            let _ending = ending;
            writer.run(&receiver);
        };
        match std::thread::Builder::new().name(NAME.into()).spawn(run) {
            Ok(_) => Queue::Open { entries, ended },
            Err(error) => {
                let text =
                    format!("the data log has no thread to write on: {error}; nothing is logged until the next start");
                log::error!("{text}");
                shared.board.set(NAME, StatusSubject::Provider, StatusKind::Error, &text);
                Queue::Closed
            }
        }
    }
}

/// The file of an hour.
struct Open {
    name: String,
    file: BufWriter<File>,
    /// Written since the space was looked at.
    fresh: u64,
    /// Lines that the system has not taken yet, and since when the first of them waits.
    unflushed: u64,
    oldest: Instant,
}

struct Writer {
    target: Arc<Target>,
    /// What the target says, as of this revision.
    settings: RawLogSettings,
    revision: u64,
    board: StatusBoard,
    lines: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
    removed: Arc<AtomicU64>,
    waiting: Arc<AtomicUsize>,
    open: Option<Open>,
    looked: Option<Instant>,
    /// Whether the status says where it goes.
    told: bool,
    /// What is wrong, while something is.
    problem: Option<String>,
}

impl Writer {
    /// Writes what comes, until all who hold the log have gone.
    fn run(mut self, queue: &Receiver<Entry>) {
        loop {
            let unflushed = self.open.as_ref().filter(|open| open.unflushed > 0);
            let left = unflushed.map_or(FLUSH, |open| FLUSH.saturating_sub(open.oldest.elapsed()));
            if left.is_zero() {
                // Also while more comes all the time.
                self.flush();
                continue;
            }
            let entry = match queue.recv_timeout(left) {
                Ok(entry) => entry,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            };
            self.waiting.fetch_sub(entry.line.len(), Relaxed);
            self.keep_up();
            let due = self.looked.is_none_or(|looked| looked.elapsed() >= BETWEEN_LOOKS);
            let name = file_name(entry.received);
            let other_hour = self.open.as_ref().is_none_or(|open| open.name != name);
            if self.problem.is_some() && !due {
                // It is tried again now and then only.
                self.dropped.fetch_add(1, Relaxed);
                continue;
            }
            let ready = if due || other_hour { self.look(&name) } else { Ok(()) };
            match ready.and_then(|()| self.append(&entry)) {
                // Whether it works is known when the system has taken it.
                Ok(()) if self.problem.is_some() || !self.told => self.flush(),
                Ok(()) => {}
                Err(problem) => {
                    self.dropped.fetch_add(1, Relaxed);
                    self.fail(problem);
                }
            }
        }
    }

    /// Takes over what has been changed in the settings: another file is opened, and it is tried again where it did not work.
    fn keep_up(&mut self) {
        let revision = self.target.revision.load(Acquire);
        if revision == self.revision {
            return;
        }
        self.flush();
        (self.revision, self.settings) = (revision, self.target.settings().clone());
        (self.open, self.looked, self.told, self.problem) = (None, None, false, None);
    }

    /// Makes room, sees whether there is some, and opens the file of this hour.
    fn look(&mut self, name: &str) -> Result<(), String> {
        self.looked = Some(Instant::now());
        // What is written counts when it is on the disk.
        self.flush();
        let directory = &self.settings.directory;
        let shown = directory.display();
        fs::create_dir_all(directory).map_err(|error| format!("the directory {shown} can't be made: {error}"))?;
        self.make_room(name)?;
        let free =
            free_bytes(directory).map_err(|error| format!("the space in {shown} can't be found out: {error}"))?;
        if free < self.settings.reserve {
            return Err(format!(
                "only {} MB are free in {shown}, and {} MB have to remain: remove files, or let the log go elsewhere \
                 (loggingDirectory)",
                free / 1_000_000,
                self.settings.reserve / 1_000_000
            ));
        }
        if self.open.as_ref().is_none_or(|open| open.name != name) {
            let path = directory.join(name);
            let file = OpenOptions::new().create(true).append(true).open(&path);
            let file = file.map_err(|error| format!("{} can't be opened: {error}", path.display()))?;
            let (name, file) = (name.to_owned(), BufWriter::new(file));
            self.open = Some(Open { name, file, fresh: 0, unflushed: 0, oldest: Instant::now() });
        }
        if let Some(open) = &mut self.open {
            open.fresh = 0;
        }
        Ok(())
    }

    /// Removes the oldest files until what is left keeps within the bounds, with the present one.
    fn make_room(&self, present: &str) -> Result<(), String> {
        let shown = self.settings.directory.display();
        let unreadable = |error: io::Error| format!("the directory {shown} can't be read: {error}");
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.settings.directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
            files.push((name.to_owned(), entry.metadata().map_or(0, |data| data.len())));
        }
        // The hour is in the name, in an order that is that of the letters.
        files.sort();
        let most = self.settings.files.unwrap_or(usize::MAX).max(1);
        let mut count = files.len() + usize::from(!files.iter().any(|(name, _)| name == present));
        let mut bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        for (name, size) in files {
            if count <= most && bytes <= self.settings.bytes {
                break;
            }
            if name == present {
                // Where the clock was put back, files of hours to come are removed next.
                continue;
            }
            let path = self.settings.directory.join(&name);
            fs::remove_file(&path).map_err(|error| format!("{} can't be removed: {error}", path.display()))?;
            self.removed.fetch_add(1, Relaxed);
            count -= 1;
            bytes -= size;
        }
        if bytes > self.settings.bytes {
            return Err(format!(
                "the file of this hour alone has reached the {} MB that the log may take; the rest of the hour is not logged. \
                 Log fewer connections, or allow more (logBytesToKeep)",
                self.settings.bytes / 1_000_000
            ));
        }
        Ok(())
    }

    fn append(&mut self, entry: &Entry) -> Result<(), String> {
        let Some(open) = &mut self.open else { return Err("there is no file to write to".into()) };
        let written = write!(open.file, "{};{};", entry.received.as_millisecond(), entry.kind)
            .and_then(|()| open.file.write_all(&entry.line))
            .and_then(|()| open.file.write_all(b"\n"));
        written.map_err(|error| format!("{} can't be written: {error}", open.name))?;
        if open.unflushed == 0 {
            open.oldest = Instant::now();
        }
        open.unflushed += 1;
        open.fresh += entry.line.len() as u64 + 18;
        if open.fresh > self.settings.reserve.max(LITTLE) / 4 || open.fresh > self.settings.bytes / 16 {
            // Much has come since the space was looked at.
            self.looked = None;
        }
        Ok(())
    }

    /// Hands over to the system what it has not taken yet. Only then it counts as written.
    fn flush(&mut self) {
        let Some(open) = &mut self.open else { return };
        let result = open.file.flush();
        let lines = std::mem::take(&mut open.unflushed);
        match result {
            Ok(()) if lines == 0 => {}
            Ok(()) => {
                self.lines.fetch_add(lines, Relaxed);
                self.recovered();
            }
            Err(error) => {
                let problem = format!("{} can't be written: {error}", open.name);
                self.dropped.fetch_add(lines, Relaxed);
                // What could not be written is not tried again.
                if let Some(open) = self.open.take() {
                    let _ = open.file.into_parts();
                }
                self.fail(problem);
            }
        }
    }

    fn fail(&mut self, problem: String) {
        if self.problem.as_ref() != Some(&problem) {
            log::error!("data log: {problem}. Received lines are not logged until it works again.");
            self.board.set(NAME, StatusSubject::Provider, StatusKind::Error, &problem);
            self.problem = Some(problem);
        }
    }

    fn recovered(&mut self) {
        if self.problem.take().is_some() || !std::mem::replace(&mut self.told, true) {
            let text = format!("Logging to {}", self.settings.directory.display());
            self.board.set(NAME, StatusSubject::Provider, StatusKind::Status, &text);
        }
    }
}

/// The file of an instant: `skserver-raw_2026-05-02T09.log`, in UTC.
fn file_name(at: Timestamp) -> String {
    let civil = TimeZone::UTC.to_datetime(at);
    format!("{PREFIX}{:04}-{:02}-{:02}T{:02}{SUFFIX}", civil.year(), civil.month(), civil.day(), civil.hour())
}

fn is_ours(name: &str) -> bool {
    let hour = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
    hour.is_some_and(|hour| hour.len() == 13 && hour.bytes().all(|byte| byte.is_ascii_digit() || b"-T".contains(&byte)))
}

fn free_bytes(directory: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(directory)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

#[cfg(test)]
#[path = "raw_log_tests.rs"]
mod tests;
