//! The stamp inside every value: who sent it, which one it is and when. It is written into a
//! pre-built frame and found again in whatever frame the server makes of it, both without JSON work.
//!
//! A stamped value is `{"p":1234560007,"seq":200000000042,"t":1000000012345678}`: the run and the
//! producer, the number of the value among that producer's values, and the time in nanoseconds. Keys are in
//! alphabetical order, so that servers that sort keys leave the value as it is; numbers have a fixed
//! width, so that they can be patched, and fit the 53 bits of a JavaScript number.

use memchr::memmem::Finder;

use crate::frame::{ClientFrame, text_frame};

/// The most producers a run may have.
pub const MAX_PRODUCERS: usize = 10_000;
/// Values numbered from here on belong to the probes that find out whether all subscriptions stand.
pub const PROBE_BASE: u64 = 100_000_000_000;
/// Values numbered from here on belong to the measured stream.
pub const LIVE_BASE: u64 = 200_000_000_000;
/// Added to the time so that its width is fixed for the first 90 days of a run.
const TIME_BASE: u64 = 1_000_000_000_000_000;

const SEQ_DIGITS: usize = 12;
const TIME_DIGITS: usize = 16;

/// A number that tells this run's values from those of an earlier run which the server still has cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(u64);

impl RunId {
    /// A run number of fixed width made from any `seed`, such as the time of day.
    pub fn from_seed(seed: u64) -> Self {
        RunId(100_000 + seed % 900_000)
    }
}

/// What a stamp says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The index of the producer.
    pub producer: usize,
    /// Position among the producer's values, [`PROBE_BASE`] or [`LIVE_BASE`] included.
    pub seq: u64,
    /// Nanoseconds of the harness's clock at which the delta was due or sent.
    pub time: u64,
}

/// The name of one of a producer's paths; every index has the same number of digits.
pub fn path_name(producer: usize, path: u64, paths: u64) -> String {
    format!("load.p{producer}.v{path:0width$}", width = path_digits(paths))
}

