//! The latest lines of one plugin: what it says, and what happens to it (§9).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::watch;
use windlass_broker::Timestamp;

/// Lines that are kept for one plugin.
const CAPACITY: usize = 500;
/// Longest line that is kept, in bytes; the rest is cut off.
const MAX_LINE: usize = 2048;
const SECOND: Duration = Duration::from_secs(1);

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Debug text, standard output.
    Debug,
    /// What happens in the course of things.
    Info,
    /// Standard error, error texts of the plugin, notices to the operator.
    Warn,
    /// It does not run.
    Error,
}

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogSource {
    /// Debug text of the plugin: `sk_debug`, `console.*`, `trace`.
    Debug,
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
    /// The status and error texts that it sets.
    Status,
    /// The server, about the plugin.
    Server,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// Counts the plugin's lines, from 1, without gaps.
    pub seq: u64,
    /// When it was written.
    pub time: Timestamp,
    /// How grave it is.
    pub level: LogLevel,
    /// Where it comes from.
    pub source: LogSource,
    /// The text, cut off after 2 KiB.
    pub text: String,
}

/// An excerpt: `GET …/plugins/<id>/log`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogExcerpt {
    /// Lines that are no longer there: they were written after the last one that was asked from, and have made room for others since.
    pub missed: u64,
    /// The number to ask from next time.
    pub last: u64,
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
}

/// The book of one plugin. Written from its thread, read from any.
#[derive(Debug)]
pub(super) struct LogBook {
    pages: Mutex<Pages>,
    written: watch::Sender<u64>,
}

#[derive(Debug)]
struct Pages {
    lines: VecDeque<LogLine>,
    last: u64,
    /// The second that is being counted, the plugin's own lines in it and in the one before.
    second: Instant,
    in_second: u32,
    in_second_before: u32,
}

impl Default for LogBook {
    fn default() -> Self {
        let second = Instant::now();
        let pages = Pages { lines: VecDeque::new(), last: 0, second, in_second: 0, in_second_before: 0 };
        Self { pages: Mutex::new(pages), written: watch::Sender::new(0) }
    }
}

impl LogBook {
    /// Adds a line.
    pub(super) fn write(&self, level: LogLevel, source: LogSource, text: &str) {
        let mut pages = self.lock();
        if matches!(source, LogSource::Debug | LogSource::Stdout | LogSource::Stderr) {
            pages.count(Instant::now());
        }
        pages.last += 1;
        let end = text.floor_char_boundary(MAX_LINE);
        let line = LogLine { seq: pages.last, time: Timestamp::now(), level, source, text: text[..end].to_owned() };
        if pages.lines.len() >= CAPACITY {
            pages.lines.pop_front();
        }
        pages.lines.push_back(line);
        let last = pages.last;
        drop(pages);
        self.written.send_replace(last);
    }

    /// The lines after number `after`.
    pub(super) fn after(&self, after: u64) -> LogExcerpt {
        let pages = self.lock();
        // A number from before a restart of the server is beyond the last one: everything is new.
        let after = if after > pages.last { 0 } else { after };
        let lines: Vec<_> = pages.lines.iter().filter(|line| line.seq > after).cloned().collect();
        LogExcerpt { missed: pages.last - after - lines.len() as u64, last: pages.last, lines }
    }

    /// The same; when there is none yet, waits for one, but no longer than `patience`.
    pub(super) async fn wait_after(&self, after: u64, patience: Duration) -> LogExcerpt {
        let mut written = self.written.subscribe();
        let excerpt = self.after(after);
        if !excerpt.lines.is_empty() || patience.is_zero() {
            return excerpt;
        }
        // Either something was written or the time is over; both is seen below.
        let _ = tokio::time::timeout(patience, written.changed()).await;
        self.after(after)
    }

    /// Lines of the plugin itself in the latest full second.
    pub(super) fn lines_per_second(&self) -> u32 {
        let mut pages = self.lock();
        pages.turn(Instant::now());
        pages.in_second_before
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        // Whole between any two statements above, also after a panic.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn count(&mut self, now: Instant) {
        self.turn(now);
        self.in_second += 1;
    }

    fn turn(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.second);
        if since >= SECOND {
            self.in_second_before = if since < SECOND * 2 { self.in_second } else { 0 };
            self.in_second = 0;
            self.second = if since < SECOND * 2 { self.second + SECOND } else { now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(book: &LogBook, text: &str) {
        book.write(LogLevel::Info, LogSource::Server, text);
    }

    #[test]
    fn who_comes_late_is_told_how_much_was_missed() {
        let book = LogBook::default();
        assert_eq!(book.after(0), LogExcerpt { missed: 0, last: 0, lines: Vec::new() });
        for n in 1..=CAPACITY + 20 {
            note(&book, &n.to_string());
        }
        let all = book.after(0);
        assert_eq!((all.missed, all.last, all.lines.len()), (20, 520, 500));
        assert_eq!((all.lines[0].seq, all.lines[0].text.as_str()), (21, "21"));
        let rest = book.after(518);
        assert_eq!(rest.missed, 0);
        assert_eq!(rest.lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [519, 520]);
        assert_eq!(book.after(10_000).lines.len(), 500, "from another run of the server");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let book = LogBook::default();
        note(&book, &"ø".repeat(3000));
        assert_eq!(book.after(0).lines[0].text, "ø".repeat(MAX_LINE / 2));
        note(&book, &format!("a{}", "ø".repeat(3000)));
        assert_eq!(book.after(1).lines[0].text.len(), MAX_LINE - 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_for_the_next_line() {
        let book = LogBook::default();
        note(&book, "first");
        assert_eq!(book.wait_after(0, Duration::from_secs(25)).await.lines.len(), 1, "at once");
        let (waited, ()) = tokio::join!(book.wait_after(1, Duration::from_secs(25)), async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            note(&book, "second");
        });
        assert_eq!(waited.lines[0].text, "second");
        let since = tokio::time::Instant::now();
        assert_eq!(book.wait_after(2, Duration::from_secs(25)).await.lines, []);
        assert_eq!(since.elapsed().as_secs(), 25);
    }
}
