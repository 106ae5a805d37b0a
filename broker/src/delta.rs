//! Deltas as the bus carries them: checked, with interned names and values kept as raw JSON (signalk-v1 §2.1).

use std::sync::{Arc, OnceLock};

use bytestring::ByteString;
use smallvec::SmallVec;

use crate::intern::{Context, Path, SourceRef};
use crate::raw_json::RawJson;
use crate::source::Source;
use crate::timestamp::Timestamp;

/// A set of updates about one context.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    /// What it is about; always resolved, never `vessels.self`.
    pub context: Context,
    /// At least one update.
    pub updates: SmallVec<[Update; 1]>,
    /// Version 2 deltas are streamed and cached but are no part of the v1 tree (signalk-v1 §2.2 no. 10).
    pub version: DeltaVersion,
}

/// Which model a delta belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeltaVersion {
    /// The full model of Signal K v1.
    #[default]
    V1,
    /// Course, resources and other state of the v2 interfaces.
    V2,
}

/// Values and metadata from one source at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The source object, when the producer gave one.
    pub source: Option<Arc<Source>>,
    /// The `$source`.
    pub source_ref: SourceRef,
    /// When it was measured or, if the producer did not say, received.
    pub timestamp: Timestamp,
    /// New values.
    pub values: SmallVec<[PathValue; 2]>,
    /// New metadata; the values are JSON objects or null.
    pub meta: Vec<PathValue>,
    /// The id of the notification that is the only value, when it is managed (signalk-v1 §7.1).
    pub notification_id: Option<Arc<str>>,
}

/// A value at a path.
#[derive(Debug, Clone, PartialEq)]
pub struct PathValue {
    /// Where, below the context; empty for root values.
    pub path: Path,
    /// What.
    pub value: RawJson,
    /// What else is known about the value, such as that it is null because its source is silent (signalk-v1 §10). Boxed, because hardly
    /// any value has it.
    pub state: Option<Box<RawJson>>,
}

impl PathValue {
    /// A value of which nothing else is known.
    pub fn new(path: Path, value: RawJson) -> Self {
        Self { path, value, state: None }
    }

    /// Whether it says that its source has fallen silent (signalk-v1 §10). What producers send has no state.
    pub fn is_timed_out(&self) -> bool {
        self.state.is_some() && self.value.is_null()
    }
}

/// Most values that the root values of a delta are told apart into.
const MAX_NAMED: usize = 256;

impl Delta {
    /// The root values under names of their own: `{"communication": {"callsignVhf": "X"}}` at path "" becomes `"X"` at
    /// `communication.callsignVhf` (signalk-v1 §5.4). `None` without root values.
    pub fn root_values_by_name(&self) -> Option<Self> {
        let is_root = |value: &PathValue| value.path.as_str().is_empty() && value.value.is_object();
        if !self.updates.iter().any(|update| update.values.iter().any(is_root)) {
            return None;
        }
        let mut updates = SmallVec::new();
        for update in &self.updates {
            let mut values = SmallVec::new();
            for root in update.values.iter().filter(|value| is_root(value)) {
                name_values("", root.value.to_value(), &mut values);
            }
            if !values.is_empty() {
                updates.push(Update { values, meta: Vec::new(), ..update.clone() });
            }
        }
        (!updates.is_empty()).then(|| Self { context: self.context.clone(), updates, version: self.version })
    }

    /// Writes the delta as one compact JSON document: `context`, then `updates` with `source`, `$source`, `timestamp`, `values`
    /// and `meta` in this order.
    pub fn render(&self) -> ByteString {
        let mut out = String::with_capacity(128 + self.updates.iter().map(Update::text_size).sum::<usize>());
        self.open(&mut out);
        for (i, update) in self.updates.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            update.open(&mut out);
            if !update.values.is_empty() {
                push_entries(&mut out, ",\"values\":[", &update.values);
            }
            if !update.meta.is_empty() {
                push_entries(&mut out, ",\"meta\":[", &update.meta);
            }
            out.push('}');
        }
        out.push_str("]}");
        out.into()
    }

    /// Writes a delta with just one of the values (signalk-v1 §5.4).
    pub fn render_value(&self, update: &Update, value: &PathValue) -> ByteString {
        let mut out = String::with_capacity(160 + value.path.as_str().len() + value.value.as_str().len());
        self.open(&mut out);
        update.open(&mut out);
        push_entries(&mut out, ",\"values\":[", std::slice::from_ref(value));
        out.push_str("}]}");
        out.into()
    }

    fn open(&self, out: &mut String) {
        out.push_str("{\"context\":");
        push_string(out, self.context.as_str());
        out.push_str(",\"updates\":[");
    }
}

