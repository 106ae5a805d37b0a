//! From lines to deltas on the bus: what is common to all inputs, and NMEA 0183.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;
use tokio::time::Instant;
use windlass_broker::{
    Context as VesselContext, Delta, DeltaVersion, MAX_DELTA_BYTES, NameError, Origin, Path, PathValue, Publish,
    RawJson, RawJsonError, Source, SourceRef, Timestamp, Update, without_static_data,
};

use super::bad_lines::BadLine;
use super::delta_intake::DeltaIntake;
use super::lines::{LineSplitter, Oversized};
use super::link::{End, Link};
use super::plan::Protocol;
use crate::nmea0183::{Decoded, Decoder, Options, SentenceError, Value, append_checksum, sentence_id};

/// Sources of one sender that are kept ready; a boat has a few talkers with a dozen sentences each.
const MAX_SOURCES: usize = 256;

/// What takes the lines of one sender.
pub(super) enum Intake<'a> {
    Sentences(LineIntake<'a>),
    Deltas(DeltaIntake<'a>),
}

impl<'a> Intake<'a> {
    /// An intake without history, for a new sender.
    pub fn new(link: &'a Link, protocol: Protocol) -> Self {
        match protocol {
            Protocol::Nmea0183 => Self::Sentences(LineIntake::new(link)),
            Protocol::Gpsd => Self::Sentences(LineIntake { skips_json: true, ..LineIntake::new(link) }),
            Protocol::SignalK => Self::Deltas(DeltaIntake::new(link)),
        }
    }

    fn link(&self) -> &'a Link {
        match self {
            Self::Sentences(intake) => intake.link,
            Self::Deltas(intake) => intake.link(),
        }
    }

    /// What cuts the sender's bytes into lines.
    pub fn splitter(&self) -> LineSplitter {
        match self {
            Self::Sentences(intake) => LineSplitter::default().removing_nulls(intake.link.lines.remove_nulls),
            Self::Deltas(intake) => LineSplitter::with_limit(MAX_DELTA_BYTES).removing_nulls(intake.removes_nulls()),
        }
    }

    /// Takes a line that was received at `now`.
    pub fn take(&mut self, line: Result<&[u8], Oversized<'_>>, now: jiff::Timestamp) {
        match self {
            Self::Sentences(intake) => intake.take(line, now),
            Self::Deltas(intake) => intake.take(line, now),
        }
    }

    /// Takes what came last, without a line end, when the sender has gone.
    pub fn take_unfinished(&mut self, line: Result<&[u8], Oversized<'_>>, now: jiff::Timestamp) {
        match self {
            Self::Sentences(intake) => intake.take_unfinished(line, now),
            // Half a delta is no JSON.
            Self::Deltas(intake) => intake.take(line, now),
        }
    }

    /// Hands the deltas to the broker and waits until it has taken them: that wait is the back-pressure.
    pub async fn publish(&mut self) -> Result<(), End> {
        match self {
            Self::Sentences(intake) => intake.publish().await,
            Self::Deltas(intake) => intake.publish().await,
        }
    }
}

/// Decodes the lines of one sender and publishes what they say, a batch at a time.
pub(super) struct LineIntake<'a> {
    link: &'a Link,
    decoder: Decoder,
    sources: HashMap<(SmolStr, SmolStr), (Arc<Source>, SourceRef), RandomState>,
    batch: Vec<Delta>,
    /// Those of the decoder that are counted already.
    lost_fragments: u64,
    /// Lines of JSON are none of ours.
    skips_json: bool,
    /// Who sent the present line: the connection, or a client of the NMEA 0183 output.
    origin: Origin,
}

impl<'a> LineIntake<'a> {
    /// An intake without history, for a new sender.
    pub fn new(link: &'a Link) -> Self {
        let decoder = Decoder::new(link.lines.decoding.clone());
        Self {
            link,
            decoder,
            sources: HashMap::default(),
            batch: Vec::new(),
            lost_fragments: 0,
            skips_json: false,
            origin: link.origin,
        }
    }

    /// Takes a line that was received at `now`.
    pub fn take(&mut self, line: Result<&[u8], Oversized<'_>>, now: jiff::Timestamp) {
        self.take_logged(line, now, now);
    }

    /// Takes what came last: a sentence whose checksum proves that nothing is missing, whether checksums count otherwise or not. Of a number
    /// that is cut off, what is left is a number, too.
    fn take_unfinished(&mut self, line: Result<&[u8], Oversized<'_>>, now: jiff::Timestamp) {
        if let Ok(line) = line
            && !(self.skips_json && line.starts_with(b"{"))
        {
            let strict = Options { validate_checksum: true, ..self.link.lines.decoding.clone() };
            if let Err(problem) = Decoder::new(strict).decode(line, now) {
                return self.refuse(&problem.into(), line, now);
            }
        }
        self.take(line, now);
    }

    /// Takes a line that a client of the NMEA 0183 output has sent.
    pub fn take_from(&mut self, line: &[u8], origin: Origin, now: jiff::Timestamp) {
        self.origin = origin;
        self.take_logged(Ok(line), now, now);
        self.origin = self.link.origin;
    }

