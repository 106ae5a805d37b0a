//! What waits to be taken by a client, and what becomes of it when the client is slow (signalk-v1 §5.12).
//!
//! Frames flow until the client's mailbox is full; then they queue. When more than [`ENTER_BYTES`] are queued, rendered text is no
//! longer added: values are kept one per context, path and `$source`, the latest winning, and are sent when the queue has drained.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use foldhash::fast::RandomState;
use serde_json::json;
use windlass_broker::{SharedDelta, ValueIndex};

use super::rate::ValueKey;

/// Queued bytes at which values are conflated instead of queued.
pub const ENTER_BYTES: usize = 512 * 1024;
/// How long a client may stay behind before it is disconnected.
pub const MAX_BEHIND: Duration = Duration::from_secs(30);
/// Most values kept for a slow client.
const MAX_CONFLATED: usize = 50_000;

/// Something for the client.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// Text that can't be conflated: metadata.
    Text(ByteString),
    /// A delta as it is.
    Whole(Arc<SharedDelta>),
    /// One value of a delta.
    Value(Arc<SharedDelta>, ValueIndex),
}

impl Outgoing {
    fn text(&self) -> ByteString {
        match self {
            Self::Text(text) => text.clone(),
            Self::Whole(delta) => delta.whole(),
            Self::Value(delta, index) => delta.single(*index),
        }
    }
}

/// The queue before a client.
#[derive(Debug, Default)]
pub struct Outbox {
    queued: Vec<ByteString>,
    queued_bytes: usize,
    behind: Option<Behind>,
}

#[derive(Debug)]
struct Behind {
    since: Instant,
    latest: HashMap<ValueKey, (u64, Arc<SharedDelta>, ValueIndex), RandomState>,
    texts: Vec<ByteString>,
    order: u64,
    replaced: u64,
}

/// What adding something did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Added {
    /// The client has just fallen behind.
    pub fell_behind: bool,
    /// Values that were replaced by a later one.
    pub conflated: u64,
    /// It has been behind too long, or owes too much: it has to be disconnected.
    pub hopeless: bool,
}

impl Outbox {
    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.behind.is_none()
    }

    /// Bytes of text that wait.
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Adds something while the client can't take it.
    pub fn add(&mut self, item: Outgoing, now: Instant) -> Added {
        let mut added = Added::default();
        if self.behind.is_none() {
            if self.queued_bytes < ENTER_BYTES {
                self.push(item.text());
                return added;
            }
            added.fell_behind = true;
            self.behind =
                Some(Behind { since: now, latest: HashMap::default(), texts: Vec::new(), order: 0, replaced: 0 });
        }
        if let Some(behind) = &mut self.behind {
            added.conflated = behind.add(item);
            let owes_too_much = behind.latest.len() + behind.texts.len() > MAX_CONFLATED;
            added.hopeless = owes_too_much || now.saturating_duration_since(behind.since) > MAX_BEHIND;
        }
        added
    }

    /// Takes what is to be sent next: the queue, or once that is empty the conflated values, which ends the back-pressure.
    pub fn take(&mut self, now: Instant) -> Vec<ByteString> {
        if self.queued.is_empty()
            && let Some(behind) = self.behind.take()
        {
            return behind.into_frames(now);
        }
        self.queued_bytes = 0;
        std::mem::take(&mut self.queued)
    }

    fn push(&mut self, text: ByteString) {
        self.queued_bytes += text.len();
        self.queued.push(text);
    }
}

impl Behind {
    fn add(&mut self, item: Outgoing) -> u64 {
        let before = self.replaced;
        match item {
            Outgoing::Text(text) => self.texts.push(text),
            Outgoing::Value(delta, index) => self.replace(&delta, index),
            Outgoing::Whole(delta) => {
                for (u, update) in delta.delta().updates.iter().enumerate() {
                    for v in 0..update.values.len() {
                        self.replace(&delta, ValueIndex { update: u as u16, value: v as u16 });
                    }
                    if !update.meta.is_empty() {
                        let mut only_meta = delta.delta().clone();
                        only_meta.updates = [update.clone()].into_iter().collect();
                        only_meta.updates[0].values.clear();
                        self.texts.push(only_meta.render());
                    }
                }
            }
        }
        self.replaced - before
    }

    fn replace(&mut self, delta: &Arc<SharedDelta>, index: ValueIndex) {
        self.order += 1;
        let value = (self.order, delta.clone(), index);
        if self.latest.insert(ValueKey::of(delta, index), value).is_some() {
            self.replaced += 1;
        }
    }

    /// The values in the order of their arrival, each marked with what happened.
    fn into_frames(self, now: Instant) -> Vec<ByteString> {
        let duration = now.saturating_duration_since(self.since).as_millis();
        let mark = json!({"accumulated": self.latest.len(), "duration": duration});
        let mut values: Vec<_> = self.latest.into_values().collect();
        values.sort_by_key(|(order, _, _)| *order);
        let mut frames = self.texts;
        for (_, delta, index) in values {
            let text = delta.single(index);
            let body = text.strip_suffix('}').unwrap_or(&text);
            frames.push(format!("{body},\"$backpressure\":{mark}}}").into());
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use windlass_broker::{Context, DeltaVersion, Intake, Provider};

    use super::*;

    fn delta(n: usize, padding: usize) -> Arc<SharedDelta> {
        let context = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
        let provider = Provider::new("test").expect("a name");
        let intake = Intake { self_context: context, provider, override_timestamps: false };
        let values = [json!({"path": "a", "value": n}), json!({"path": "b", "value": "x".repeat(padding)})];
        let text = json!({"updates": [{"values": values}]}).to_string();
        SharedDelta::new(intake.take(&text, DeltaVersion::V1).delta.expect("a delta"))
    }

    #[test]
    fn a_slow_client_gets_all_of_the_queue_and_then_the_latest_values() {
        // SK-224
        let (mut outbox, start) = (Outbox::default(), Instant::now());
        let mut queued = 0;
        loop {
            let added = outbox.add(Outgoing::Whole(delta(queued, 1000)), start);
            if added.fell_behind {
                break;
            }
            queued += 1;
        }
        assert!((400..600).contains(&queued), "{queued}");
        for n in 0..1000 {
            let added = outbox.add(Outgoing::Whole(delta(10_000 + n, 1000)), start);
            assert_eq!((added.conflated, added.hopeless), (2, false));
        }
        assert_eq!(outbox.take(start).len(), queued);
        let latest = outbox.take(start + Duration::from_millis(7));
        assert!(outbox.is_empty());
        assert_eq!(latest.len(), 2);
        let first: serde_json::Value = serde_json::from_str(&latest[0]).expect("JSON");
        assert_eq!(first["updates"][0]["values"][0]["value"], 10_999);
        assert_eq!(first["$backpressure"], json!({"accumulated": 2, "duration": 7}));
    }

    #[test]
    fn a_client_that_stays_behind_is_hopeless() {
        let (mut outbox, start) = (Outbox::default(), Instant::now());
        while !outbox.add(Outgoing::Whole(delta(0, 60_000)), start).fell_behind {}
        assert!(!outbox.add(Outgoing::Whole(delta(0, 1)), start + MAX_BEHIND).hopeless);
        assert!(outbox.add(Outgoing::Whole(delta(0, 1)), start + MAX_BEHIND + Duration::from_millis(1)).hopeless);
    }
}