fn path_digits(paths: u64) -> usize {
    (paths - 1).checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

/// A producer's delta as a ready-made client frame in which only numbers change. Value number `n` is
/// for path `n % paths`.
#[derive(Debug, Clone)]
pub struct DeltaTemplate {
    frame: ClientFrame,
    slots: Vec<Slot>,
    paths: u64,
    path_digits: usize,
}

/// Where the digits of one value end in the payload.
#[derive(Debug, Clone, Copy)]
struct Slot {
    path: usize,
    seq: usize,
    time: usize,
}

impl DeltaTemplate {
    /// A delta with `values` values, for a producer that writes to `paths` paths in turn.
    pub fn new(context: &str, run: RunId, producer: usize, values: u64, paths: u64, mask: [u8; 4]) -> Self {
        let mut text = format!(
            r#"{{"context":{},"updates":[{{"$source":"load.{producer}","values":["#,
            serde_json::Value::from(context)
        );
        let mut slots = Vec::new();
        for at in 0..values {
            if at > 0 {
                text.push(',');
            }
            text.push_str(r#"{"path":""#);
            text.push_str(&path_name(producer, 0, paths));
            let path = text.len();
            text.push_str(&format!(r#"","value":{{"p":{}{producer:04},"seq":"#, run.0));
            text.push_str(&"0".repeat(SEQ_DIGITS));
            let seq = text.len();
            text.push_str(r#","t":"#);
            text.push_str(&"0".repeat(TIME_DIGITS));
            let time = text.len();
            text.push_str("}}");
            slots.push(Slot { path, seq, time });
        }
        text.push_str("]}]}");
        DeltaTemplate { frame: text_frame(text.as_bytes(), mask), slots, paths, path_digits: path_digits(paths) }
    }

    /// The frame whose first value is number `first` of the stream that starts at `base`.
    pub fn stamped(&mut self, base: u64, first: u64, time: u64) -> &[u8] {
        for (number, slot) in (first..).zip(&self.slots) {
            self.frame.patch_number(slot.path, self.path_digits, number % self.paths);
            self.frame.patch_number(slot.seq, SEQ_DIGITS, base + number);
            self.frame.patch_number(slot.time, TIME_DIGITS, TIME_BASE + time);
        }
        self.frame.bytes()
    }

    /// Bytes of a frame on the wire.
    pub fn frame_bytes(&self) -> usize {
        self.frame.bytes().len()
    }
}

/// Finds the stamps in a message.
#[derive(Debug)]
pub struct StampScanner {
    finder: Finder<'static>,
    run: RunId,
}

const OPENING: &[u8] = br#"{"p":"#;

/// What a message held besides the stamps that were handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Stamps of this run.
    pub stamps: u64,
    /// Stamps of an earlier run.
    pub foreign: u64,
    /// Places that begin like a stamp and then are none: the server rewrote the value.
    pub unreadable: u64,
}

impl StampScanner {
    /// A scanner for the stamps of `run`.
    pub fn new(run: RunId) -> Self {
        StampScanner { finder: Finder::new(OPENING), run }
    }

    /// Hands every stamp of this run in `message` to `on_stamp`.
    pub fn scan(&self, message: &[u8], mut on_stamp: impl FnMut(Stamp)) -> Scanned {
        let mut found = Scanned::default();
        let mut rest = message;
        while let Some(at) = self.finder.find(rest) {
            rest = &rest[at + OPENING.len()..];
            let Some((origin, seq, time, after)) = parse_stamp(rest) else {
                found.unreadable += 1;
                continue;
            };
            rest = after;
            if origin / MAX_PRODUCERS as u64 == self.run.0 {
                found.stamps += 1;
                on_stamp(Stamp {
                    producer: (origin % MAX_PRODUCERS as u64) as usize,
                    seq,
                    time: time.saturating_sub(TIME_BASE),
                });
            } else {
                found.foreign += 1;
            }
        }
        found
    }
}

fn parse_stamp(bytes: &[u8]) -> Option<(u64, u64, u64, &[u8])> {
    let (origin, rest) = number(bytes)?;
    let (seq, rest) = number(rest.strip_prefix(br#","seq":"#)?)?;
    let (time, rest) = number(rest.strip_prefix(br#","t":"#)?)?;
    Some((origin, seq, time, rest.strip_prefix(b"}")?))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take(18).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(digits);
    let value = digits.iter().fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0'));
    (!digits.is_empty()).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [9, 8, 7, 6];

    fn clear(frame: &[u8]) -> String {
        let start = 4 + if frame[1] & 0x7F == 126 { 4 } else { 2 };
        let payload = frame[start..].iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        String::from_utf8(payload).unwrap()
    }

    #[test]
    fn a_stamped_delta_is_a_signalk_delta_and_reads_back() {
        let run = RunId::from_seed(42);
        let mut template = DeltaTemplate::new("vessels.self", run, 7, 3, 12, MASK);
        let text = clear(template.stamped(LIVE_BASE, 10, 123_456_789));
        let delta: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(delta["context"], "vessels.self");
        assert_eq!(delta["updates"][0]["$source"], "load.7");
        let values = delta["updates"][0]["values"].as_array().unwrap();
        let paths: Vec<_> = values.iter().map(|value| value["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["load.p7.v10", "load.p7.v11", "load.p7.v00"], "the paths take turns");
        assert_eq!(paths[0], path_name(7, 10, 12));

        let mut stamps = Vec::new();
        let found = StampScanner::new(run).scan(text.as_bytes(), |stamp| stamps.push(stamp));
        assert_eq!(found, Scanned { stamps: 3, ..Scanned::default() });
        let stamp = |seq| Stamp { producer: 7, seq: LIVE_BASE + seq, time: 123_456_789 };
        assert_eq!(stamps, [stamp(10), stamp(11), stamp(12)]);
    }

    #[test]
    fn stamps_of_another_run_and_rewritten_ones_are_counted_apart() {
        let run = RunId::from_seed(1);
        let mut other = DeltaTemplate::new("vessels.self", RunId::from_seed(2), 0, 1, 1, MASK);
        let text = clear(other.stamped(PROBE_BASE, 0, 5)) + r#"{"p":1.5,"seq":3}{"path":"x"}{"p":"#;
        let found = StampScanner::new(run).scan(text.as_bytes(), |stamp| panic!("{stamp:?}"));
        assert_eq!(found, Scanned { stamps: 0, foreign: 1, unreadable: 2 });
    }

    #[test]
    fn numbers_survive_a_javascript_server() {
        let latest = TIME_BASE + 90 * 24 * 3600 * 1_000_000_000;
        assert!(latest < 1 << 53 && LIVE_BASE + PROBE_BASE < 1 << 53);
        assert_eq!(latest.ilog10(), TIME_BASE.ilog10(), "the width stays the same");
    }

    #[test]
    fn path_names_have_one_width() {
        assert_eq!(
            (path_digits(1), path_digits(2), path_digits(10), path_digits(11), path_digits(1000)),
            (1, 1, 1, 2, 3)
        );
    }
}