impl Update {
    fn open(&self, out: &mut String) {
        out.push('{');
        if let Some(source) = &self.source {
            out.push_str("\"source\":");
            source.push_json(out);
            out.push(',');
        }
        out.push_str("\"$source\":");
        push_string(out, self.source_ref.as_str());
        out.push_str(",\"timestamp\":");
        if self.timestamp.needs_escape() {
            push_string(out, &self.timestamp.to_string());
        } else {
            out.push('"');
            self.timestamp.push_to(out);
            out.push('"');
        }
        if let Some(id) = &self.notification_id {
            out.push_str(",\"notificationId\":");
            push_string(out, id);
        }
    }

    fn text_size(&self) -> usize {
        let entries = self.values.iter().chain(&self.meta);
        96 + entries.map(|e| e.path.as_str().len() + e.value.as_str().len() + 24).sum::<usize>()
            + self.source.as_ref().map_or(0, |_| 96)
    }
}

fn name_values(prefix: &str, value: serde_json::Value, values: &mut SmallVec<[PathValue; 2]>) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                name_values(&name, value, values);
            }
        }
        value if values.len() < MAX_NAMED => {
            // A name that is refused as a path can't be asked for as one.
            if let Ok(path) = Path::new(prefix) {
                values.push(PathValue::new(path, RawJson::of(&value)));
            }
        }
        _ => {}
    }
}

fn push_entries(out: &mut String, open: &str, entries: &[PathValue]) {
    out.push_str(open);
    for (i, entry) in entries.iter().enumerate() {
        out.push_str(if i == 0 { "{\"path\":" } else { ",{\"path\":" });
        push_string(out, entry.path.as_str());
        out.push_str(",\"value\":");
        out.push_str(entry.value.as_str());
        if let Some(state) = &entry.state {
            out.push_str(",\"state\":");
            out.push_str(state.as_str());
        }
        out.push('}');
    }
    out.push(']');
}

/// Appends a JSON string. Names hardly ever need an escape, so that is looked for first.
pub fn push_string(out: &mut String, text: &str) {
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(RawJson::string(text).as_str());
    }
}

/// A delta on its way to the subscribers: shared by all of them, and turned into text at most once per form.
#[derive(Debug)]
pub struct SharedDelta {
    delta: Delta,
    whole: OnceLock<ByteString>,
    utf16: OnceLock<Box<[u8]>>,
    /// One entry a value, in the order of updates and values.
    single: Box<[OnceLock<ByteString>]>,
    bytes: usize,
}

/// Which value of a delta: the update's index and the value's index in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueIndex {
    /// Index into [`Delta::updates`].
    pub update: u16,
    /// Index into [`Update::values`].
    pub value: u16,
}

impl SharedDelta {
    /// Shares a delta.
    pub fn new(delta: Delta) -> Arc<Self> {
        let values = delta.updates.iter().map(|u| u.values.len()).sum();
        let single = std::iter::repeat_with(OnceLock::new).take(values).collect();
        let entries = delta.updates.iter().flat_map(|u| u.values.iter().chain(&u.meta));
        let bytes = entries.map(|entry| entry.value.as_str().len()).sum();
        Arc::new(Self { delta, whole: OnceLock::new(), utf16: OnceLock::new(), single, bytes })
    }

    /// A delta with just one of the values, for those who keep a value for long and must not keep its neighbours alive.
    pub fn detached(&self, index: ValueIndex) -> Arc<Self> {
        let (update, value) = self.value(index);
        let update = Update { values: SmallVec::from_iter([value.clone()]), meta: Vec::new(), ..update.clone() };
        let updates = SmallVec::from_iter([update]);
        Self::new(Delta { context: self.delta.context.clone(), updates, version: self.delta.version })
    }

    /// The delta itself.
    pub fn delta(&self) -> &Delta {
        &self.delta
    }

    /// What its values and metadata take up, in bytes of text.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The text of the whole delta.
    pub fn whole(&self) -> ByteString {
        self.whole.get_or_init(|| self.delta.render()).clone()
    }

    /// The text of the whole delta in UTF-16, which some plugins want; `render` makes it from the text, once for all of them.
    pub fn utf16(&self, render: impl FnOnce(&str) -> Box<[u8]>) -> &[u8] {
        self.utf16.get_or_init(|| render(&self.whole()))
    }

    /// The text of a delta with only this value. The index must come from this delta.
    pub fn single(&self, index: ValueIndex) -> ByteString {
        let (update, value) = self.value(index);
        let before: usize = self.delta.updates[..usize::from(index.update)].iter().map(|u| u.values.len()).sum();
        self.single[before + usize::from(index.value)].get_or_init(|| self.delta.render_value(update, value)).clone()
    }

    /// The update and the value at an index of this delta.
    pub fn value(&self, index: ValueIndex) -> (&Update, &PathValue) {
        let update = &self.delta.updates[usize::from(index.update)];
        (update, &update.values[usize::from(index.value)])
    }
}
