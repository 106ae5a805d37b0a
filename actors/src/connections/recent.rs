//! What has come and gone lately, for whoever looks after a connection.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;
use smol_str::SmolStr;

/// Lines that are kept of each direction.
pub(super) const KEPT_LINES: usize = 50;
/// Bytes that are kept of a line.
const KEPT_BYTES: usize = 250;
/// Sentence ids that are counted each on its own.
const MOST_SENTENCES: usize = 64;
/// What the others are counted as.
const OTHERS: SmolStr = SmolStr::new_static("others");
/// Seconds over which the rate is taken.
const RATE_SECONDS: usize = 10;

/// A line that came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastLine {
    /// When.
    pub at: windlass_broker::Timestamp,
    /// Its beginning, without control characters.
    pub line: String,
    /// What is wrong with it, in the words of `badLinesByKind`; absent for a good one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'static str>,
}

/// The lines that came and went last, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LastLines {
    /// What came.
    #[serde(rename = "in")]
    pub received: Vec<LastLine>,
    /// What was written out.
    #[serde(rename = "out")]
    pub written: Vec<LastLine>,
}

/// The live form of it.
#[derive(Debug, Default)]
pub(super) struct Recent {
    received: Ring,
    written: Ring,
    sentences: BTreeMap<SmolStr, u64>,
    rate: Rate,
}

impl Recent {
    /// A line came. `sentence` is its id, if it is a sentence.
    pub fn receive(&mut self, line: &[u8], at: Timestamp, sentence: Option<&str>) {
        self.received.push(line, at);
        self.rate.count(at);
        let Some(sentence) = sentence else { return };
        if let Some(count) = self.sentences.get_mut(sentence) {
            *count += 1;
        } else if self.sentences.len() < MOST_SENTENCES {
            self.sentences.insert(SmolStr::new(sentence), 1);
        } else {
            *self.sentences.entry(OTHERS).or_default() += 1;
        }
    }

    /// A line came that is no data, such as another server's greeting.
    pub fn pass_over(&mut self, line: &[u8], at: Timestamp) {
        self.received.push(line, at);
    }

    /// Something is wrong with the line that came last.
    pub fn blame_last(&mut self, problem: &'static str) {
        if let Some(last) = self.received.0.back_mut() {
            last.problem.get_or_insert(problem);
        }
    }

    /// The line that came last is nothing to show.
    pub fn forget_last(&mut self) {
        self.received.0.pop_back();
    }

    /// A line was written out.
    pub fn write(&mut self, line: &[u8], at: Timestamp) {
        self.written.push(line, at);
    }

    /// Sentences by id.
    pub fn sentences(&self) -> BTreeMap<String, u64> {
        self.sentences.iter().map(|(id, count)| (id.to_string(), *count)).collect()
    }

    /// Lines per second over the last ten whole seconds.
    pub fn lines_per_second(&self, now: Timestamp) -> f64 {
        self.rate.read(now)
    }

    pub fn last_lines(&self) -> LastLines {
        LastLines { received: self.received.read(), written: self.written.read() }
    }
}

#[derive(Debug, Default)]
struct Ring(VecDeque<Kept>);

#[derive(Debug)]
struct Kept {
    at: Timestamp,
    /// Not cleaned: most lines are never looked at.
    line: Vec<u8>,
    /// Whether there was more of it.
    cut: bool,
    problem: Option<&'static str>,
}

impl Ring {
    fn push(&mut self, line: &[u8], at: Timestamp) {
        // The memory of the oldest serves the newest.
        let mut kept =
            if self.0.len() < KEPT_LINES { Vec::new() } else { self.0.pop_front().map_or_else(Vec::new, |it| it.line) };
        let line = line.trim_ascii_end();
        kept.clear();
        kept.extend_from_slice(&line[..line.len().min(KEPT_BYTES)]);
        self.0.push_back(Kept { at, line: kept, cut: line.len() > KEPT_BYTES, problem: None });
    }

    fn read(&self) -> Vec<LastLine> {
        let shown = |kept: &Kept| {
            let text = String::from_utf8_lossy(&kept.line);
            let clean = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
            let line = text.chars().map(clean).chain(kept.cut.then_some('…')).collect();
            let at = windlass_broker::Timestamp::from_millis(kept.at.as_millisecond());
            LastLine { at, line, problem: kept.problem }
        };
        self.0.iter().map(shown).collect()
    }
}

