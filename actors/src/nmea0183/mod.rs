//! Decoding NMEA 0183 sentences into Signal K paths and SI values.
//!
//! The module is pure: a [`Decoder`] takes one line and the time of reception, and gives the values the line carries.
//! It reads no clock, opens no connection and knows nothing of actors, so a connection, a file player or a test can
//! own one. A sentence travels through four files: `line` frames it (tag block, checksum, fields), `sentences`
//! decodes it with the accessors of `fields`, `clock` completes times of day to instants, and `value` is what comes
//! out. The messages of AIS, which are written in bits, have their own folder, `ais`.
//!
//! The published crates were weighed: `nmea` keeps speeds and angles as `f32`, too coarse to agree with other Signal K
//! decoders, and neither it nor `nmea-parser` knows HDG, DBT, MWD, ROT, RPM, XDR, APB, RMB, XTE, VDR or VLW. Wrapping
//! either would leave most sentences to own code beside a second error model, so the table here is complete instead.
//!
//! An empty field means "not available". It becomes `null` where a consumer should learn that a value it had is gone
//! (depth, position, course and speed), and is left out otherwise; it is never taken for zero.

mod ais;
mod clock;
mod error;
mod fields;
mod line;
mod sentences;
mod units;
mod value;

#[cfg(test)]
mod fuzz_corpus;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use smallvec::SmallVec;
use smol_str::SmolStr;

use ais::Fragments;
pub use ais::ship_type;
use clock::ReceiverClock;
pub use error::SentenceError;
use fields::Fields;
use line::Line;
pub use line::MAX_LINE_BYTES;
pub(crate) use line::{append_checksum, sentence_id};
use sentences::SatelliteGroups;
pub use value::Value;

/// How a [`Decoder`] treats the lines of one connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// Refuse sentences whose checksum is wrong or missing (`validateChecksum` of the connection, on by default).
    pub validate_checksum: bool,
    /// Three-letter sentence ids that are dropped without decoding (`ignoredSentences` of the connection).
    pub ignored_sentences: Vec<SmolStr>,
}

impl Default for Options {
    fn default() -> Self {
        Self { validate_checksum: true, ignored_sentences: Vec::new() }
    }
}

/// The path and value pairs of a sentence; most sentences carry at most four.
pub type Values = SmallVec<[(SmolStr, Value); 4]>;

/// What one sentence says.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Who spoke: the talker id (`GP`, `II`, a number from a gateway), or the source named by a tag block.
    pub talker: SmolStr,
    /// The sentence id in capitals, such as `RMC`.
    pub sentence: SmolStr,
    /// What it is about, such as `vessels.urn:mrn:imo:mmsi:230035780`; `None` is the own ship.
    pub context: Option<SmolStr>,
    /// When it was measured, in whole milliseconds, if the sentence or its tag block says so.
    pub timestamp: Option<Timestamp>,
    /// Signal K paths and their values in SI units; never empty. Root values are one object at the path "".
    pub values: Values,
}

impl Decoded {
    /// The value at `path`, if the sentence carries it.
    pub fn value(&self, path: &str) -> Option<&Value> {
        self.values.iter().find(|(own, _)| own == path).map(|(_, value)| value)
    }
}

/// A decoder for the sentences of one connection.
///
/// It keeps what sentences leave to their predecessors: the date, for sentences that give only a time of day, and the
/// beginning of satellite lists and AIS messages that span several sentences. Use one decoder per connection.
#[derive(Debug)]
pub struct Decoder {
    options: Options,
    clock: ReceiverClock,
    satellites: SatelliteGroups,
    fragments: Fragments,
}

impl Decoder {
    /// A decoder without history.
    pub fn new(options: Options) -> Self {
        let (clock, satellites) = (ReceiverClock::default(), SatelliteGroups::default());
        Self { options, clock, satellites, fragments: Fragments::default() }
    }

    /// Sentences since the start that belong to AIS messages of which another sentence did not come.
    pub fn lost_fragments(&self) -> u64 {
        self.fragments.lost()
    }

    /// Decodes one line, given without or with its line end, received at `now`.
    ///
    /// `Ok(None)` is a good line without data: blank, a sentence this decoder does not know, one the talker marked as
    /// void, or one with nothing but empty fields.
    ///
    /// # Errors
    /// See [`SentenceError`]. The decoder stays usable: an error concerns this line only.
    pub fn decode(&mut self, line: &[u8], now: Timestamp) -> Result<Option<Decoded>, SentenceError> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        let Some(line) = Line::parse(line, self.options.validate_checksum)? else {
            return Ok(None);
        };
        let Some(handler) = sentences::handler(&line.sentence) else {
            return Ok(None);
        };
        let ignored = &self.options.ignored_sentences;
        if ignored.iter().any(|ignored| ignored.eq_ignore_ascii_case(&line.sentence)) {
            return Ok(None);
        }
        let fields = Fields::split(&line.sentence, line.data);
        let mut report = Report {
            talker: line.talker,
            now,
            clock: &mut self.clock,
            satellites: &mut self.satellites,
            fragments: &mut self.fragments,
            context: None,
            timestamp: None,
            values: Values::new(),
        };
        handler(&fields, &mut report)?;
        let Report { context, timestamp, values, .. } = report;
        drop(fields);
        if values.is_empty() {
            return Ok(None);
        }
        Ok(Some(Decoded {
            talker: line.source.unwrap_or_else(|| SmolStr::new(line.talker)),
            sentence: line.sentence,
            context,
            timestamp: timestamp.or(line.timestamp),
            values,
        }))
    }
}

/// What a sentence handler works on: the state it may consult and the values it has found so far.
struct Report<'a> {
    talker: &'a str,
    now: Timestamp,
    clock: &'a mut ReceiverClock,
    satellites: &'a mut SatelliteGroups,
    fragments: &'a mut Fragments,
    context: Option<SmolStr>,
    timestamp: Option<Timestamp>,
    values: Values,
}

impl Report<'_> {
    /// Adds a value.
    fn set(&mut self, path: &'static str, value: impl Into<Value>) {
        self.values.push((SmolStr::new_static(path), value.into()));
    }

    /// Adds a value at a path that depends on the sentence, such as an engine's number.
    fn set_at(&mut self, path: SmolStr, value: impl Into<Value>) {
        self.values.push((path, value.into()));
    }

    /// Adds a value, or nothing if the field was empty.
    fn set_some(&mut self, path: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(path, value);
        }
    }

    /// Adds a value, or `null` if the field was empty.
    fn set_or_null(&mut self, path: &'static str, value: Option<impl Into<Value>>) {
        self.set(path, value.map_or(Value::Null, Into::into));
    }
}