    /// Takes a line that is read at `now` from a log, whose writer received it at `logged`.
    pub fn take_logged(&mut self, line: Result<&[u8], Oversized<'_>>, logged: jiff::Timestamp, now: jiff::Timestamp) {
        let line = match line {
            Ok(line) => line,
            Err(Oversized(start)) => return self.refuse(&BadLine::TooLong, start, now),
        };
        if line.trim_ascii().is_empty() {
            return;
        }
        if self.skips_json && line.starts_with(b"{") {
            return self.link.counters.pass_over(line, now);
        }
        self.link.record('N', line, now);
        let completed = if self.link.lines.append_checksum { append_checksum(line) } else { None };
        let line = completed.as_deref().unwrap_or(line);
        let received = if self.link.override_timestamps { now } else { logged };
        let decoded = self.decoder.decode(line, logged);
        if decoded.as_ref().err().is_none_or(SentenceError::is_about_content) {
            self.link.sentences.emit(&self.link.lines.events, line, self.origin);
        }
        match decoded.map_err(BadLine::from).and_then(|decoded| self.convert(decoded, received)) {
            Ok(delta) => {
                self.link.counters.add_line(line, sentence_id(line), now);
                self.batch.extend(delta);
            }
            Err(problem) => self.refuse(&problem, line, now),
        }
    }

    /// Counts a line that is read at `now` as bad.
    pub fn refuse(&self, problem: &BadLine, line: &[u8], now: jiff::Timestamp) {
        let sentence = if problem.is_about_content() { sentence_id(line) } else { None };
        self.link.counters.add_line(line, sentence, now);
        self.link.counters.add_bad_line(problem, line);
    }

    /// See [`Intake::publish`].
    pub async fn publish(&mut self) -> Result<(), End> {
        self.link.counters.report_bad_lines();
        let lost = self.decoder.lost_fragments();
        self.link.counters.add_lost_fragments(lost - std::mem::replace(&mut self.lost_fragments, lost));
        if self.batch.is_empty() {
            return Ok(());
        }
        publish(self.link, Origin::NONE, std::mem::take(&mut self.batch)).await
    }

    fn convert(&mut self, decoded: Option<Decoded>, received: jiff::Timestamp) -> Result<Option<Delta>, BadLine> {
        let Some(decoded) = decoded else { return Ok(None) };
        let (source, source_ref) = self.source(decoded.talker, decoded.sentence)?;
        let measured = decoded.timestamp.filter(|_| !self.link.override_timestamps);
        let timestamp = Timestamp::from_millis(measured.unwrap_or(received).as_millisecond());
        let context = match &decoded.context {
            Some(context) => VesselContext::new(context)?,
            None => self.link.self_context.clone(),
        };
        let own_ship = context == self.link.self_context;
        let mut values = SmallVec::new();
        for (path, value) in &decoded.values {
            let value = raw_json(value)?;
            let value = if own_ship { without_static_data(path, value) } else { Some(value) };
            if let Some(value) = value {
                values.push(PathValue::new(Path::new(path)?, value));
            }
        }
        if values.is_empty() {
            return Ok(None);
        }
        let meta = Vec::new();
        let update = Update { source: Some(source), source_ref, timestamp, values, meta, notification_id: None };
        Ok(Some(Delta { context, updates: smallvec![update], version: DeltaVersion::V1 }))
    }

    /// The source object and `$source` of a talker's sentence: `<id>.<talker>` (signalk-v1 §1.6), or `<id>.<group>` for a talker that
    /// the settings put into a group.
    fn source(&mut self, talker: SmolStr, sentence: SmolStr) -> Result<(Arc<Source>, SourceRef), NameError> {
        let key = (talker, sentence);
        if let Some(known) = self.sources.get(&key) {
            return Ok(known.clone());
        }
        let (talker, sentence) = key.clone();
        let provider = &self.link.provider;
        let source = Source {
            label: provider.id.as_str().into(),
            kind: Some(SmolStr::new_static("NMEA0183")),
            talker: Some(talker),
            sentence: Some(sentence),
            ..Source::default()
        };
        let source_ref = match self.link.lines.talkers.group(&key.0) {
            Some(group) => SourceRef::new(&format!("{}.{group}", source.label))?,
            None => source.derive_ref(provider)?,
        };
        let made = (Arc::new(source), source_ref);
        if self.sources.len() >= MAX_SOURCES {
            // Someone invents talkers; a cache that starts over stays right.
            self.sources.clear();
        }
        self.sources.insert(key, made.clone());
        Ok(made)
    }
}

/// Hands a batch to the broker, and waits until it has taken it.
pub(super) async fn publish(link: &Link, origin: Origin, deltas: Vec<Delta>) -> Result<(), End> {
    let (count, since) = (deltas.len(), Instant::now());
    let message = Publish { provider: link.provider.id.clone(), origin, deltas };
    let Some(broker) = &link.broker else {
        link.counters.add_batch(count, Duration::ZERO);
        return Ok(());
    };
    broker.send(link.to_broker.carry(message)).await.map_err(|_| End::BrokerStopped)?;
    link.counters.add_batch(count, since.elapsed());
    Ok(())
}

/// Takes all lines that are complete; they were received at `now`.
pub(super) fn take_lines(splitter: &mut LineSplitter, intake: &mut Intake<'_>, now: jiff::Timestamp) {
    let observed = &intake.link().observed;
    let handling = observed.begin();
    while let Some(line) = splitter.next_line() {
        intake.take(line, now);
    }
    observed.pause(handling);
}

fn raw_json(value: &Value) -> Result<RawJson, RawJsonError> {
    match value {
        Value::Null => Ok(RawJson::NULL),
        Value::Number(number) => Ok(RawJson::number(*number)),
        Value::Text(text) => Ok(RawJson::string(text)),
        composed => RawJson::parse(&composed.to_json()),
    }
}
