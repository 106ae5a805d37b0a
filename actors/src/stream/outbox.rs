//! What waits to be taken by a client, and what becomes of it when the client is slow (signalk-v1 §5.12).
//!
//! Frames flow as long as the client takes them; then they queue. When more bytes wait for the client than
//! [`SlowClientLimits::enter`](super::SlowClientLimits::enter), rendered text is no longer added: values are kept one per context, path and
//! `$source`, the latest winning, and are sent when the queue has drained.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytestring::ByteString;
use foldhash::fast::RandomState;
use serde_json::{Value, json};
use windlass_broker::{PathValue, RawJson, SharedDelta, ValueIndex};

use super::backlog::{Backlog, WINDOW};
use super::rate::ValueKey;

/// Most texts kept for a slow client. Of values there are never more than the data model has, and they are shared with it.
const MAX_TEXTS: usize = 50_000;
/// Bytes that are passed on to a client at once.
const PART: usize = 64 * 1024;

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

/// The queue of one subscription before its client.
#[derive(Debug)]
pub struct Outbox {
    /// What waits in all queues of the client.
    backlog: Rc<Backlog>,
    queued: VecDeque<ByteString>,
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
    /// What has come since, in bytes.
    bytes: usize,
}

/// What adding something did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Added {
    /// The client has just fallen behind.
    pub fell_behind: bool,
    /// Values that were replaced by a later one.
    pub conflated: u64,
    /// The client has been behind too long, or is owed too much: it has to be disconnected.
    pub hopeless: bool,
}

impl Outbox {
    /// An empty queue.
    pub(super) fn new(backlog: Rc<Backlog>) -> Self {
        Self { backlog, queued: VecDeque::new(), queued_bytes: 0, behind: None }
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.behind.is_none()
    }

    /// Adds something for the client.
    pub fn add(&mut self, item: Outgoing, now: Instant) -> Added {
        let mut added = Added::default();
        if self.behind.is_none() {
            if !self.backlog.is_long() {
                self.push(item.text(), now);
                return added;
            }
            added.fell_behind = true;
            self.behind = Some(Behind {
                since: now,
                latest: HashMap::default(),
                texts: Vec::new(),
                order: 0,
                replaced: 0,
                bytes: 0,
            });
        }
        if let Some(behind) = &mut self.behind {
            let bytes = item.text().len();
            behind.bytes += bytes;
            self.backlog.grow(bytes, now);
            added.conflated = behind.add(item);
            added.hopeless = behind.texts.len() > MAX_TEXTS || self.backlog.is_hopeless(now);
        }
        added
    }

    /// How much room in the window has to be free before something can be sent. What was kept back while the client was behind needs nearly
    /// all of it: the client has to have caught up first.
    pub fn room_wanted(&self) -> u32 {
        let room = match (&self.behind, self.queued.is_empty()) {
            (Some(_), true) => self.backlog.room_when_caught_up(),
            _ => self.queued_bytes.clamp(1, PART),
        };
        u32::try_from(room.min(WINDOW)).unwrap_or(u32::MAX)
    }

    /// Takes what is to be sent next: about as much as [`Self::room_wanted`] said.
    ///
    /// When the queue is empty, the client has caught up: then the values that were kept back are queued, and nothing is taken.
    pub fn take(&mut self, now: Instant) -> Vec<ByteString> {
        if self.queued.is_empty()
            && let Some(behind) = self.behind.take()
        {
            self.backlog.shrink(behind.bytes);
            for frame in behind.into_frames(now) {
                self.push(frame, now);
            }
            return Vec::new();
        }
        let (mut part, mut bytes) = (Vec::new(), 0);
        while bytes < PART
            && let Some(frame) = self.queued.pop_front()
        {
            bytes += frame.len();
            part.push(frame);
        }
        self.queued_bytes -= bytes;
        self.backlog.shrink(bytes);
        part
    }

