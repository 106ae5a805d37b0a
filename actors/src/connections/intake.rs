//! From lines to deltas on the bus.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use smallvec::smallvec;
use smol_str::SmolStr;
use tokio::time::Instant;
use windlass_broker::{
    Delta, DeltaVersion, NameError, Path, PathValue, Publish, RawJson, RawJsonError, Source, SourceRef, Timestamp,
    Update,
};

use super::bad_lines::BadLine;
use super::lines::{LineSplitter, Oversized};
use super::link::{End, Link};
use crate::nmea0183::{Decoded, Decoder, Value};

/// Sources of one sender that are kept ready; a boat has a few talkers with a dozen sentences each.
const MAX_SOURCES: usize = 256;

/// Decodes the lines of one sender and publishes what they say, a batch at a time.
///
/// Nothing here is about static data of the own ship (signalk-v1 §2.2 no. 4): the decoder gives none of those paths.
pub(super) struct LineIntake<'a> {
    link: &'a Link,
    decoder: Decoder,
    sources: HashMap<(SmolStr, SmolStr), (Arc<Source>, SourceRef), RandomState>,
    batch: Vec<Delta>,
}

impl<'a> LineIntake<'a> {
    /// An intake without history, for a new sender.
    pub fn new(link: &'a Link) -> Self {
        let decoder = Decoder::new(link.decoding.clone());
        Self { link, decoder, sources: HashMap::default(), batch: Vec::new() }
    }

    /// Takes a line that was received at `now`.
    pub fn take(&mut self, line: Result<&[u8], Oversized<'_>>, now: jiff::Timestamp) {
        self.take_logged(line, now, now);
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
        let received = if self.link.override_timestamps { now } else { logged };
        let decoded = self.decoder.decode(line, logged).map_err(BadLine::from);
        match decoded.and_then(|decoded| self.convert(decoded, received)) {
            Ok(delta) => {
                self.link.counters.add_line(now);
                self.batch.extend(delta);
            }
            Err(problem) => self.refuse(&problem, line, now),
        }
    }

    /// Counts a line that is read at `now` as bad.
    pub fn refuse(&self, problem: &BadLine, line: &[u8], now: jiff::Timestamp) {
        self.link.counters.add_line(now);
        self.link.counters.add_bad_line(problem, line);
    }

    /// Hands the deltas to the broker and waits until it has taken them: that wait is the back-pressure.
    pub async fn publish(&mut self) -> Result<(), End> {
        self.link.counters.report_bad_lines();
        if self.batch.is_empty() {
            return Ok(());
        }
        let deltas = std::mem::take(&mut self.batch);
        let (count, since) = (deltas.len(), Instant::now());
        let message = Publish { provider: self.link.provider.id.clone(), deltas };
        self.link.broker.send(message).await.map_err(|_| End::BrokerStopped)?;
        self.link.counters.add_batch(count, since.elapsed());
        Ok(())
    }

    fn convert(&mut self, decoded: Option<Decoded>, received: jiff::Timestamp) -> Result<Option<Delta>, BadLine> {
        let Some(decoded) = decoded else { return Ok(None) };
        let (source, source_ref) = self.source(decoded.talker, decoded.sentence)?;
        let measured = decoded.timestamp.filter(|_| !self.link.override_timestamps);
        let timestamp = Timestamp::from_millis(measured.unwrap_or(received).as_millisecond());
        let values = decoded
            .values
            .into_iter()
            .map(|(path, value)| Ok::<_, BadLine>(PathValue { path: Path::new(&path)?, value: raw_json(&value)? }));
        let values = values.collect::<Result<_, _>>()?;
        let update = Update { source: Some(source), source_ref, timestamp, values, meta: Vec::new() };
        let context = self.link.self_context.clone();
        Ok(Some(Delta { context, updates: smallvec![update], version: DeltaVersion::V1 }))
    }

    /// The source object and `$source` of a talker's sentence: `<id>.<talker>` (signalk-v1 §1.6).
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
        let source_ref = source.derive_ref(provider)?;
        let made = (Arc::new(source), source_ref);
        if self.sources.len() >= MAX_SOURCES {
            // Someone invents talkers; a cache that starts over stays right.
            self.sources.clear();
        }
        self.sources.insert(key, made.clone());
        Ok(made)
    }
}

/// Takes all lines that are complete; they were received at `now`.
pub(super) fn take_lines(splitter: &mut LineSplitter, intake: &mut LineIntake<'_>, now: jiff::Timestamp) {
    while let Some(line) = splitter.next_line() {
        intake.take(line, now);
    }
}

fn raw_json(value: &Value) -> Result<RawJson, RawJsonError> {
    match value {
        Value::Null => Ok(RawJson::NULL),
        Value::Number(number) => Ok(RawJson::number(*number)),
        Value::Text(text) => Ok(RawJson::string(text)),
        composed => RawJson::parse(&composed.to_json()),
    }
}
