//! What a guest, and the server on behalf of one, says to the operator: so many lines in a second, none too long.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{Host, Limits, OutputStream, text};

const SECOND: Duration = Duration::from_secs(1);

/// Passes lines of one guest on to its host. Lines beyond [`Limits::log_lines_per_second`] are dropped and counted, longer ones than
/// [`Limits::log_line_bytes`] are cut off.
pub(crate) struct Voice {
    host: Arc<dyn Host>,
    lines_per_second: u32,
    line_bytes: usize,
    now: Mutex<Now>,
    dropped: AtomicU64,
}

/// The second that is being counted.
struct Now {
    begun: Instant,
    passed: u32,
    dropped: u64,
}

impl Voice {
    pub(crate) fn new(host: Arc<dyn Host>, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            host,
            lines_per_second: limits.log_lines_per_second,
            line_bytes: limits.log_line_bytes,
            now: Mutex::new(Now { begun: Instant::now(), passed: 0, dropped: 0 }),
            dropped: AtomicU64::new(0),
        })
    }

    /// A line of debug text.
    pub(crate) fn debug(&self, text: &str) {
        if self.admit() {
            self.host.debug(text::clip(text, self.line_bytes));
        }
    }

    /// A status text: each is a line of the log as well.
    pub(crate) fn set_status(&self, text: &str) {
        if self.admit() {
            self.host.set_status(text::clip(text, self.line_bytes));
        }
    }

    /// An error text, likewise.
    pub(crate) fn set_error(&self, text: &str) {
        if self.admit() {
            self.host.set_error(text::clip(text, self.line_bytes));
        }
    }

    /// Something that failed on behalf of the guest, which cannot be told itself: debug text and error.
    pub(crate) fn complain(&self, text: &str) {
        self.debug(text);
        self.set_error(text);
    }

    /// A line written to a standard stream.
    pub(crate) fn output_line(&self, stream: OutputStream, line: &str) {
        if self.admit() {
            self.host.output_line(stream, text::clip(line, self.line_bytes));
        }
    }

    /// Longest line passed on, in bytes.
    pub(crate) fn line_bytes(&self) -> usize {
        self.line_bytes
    }

    /// How many lines were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether one more line may pass now. Reports lines dropped as soon as a new second begins.
    fn admit(&self) -> bool {
        let (pass, report) = {
            // Plain numbers, whole at any time.
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            let mut report = 0;
            if now.begun.elapsed() >= SECOND {
                report = now.dropped;
                *now = Now { begun: Instant::now(), passed: 0, dropped: 0 };
            }
            let pass = now.passed < self.lines_per_second;
            if pass {
                now.passed += 1;
            } else {
                now.dropped += 1;
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            (pass, report)
        };
        if report > 0 {
            self.host.notice(&format!(
                "{report} lines of output were dropped: the plugin writes more than {} lines per second",
                self.lines_per_second
            ));
        }
        pass
    }
}