    fn push(&mut self, text: ByteString, now: Instant) {
        self.queued_bytes += text.len();
        self.backlog.grow(text.len(), now);
        self.queued.push_back(text);
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.backlog.shrink(self.queued_bytes + self.behind.as_ref().map_or(0, |behind| behind.bytes));
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
        let key = ValueKey::of(delta, index);
        let mut value = (self.order, delta.clone(), index);
        if let Some((_, earlier, at)) = self.latest.get(&key) {
            self.replaced += 1;
            if delta.value(index).1.path.as_str().is_empty()
                && let Some(merged) = merge_root_values(earlier, *at, delta, index)
            {
                value = (self.order, merged, ValueIndex { update: 0, value: 0 });
            }
        }
        self.latest.insert(key, value);
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

/// Root values don't replace one another: each adds its attributes to those before (signalk-v1 §1.4). `None` when one of them is no object.
fn merge_root_values(
    earlier: &SharedDelta,
    at: ValueIndex,
    later: &SharedDelta,
    index: ValueIndex,
) -> Option<Arc<SharedDelta>> {
    let (Value::Object(mut attributes), Value::Object(added)) =
        (earlier.value(at).1.value.to_value(), later.value(index).1.value.to_value())
    else {
        return None;
    };
    attributes.extend(added);
    let mut update = later.value(index).0.clone();
    update.values =
        std::iter::once(PathValue::new(later.value(index).1.path.clone(), RawJson::of(&attributes))).collect();
    update.meta.clear();
    let mut delta = later.delta().clone();
    delta.updates = [update].into_iter().collect();
    Some(SharedDelta::new(delta))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use windlass_broker::{Context, DeltaVersion, Intake, Provider};

    use super::super::backlog::SlowClientLimits;
    use super::*;

    fn delta(n: usize, padding: usize) -> Arc<SharedDelta> {
        let context = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
        let provider = Provider::new("test").expect("a name");
        let intake = Intake { self_context: context, provider, override_timestamps: false };
        let values = [json!({"path": "a", "value": n}), json!({"path": "b", "value": "x".repeat(padding)})];
        let text = json!({"updates": [{"values": values}]}).to_string();
        SharedDelta::new(intake.take(&text, DeltaVersion::V1).delta.expect("a delta"))
    }

    fn outbox() -> (Outbox, Rc<Backlog>) {
        let backlog = Rc::new(Backlog::new(SlowClientLimits::default()));
        (Outbox::new(backlog.clone()), backlog)
    }

    #[test]
    fn a_slow_client_gets_all_of_the_queue_and_then_the_latest_values() {
        // SK-224
        let ((mut outbox, backlog), start) = (outbox(), Instant::now());
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
        let mut taken = 0;
        while taken < queued {
            assert!(outbox.room_wanted() <= PART as u32);
            let part = outbox.take(start).len();
            assert!((1..100).contains(&part), "{part} at once");
            taken += part;
        }
        assert_eq!(taken, queued, "what was queued leaves as it came");
        assert_eq!(outbox.room_wanted() as usize, backlog.room_when_caught_up());
        assert_eq!(outbox.take(start + Duration::from_millis(7)).len(), 0);
        let latest = outbox.take(start);
        assert!(outbox.is_empty());
        assert_eq!((latest.len(), backlog.bytes()), (2, 0));
        let first: serde_json::Value = serde_json::from_str(&latest[0]).expect("JSON");
        assert_eq!(first["updates"][0]["values"][0]["value"], 10_999);
        assert_eq!(first["$backpressure"], json!({"accumulated": 2, "duration": 7}));
    }

    fn root(value: serde_json::Value) -> Arc<SharedDelta> {
        let context = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
        let provider = Provider::new("test").expect("a name");
        let intake = Intake { self_context: context, provider, override_timestamps: false };
        let updates = json!([{"$source": "s", "values": [{"path": "", "value": value}]}]);
        let text = json!({"context": "vessels.urn:mrn:imo:mmsi:2", "updates": updates}).to_string();
        SharedDelta::new(intake.take(&text, DeltaVersion::V1).delta.expect("a delta"))
    }

    #[test]
    fn root_values_of_a_slow_client_add_up() {
        // SK-224, SK-42
        let ((mut outbox, _), now) = (outbox(), Instant::now());
        while !outbox.add(Outgoing::Whole(delta(0, 60_000)), now).fell_behind {}
        for value in [json!({"name": "A", "flag": "FI"}), json!({"mmsi": "1"}), json!({"name": "B"})] {
            outbox.add(Outgoing::Whole(root(value)), now);
        }
        let mut frames = Vec::new();
        while !outbox.is_empty() {
            frames.extend(outbox.take(now));
        }
        let roots: Vec<serde_json::Value> = frames
            .iter()
            .map(|frame| serde_json::from_str(frame).expect("JSON"))
            .filter(|frame: &serde_json::Value| frame["updates"][0]["values"][0]["path"] == "")
            .collect();
        assert_eq!(roots.len(), 1, "{roots:?}");
        let value = &roots[0]["updates"][0]["values"][0]["value"];
        assert_eq!(value, &json!({"name": "B", "flag": "FI", "mmsi": "1"}));
    }

    #[test]
    fn many_values_alone_make_no_client_hopeless() {
        let ((mut outbox, _), now) = (outbox(), Instant::now());
        while !outbox.add(Outgoing::Whole(delta(0, 60_000)), now).fell_behind {}
        for n in 0..60_000 {
            let context = Context::new("vessels.urn:mrn:imo:mmsi:1").expect("a context");
            let provider = Provider::new("test").expect("a name");
            let intake = Intake { self_context: context, provider, override_timestamps: false };
            let text = json!({"updates": [{"$source": "s", "values": [{"path": format!("many.p{n}"), "value": n}]}]});
            let delta = intake.take(&text.to_string(), DeltaVersion::V1).delta.expect("a delta");
            assert!(!outbox.add(Outgoing::Whole(SharedDelta::new(delta)), now).hopeless, "at {n}");
        }
    }

    #[test]
    fn a_client_that_stays_behind_is_hopeless() {
        // SK-223
        let ((mut outbox, backlog), start) = (outbox(), Instant::now());
        let limits = *backlog.limits();
        while backlog.bytes() <= limits.most {
            assert!(!outbox.add(Outgoing::Whole(delta(0, 60_000)), start).hopeless);
        }
        assert!(!outbox.add(Outgoing::Whole(delta(0, 1)), start + limits.patience).hopeless);
        assert!(outbox.add(Outgoing::Whole(delta(0, 1)), start + limits.patience + Duration::from_millis(1)).hopeless);
        drop(outbox);
        assert_eq!(backlog.bytes(), 0, "what a closed subscription owed is forgotten");
    }
}