/// Counts by second.
#[derive(Debug, Default)]
struct Rate {
    /// The counts of the latest second and those before it, by the second modulo their number.
    counts: [u32; RATE_SECONDS + 1],
    latest: i64,
}

impl Rate {
    fn count(&mut self, at: Timestamp) {
        self.advance(at.as_second());
        let slot = self.slot(self.latest);
        self.counts[slot] = self.counts[slot].saturating_add(1);
    }

    /// Forgets what is too old for this second. A clock that was set back starts over.
    fn advance(&mut self, second: i64) {
        let slots = self.counts.len() as i64;
        if second < self.latest || second - self.latest >= slots {
            self.counts = [0; RATE_SECONDS + 1];
        } else {
            for passed in self.latest + 1..=second {
                let slot = self.slot(passed);
                self.counts[slot] = 0;
            }
        }
        self.latest = second;
    }

    fn slot(&self, second: i64) -> usize {
        second.rem_euclid(self.counts.len() as i64) as usize
    }

    fn read(&self, now: Timestamp) -> f64 {
        let now = now.as_second();
        let slots = self.counts.len() as i64;
        let whole =
            (now - RATE_SECONDS as i64..now).filter(|second| (self.latest - slots + 1..=self.latest).contains(second));
        let lines: u32 = whole.map(|second| self.counts[self.slot(second)]).sum();
        f64::from(lines) / RATE_SECONDS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_777_000_000 + second).expect("a time")
    }

    #[test]
    fn the_last_lines_are_kept_clean_and_cut() {
        let mut recent = Recent::default();
        for number in 0..KEPT_LINES + 5 {
            recent.receive(format!("$GPRMC,{number}\r\n").as_bytes(), at(0), Some("RMC"));
        }
        recent.receive(b"\x00\x1b[2J\xff \xc2\x9b", at(1), None);
        recent.blame_last("notText");
        recent.blame_last("later");
        recent.receive(&[b'x'; 1000], at(2), None);
        recent.forget_last();
        recent.receive(&[b'y'; 1000], at(2), None);
        recent.write(b"$ECAPB\r\n", at(3));
        let last = recent.last_lines();
        assert_eq!((last.received.len(), last.written.len()), (KEPT_LINES, 1));
        let shown: Vec<_> = last.received.iter().map(|it| it.line.as_str()).collect();
        assert_eq!(shown[0], "$GPRMC,7");
        assert_eq!(shown[KEPT_LINES - 2], "\u{fffd}\u{fffd}[2J\u{fffd} \u{fffd}");
        assert_eq!(last.received[KEPT_LINES - 2].problem, Some("notText"));
        assert_eq!(shown[KEPT_LINES - 1], format!("{}…", "y".repeat(KEPT_BYTES)));
        assert_eq!(last.written[0].line, "$ECAPB");
        let json = serde_json::to_value(&last).expect("JSON");
        assert_eq!(json["out"][0], serde_json::json!({"at": "2026-04-24T03:06:43.000Z", "line": "$ECAPB"}));
    }

    #[test]
    fn sentences_are_counted_by_id_up_to_a_bound() {
        let mut recent = Recent::default();
        for number in 0..200 {
            recent.receive(b"", at(0), Some(&format!("X{number}")));
        }
        recent.receive(b"", at(0), Some("X7"));
        let counted = recent.sentences();
        assert_eq!(
            (counted.len(), counted["X7"], counted["others"]),
            (MOST_SENTENCES + 1, 2, 200 - MOST_SENTENCES as u64)
        );
    }

    #[test]
    fn the_rate_is_that_of_the_last_ten_seconds() {
        let mut recent = Recent::default();
        let mut say = |second, lines| (0..lines).for_each(|_| recent.receive(b"", at(second), None));
        say(0, 5);
        say(3, 15);
        say(10, 7);
        let rate = |recent: &Recent, second| (recent.lines_per_second(at(second)) * 10.0).round() as u32;
        assert_eq!(rate(&recent, 10), 20, "the present second is not over");
        assert_eq!(rate(&recent, 11), 22);
        assert_eq!(rate(&recent, 20), 7);
        assert_eq!(rate(&recent, 21), 0);
        assert_eq!(rate(&recent, 1000), 0);
        recent.receive(b"", at(-100), None);
        assert_eq!(rate(&recent, -99), 1, "a clock that was set back");
    }
}
