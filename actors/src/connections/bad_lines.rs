//! Lines that gave nothing because something is wrong with them: how they are counted, and when one is worth a log line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::Instant;
use windlass_broker::{IntakeError, MAX_DELTA_BYTES, NameError, RawJsonError};

use crate::nmea0183::{MAX_LINE_BYTES, SentenceError};

/// Shortest time between two summaries of one connection.
const SUMMARY_PERIOD: Duration = Duration::from_secs(60);
/// Bytes of a bad line that are shown.
const SHOWN_BYTES: usize = 100;

/// What is wrong with a line, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadLine {
    #[error(
        "a line has more than {MAX_LINE_BYTES} bytes: check that the device sends NMEA 0183, that its lines end with CR LF, \
         and that the baud rate is right"
    )]
    TooLong,
    #[error(
        "a message has more than {MAX_DELTA_BYTES} bytes: check that the other side sends Signal K, one delta a line"
    )]
    DeltaTooLong,
    #[error(transparent)]
    Delta(#[from] IntakeError),
    #[error(transparent)]
    Sentence(#[from] SentenceError),
    #[error(
        "a line of the log holds data of kind {0}, which is not supported yet; only N (NMEA 0183) and I (Signal K) are played"
    )]
    LogKind(char),
    #[error("the values can't be published: {0}")]
    Name(#[from] NameError),
    #[error("the decoder gave a value that is no JSON ({0}): please report this with the line")]
    Value(#[from] RawJsonError),
}

impl BadLine {
    /// Whether the line is a whole sentence, with whose content something is wrong.
    pub fn is_about_content(&self) -> bool {
        matches!(self, Self::Sentence(error) if error.is_about_content())
    }

    /// A short, stable word for counters and statistics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLong | Self::DeltaTooLong => "tooLong",
            Self::Delta(_) => "delta",
            Self::Sentence(error) => error.kind(),
            Self::LogKind(_) => "logKind",
            Self::Name(_) => "name",
            Self::Value(_) => "value",
        }
    }
}

/// The beginning of a line, with everything that is not printable ASCII escaped.
pub(super) fn excerpt(line: &[u8]) -> String {
    let shown = &line[..line.len().min(SHOWN_BYTES)];
    let more = if shown.len() < line.len() { "…" } else { "" };
    format!("{}{more}", shown.escape_ascii())
}

/// Counts bad lines by kind, and keeps the log short: the first of a kind is worth a line, the others a sum once a minute.
#[derive(Debug, Default)]
pub(super) struct BadLines {
    counts: BTreeMap<&'static str, u64>,
    unreported: BTreeMap<&'static str, u64>,
    /// When the log last heard of bad lines.
    reported: Option<Instant>,
}

impl BadLines {
    /// Counts a line. True when it is the first of its kind.
    pub fn count(&mut self, kind: &'static str, now: Instant) -> bool {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let first = *count == 1;
        if first {
            self.reported.get_or_insert(now);
        } else {
            *self.unreported.entry(kind).or_default() += 1;
        }
        first
    }

    /// What to log about the lines since the last summary; `None` when there were none or a minute is not over yet.
    pub fn summary(&mut self, now: Instant) -> Option<String> {
        let reported = self.reported.filter(|_| !self.unreported.is_empty())?;
        let period = now.duration_since(reported);
        if period < SUMMARY_PERIOD {
            return None;
        }
        self.reported = Some(now);
        let total: u64 = self.unreported.values().sum();
        let mut text = format!("{total} more bad lines in the last {} s", period.as_secs());
        for (i, (kind, count)) in std::mem::take(&mut self.unreported).into_iter().enumerate() {
            let separator = if i == 0 { ": " } else { ", " };
            write!(text, "{separator}{kind} {count}").expect("writing to a String cannot fail");
        }
        Some(text)
    }

    /// All bad lines since the start, by kind.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_hears_of_the_first_of_a_kind_and_then_once_a_minute() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut lines = BadLines::default();
        assert!(lines.count("checksum", at(0)));
        assert_eq!(lines.summary(at(100)), None, "nothing more to say");
        assert!(!lines.count("checksum", at(101)));
        assert_eq!(lines.summary(at(101)).as_deref(), Some("1 more bad lines in the last 101 s: checksum 1"));
        for n in 0..100 {
            lines.count(if n % 4 == 0 { "notText" } else { "checksum" }, at(102));
        }
        assert_eq!(lines.summary(at(160)), None, "a minute is not over");
        let summary = lines.summary(at(161));
        assert_eq!(summary.as_deref(), Some("99 more bad lines in the last 60 s: checksum 75, notText 24"));
        assert_eq!(lines.summary(at(300)), None);
        assert_eq!(
            lines.counts().iter().map(|(k, n)| (*k, *n)).collect::<Vec<_>>(),
            [("checksum", 77), ("notText", 25)]
        );
    }

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(excerpt(b"$GP\xff\x00\"\r"), r#"$GP\xff\x00\"\r"#);
        assert_eq!(excerpt(&[b'a'; 101]), format!("{}…", "a".repeat(100)));
    }
}
