//! Signal K deltas: of another server, of a sensor, or from a recording.

use std::sync::PoisonError;

use smallvec::SmallVec;
use windlass_broker::{
    Context as VesselContext, Delta, DeltaVersion, Intake as DeltaReader, Origin, PathValue, without_static_data,
};

use super::bad_lines::BadLine;
use super::brought::{Known, Verdict};
use super::echoes::{Alarm, Echo};
use super::intake::publish;
use super::lines::Oversized;
use super::link::{End, Link};
use super::plan::SelfHandling;

/// Reads the deltas of one sender and publishes them, a batch at a time.
///
/// What the model holds already, with the same source and the same or a later time, is not published again, unless it was this connection
/// that brought the later one. If this very value has come from elsewhere, it has come around in a circle, which is counted, and when that
/// happens often an alarm is raised.
pub(super) struct DeltaIntake<'a> {
    link: &'a Link,
    reader: DeltaReader,
    own_self: SelfHandling,
    /// The own ship of the sender, if it is known.
    remote_self: Option<VesselContext>,
    /// What it publishes does not come back to it.
    origin: Origin,
    batch: Vec<Delta>,
    /// Whether what is known already is left out. A recording that starts over is to give everything again.
    only_news: bool,
    /// Since when the sender is there, in milliseconds since 1970 by a clock that may be put back.
    since: i64,
    alarm: Alarm,
}

impl<'a> DeltaIntake<'a> {
    /// An intake without history, for a new sender.
    pub fn new(link: &'a Link) -> Self {
        let reader = DeltaReader {
            self_context: link.self_context.clone(),
            provider: link.provider.clone(),
            override_timestamps: link.override_timestamps,
        };
        Self {
            link,
            reader,
            own_self: SelfHandling::Separate,
            remote_self: None,
            origin: Origin::unique(),
            batch: Vec::new(),
            only_news: true,
            since: jiff::Timestamp::now().as_millisecond(),
            alarm: Alarm::new(link),
        }
    }

    /// An intake for a recording.
    pub fn of_recording(link: &'a Link) -> Self {
        Self { only_news: false, ..Self::new(link) }
    }

    /// Whether bytes of value 0 are dropped.
    pub fn removes_nulls(&self) -> bool {
        self.link.lines.remove_nulls
    }

    /// Handles the sender's own ship like this.
    pub fn handling_self(mut self, own_self: SelfHandling) -> Self {
        if let SelfHandling::Named(context) = &own_self {
            self.remote_self = VesselContext::new(context).ok();
        }
        self.own_self = own_self;
        self
    }

    /// The sender has told its own ship.
    pub fn learn_self(&mut self, context: &str) {
        if !matches!(self.own_self, SelfHandling::Named(_)) {
            self.remote_self = VesselContext::new(context).ok();
        }
    }

    /// The connection.
    pub fn link(&self) -> &'a Link {
        self.link
    }

    /// Takes a line that was received at `now`.
    pub fn take(&mut self, line: Result<&[u8], Oversized<'_>>, now: jiff::Timestamp) {
        let line = match line {
            Ok(line) => line.trim_ascii(),
            Err(Oversized(start)) => return self.refuse(&BadLine::DeltaTooLong, start, now),
        };
        if line.is_empty() {
            return;
        }
        self.link.record('I', line, now);
        self.since = self.since.min(now.as_millisecond());
        let text = String::from_utf8_lossy(line);
        // A server says hello and other things that are no deltas; whoever sends something else altogether should hear of it.
        if !text.contains("\"updates\"") && text.starts_with('{') {
            if let Ok(hello) = serde_json::from_str::<Hello>(&text) {
                self.learn_self(&hello.own);
            }
            return self.link.counters.pass_over(line, now);
        }
        let taken = self.reader.take(&text, DeltaVersion::V1);
        self.link.counters.add_line(line, None, now);
        for problem in taken.problems {
            self.link.counters.add_bad_line(&BadLine::Delta(problem), line);
        }
        if let Some(delta) = taken.delta.and_then(|delta| self.settle(delta, text.contains("\"context\""))) {
            self.batch.push(delta);
        }
    }

    /// See [`super::intake::Intake::publish`].
    pub async fn publish(&mut self) -> Result<(), End> {
        self.link.counters.report_bad_lines();
        if self.batch.is_empty() {
            return Ok(());
        }
        publish(self.link, self.origin, std::mem::take(&mut self.batch)).await
    }

    fn refuse(&self, problem: &BadLine, line: &[u8], now: jiff::Timestamp) {
        self.link.counters.add_line(line, None, now);
        self.link.counters.add_bad_line(problem, line);
    }

    /// Gives the delta its place among ours, and takes out what is known already. `None` when nothing is left.
    fn settle(&mut self, mut delta: Delta, has_context: bool) -> Option<Delta> {
        if let Some(remote) = &self.remote_self {
            let separate = self.own_self == SelfHandling::Separate;
            if separate && !has_context {
                delta.context = remote.clone();
            } else if !separate && delta.context == *remote {
                delta.context = self.link.self_context.clone();
            }
        }
        if delta.context == self.link.self_context {
            // Also what another server calls its defaults is received here.
            for update in &mut delta.updates {
                let values = std::mem::take(&mut update.values).into_iter();
                let allowed = values.filter_map(|mut it| {
                    it.value = without_static_data(it.path.as_str(), it.value)?;
                    Some(it)
                });
                update.values = allowed.collect();
            }
        }
        if self.only_news {
            self.keep_news(&mut delta);
        }
        delta.updates.retain(|update| !update.values.is_empty() || !update.meta.is_empty());
        (!delta.updates.is_empty()).then_some(delta)
    }

    fn is_unchanged_notification(&self, context: &VesselContext, value: &PathValue) -> bool {
        value.path.as_str().starts_with("notifications.")
            && self.link.view.latest(context, &value.path).as_ref() == Some(&value.value)
    }

    /// Takes out the values that are known already.
    fn keep_news(&self, delta: &mut Delta) {
        // A map is whole at any moment, also after a panic.
        let mut brought = self.link.past.brought.lock().unwrap_or_else(PoisonError::into_inner);
        for update in &mut delta.updates {
            let (source, timestamp) = (&update.source_ref, &update.timestamp);
            update.values.retain(|value| {
                // Root values have no time, and each server that passes a notification on gives it a time of its own: only their
                // content tells that they are known. They are repeated without a loop, too.
                if self.link.view.is_unchanged_root(&delta.context, value)
                    || self.is_unchanged_notification(&delta.context, value)
                {
                    return false;
                }
                let mut known: SmallVec<[Known; 2]> = SmallVec::new();
                self.link.view.each_of_source(&delta.context, &value.path, source, |timestamp, value, received| {
                    known.push(Known { timestamp: timestamp.clone(), value: value.clone(), received });
                });
                let key = [delta.context.id(), value.path.id(), source.id()];
                let verdict = brought.judge(key, timestamp, &value.value, &known, self.since);
                match verdict {
                    Verdict::News | Verdict::Repeated => {}
                    Verdict::Outdated => self.link.counters.add_outdated(),
                    Verdict::Echo => self.alarm.note(Echo { path: value.path.as_str(), source: source.as_str() }),
                }
                verdict == Verdict::News
            });
        }
    }
}

#[derive(serde::Deserialize)]
struct Hello {
    #[serde(rename = "self")]
    own: String,
}
