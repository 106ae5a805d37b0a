//! From a producer's text to checked deltas: the intake rules of signalk-v1 §2.2, applied on the producer's own thread.
//!
//! The usual well-formed delta is read in one pass, borrowing from the text. What does not fit that form is read again, update by
//! update, so that one bad entry costs its update and nothing else.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::delta::{Delta, DeltaVersion, PathValue, Update};
use crate::intern::{Context, NameError, Path, SourceRef};
use crate::raw_json::RawJson;
use crate::source::Provider;
use crate::source_cache;
use crate::timestamp::Timestamp;

/// Most bytes of one delta text.
pub const MAX_DELTA_BYTES: usize = 1024 * 1024;
/// Most bytes of one value.
pub const MAX_VALUE_BYTES: usize = 512 * 1024;
/// Most values and metadata entries of one delta, and most updates.
pub const MAX_ENTRIES: usize = 10_000;
/// Most problems of one delta that are told one by one; the rest is counted.
pub const MAX_PROBLEMS: usize = 20;

/// `$source` of configured vessel data, the only source that may set the own ship's static data.
pub const DEFAULTS_SOURCE: &str = "defaults";

/// What intake needs to know of the server and of the producer.
#[derive(Debug, Clone)]
pub struct Intake {
    /// The own ship's context, which `vessels.self` and a missing context stand for.
    pub self_context: Context,
    /// Who sends.
    pub provider: Provider,
    /// Replace every timestamp with the time of reception.
    pub override_timestamps: bool,
}

/// A delta that was taken in, and what had to be left out of it.
#[derive(Debug, Default)]
pub struct Taken {
    /// The checked delta; `None` when nothing of it was left.
    pub delta: Option<Delta>,
    /// Why parts were dropped, one sentence each.
    pub problems: Vec<IntakeError>,
}

/// Why a delta or a part of it is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// Not JSON.
    #[error("not valid JSON ({0}); send one Signal K delta as a JSON object per message")]
    Json(String),
    /// JSON, but no delta.
    #[error("not a delta: {0}; a delta is an object with an array `updates`")]
    NotADelta(&'static str),
    /// Larger than [`MAX_DELTA_BYTES`].
    #[error("delta of {0} bytes refused; at most {MAX_DELTA_BYTES} bytes are accepted, split it into several deltas")]
    TooLarge(usize),
    /// More than [`MAX_ENTRIES`] values and metadata entries, or updates.
    #[error("delta with {0} entries refused; at most {MAX_ENTRIES} are accepted, split it into several deltas")]
    TooManyEntries(usize),
    /// One update is wrong.
    #[error("update {index} dropped: {reason}")]
    Update {
        /// Which update of the delta, from 0.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// The values of one update can't be used; its metadata can.
    #[error("values of update {index} dropped: {reason}")]
    Values {
        /// Which update of the delta, from 0.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// The metadata of one update is wrong.
    #[error("metadata of update {index} dropped: {reason}")]
    Meta {
        /// Which update of the delta, from 0.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// The context can't be used.
    #[error("delta dropped: {0}")]
    Context(String),
    /// More than [`MAX_PROBLEMS`].
    #[error("{0} more problems in the same delta; what produces it is at fault throughout")]
    More(usize),
}

/// A JSON string, borrowed from the text when it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, v: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(v)))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(v.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// A JSON object read as `T`. serde would also take an array for a struct, field by field; the protocol has no such form.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

#[derive(Deserialize)]
struct WireDelta<'a> {
    #[serde(borrow, default)]
    context: Option<Text<'a>>,
    #[serde(borrow)]
    updates: Updates<'a>,
}

/// The updates of a delta. More than [`MAX_ENTRIES`] are not kept: an empty one takes three bytes of text and many more here.
struct Updates<'a>(SmallVec<[WireUpdate<'a>; 1]>);

impl<'de: 'a, 'a> Deserialize<'de> for Updates<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UpdatesVisitor<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for UpdatesVisitor<'a> {
            type Value = Updates<'a>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array of updates")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Updates<'a>, A::Error> {
                let mut updates = SmallVec::new();
                while let Some(Object(update)) = list.next_element()? {
                    if updates.len() == MAX_ENTRIES {
                        return Err(de::Error::custom("too many updates"));
                    }
                    updates.push(update);
                }
                Ok(Updates(updates))
            }
        }
        deserializer.deserialize_seq(UpdatesVisitor(PhantomData))
    }
}

#[derive(Deserialize)]
struct WireUpdate<'a> {
    #[serde(borrow, default, rename = "$source")]
    source_ref: Option<Text<'a>>,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, default)]
    values: Option<SmallVec<[Object<WireEntry<'a>>; 2]>>,
    #[serde(borrow, default)]
    meta: Option<Vec<Object<WireEntry<'a>>>>,
    /// Why `meta` was left out.
    #[serde(skip)]
    meta_problem: Option<String>,
}

#[derive(Deserialize)]
struct WireEntry<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    /// Absent is not null: such an entry carries nothing (signalk-v1 §1.3).
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
}

/// Keeps a present `null` apart from an absent key.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct LooseDelta<'a> {
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
    #[serde(borrow, default)]
    updates: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct LooseUpdate<'a> {
    #[serde(borrow, default, rename = "$source")]
    source_ref: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    values: Option<&'a RawValue>,
    #[serde(borrow, default)]
    meta: Option<&'a RawValue>,
}

impl Intake {
    /// Reads one delta. Never fails as a whole unless nothing can be used: see [`Taken::problems`].
    pub fn take(&self, text: &str, version: DeltaVersion) -> Taken {
        if text.len() > MAX_DELTA_BYTES {
            return Taken::refused(IntakeError::TooLarge(text.len()));
        }
        match serde_json::from_str::<Object<WireDelta<'_>>>(text) {
            Ok(Object(wire)) => {
                let Updates(updates) = wire.updates;
                self.settle(wire.context, updates.into_iter().map(Ok), version)
            }
            Err(error) => self.take_loosely(text, version, error),
        }
    }

    fn take_loosely(&self, text: &str, version: DeltaVersion, error: serde_json::Error) -> Taken {
        if !error.is_data() {
            return Taken::refused(IntakeError::Json(error.to_string()));
        }
        let Ok(Object(loose)) = serde_json::from_str::<Object<LooseDelta<'_>>>(text) else {
            // Valid JSON (or the error above were one of syntax), but no object, or `updates` is no array.
            return Taken::refused(match serde_json::from_str::<&RawValue>(text) {
                Err(syntax) => IntakeError::Json(syntax.to_string()),
                Ok(raw) if raw.get().starts_with('{') => IntakeError::NotADelta("`updates` is not an array"),
                Ok(_) => IntakeError::NotADelta("it is not an object"),
            });
        };
        let Some(updates) = loose.updates else {
            return Taken::refused(IntakeError::NotADelta("it has no `updates`"));
        };
        let context = match loose.context.map(|raw| serde_json::from_str::<Option<Text<'_>>>(raw.get())) {
            Some(Err(_)) => return Taken::refused(IntakeError::Context("`context` is not a string".into())),
            Some(Ok(context)) => context,
            None => None,
        };
        if updates.len() > MAX_ENTRIES {
            return Taken::refused(IntakeError::TooManyEntries(updates.len()));
        }
        self.settle(context, updates.into_iter().map(|raw| read_loose_update(raw.get())), version)
    }

    fn settle<'a>(
        &self,
        context: Option<Text<'a>>,
        updates: impl Iterator<Item = Result<WireUpdate<'a>, String>>,
        version: DeltaVersion,
    ) -> Taken {
        let mut taken = Taken::default();
        let context = match self.context(context.as_ref().map(|c| c.0.as_ref())) {
            Ok(context) => context,
            Err(reason) => return Taken::refused(IntakeError::Context(reason)),
        };
        let own_ship = context == self.self_context;
        let rootless = context.split().is_none();
        let mut entries = 0;
        let mut settled = SmallVec::new();
        for (index, update) in updates.enumerate() {
            let result = update.and_then(|wire| {
                entries += wire.values.as_ref().map_or(0, SmallVec::len) + wire.meta.as_ref().map_or(0, Vec::len);
                self.update(wire, own_ship, rootless)
            });
            match result {
                Ok(Settled { update, values_problem, meta_problem }) => {
                    settled.extend(update);
                    if let Some(reason) = values_problem {
                        taken.note(IntakeError::Values { index, reason });
                    }
                    if let Some(reason) = meta_problem {
                        taken.note(IntakeError::Meta { index, reason });
                    }
                }
                Err(reason) => taken.note(IntakeError::Update { index, reason }),
            }
        }
        if entries > MAX_ENTRIES {
            return Taken::refused(IntakeError::TooManyEntries(entries));
        }
        if !settled.is_empty() {
            taken.delta = Some(Delta { context, updates: settled, version });
        }
        taken
    }

    fn context(&self, context: Option<&str>) -> Result<Context, String> {
        match context {
            None | Some("" | "vessels.self" | "self") => Ok(self.self_context.clone()),
            Some(text) if text == self.self_context.as_str() => Ok(self.self_context.clone()),
            // An id may be a URL (signalk-v1 §1.1), a collection not.
            Some(text) if text.contains('*') || text.split('.').next().is_some_and(|c| c.contains('/')) => {
                Err(format!(
                    "context {:?} is not the name of one thing; write <collection>.<id>, such as vessels.self",
                    beginning(text)
                ))
            }
            // These are keys of the full model itself.
            Some(text) if matches!(text.split('.').next(), Some("self" | "version" | "sources")) => Err(format!(
                "context {:?} is no collection of things; write <collection>.<id>, such as vessels.self",
                beginning(text)
            )),
            Some(text) => Context::new(text).map_err(|e| e.to_string()),
        }
    }

    fn update(&self, wire: WireUpdate<'_>, own_ship: bool, rootless: bool) -> Result<Settled, String> {
        let name = |error: NameError| error.to_string();
        let known = wire.source.map(|raw| source_cache::settle(raw.get(), &self.provider)).transpose()?;
        let (source, derived_ref) = known.unzip();
        let source_ref = match (&wire.source_ref, derived_ref) {
            (Some(text), _) if !text.0.is_empty() => SourceRef::new(&text.0).map_err(name)?,
            (_, Some(derived)) => derived,
            _ => self.provider.id.clone(),
        };
        let timestamp = match wire.timestamp.filter(|_| !self.override_timestamps) {
            None => Timestamp::now(),
            Some(text) => Timestamp::from_text(&text.0)
                .ok_or_else(|| "its timestamp is no time; write it as 2024-05-01T10:00:00.000Z".to_owned())?,
        };
        let static_data_allowed = !own_ship || source_ref.as_str() == DEFAULTS_SOURCE;
        let mut values = SmallVec::new();
        let mut values_problem = None;
        for Object(entry) in wire.values.into_iter().flatten() {
            let Some(value) = entry.value else { continue };
            if rootless {
                let reason = "a context without an id, such as `vessels`, can't have values; write <collection>.<id>";
                values_problem = Some(reason.to_owned());
                break;
            }
            let path = entry.path.0.as_ref();
            if value.get().len() > MAX_VALUE_BYTES {
                return Err(format!(
                    "the value of {:?} has {} bytes, more than the {MAX_VALUE_BYTES} that are accepted",
                    beginning(path),
                    value.get().len()
                ));
            }
            let value = RawJson::try_from(value)
                .map_err(|error| format!("the value of {:?} can't be used: {error}", beginning(path)))?;
            let value = if static_data_allowed { Some(value) } else { without_static_data(path, value) };
            if let Some(value) = value {
                values.push(PathValue::new(Path::new(path).map_err(name)?, value));
            }
        }
        let mut meta = Vec::new();
        let mut meta_problem = wire.meta_problem;
        for Object(entry) in wire.meta.into_iter().flatten() {
            let Some(value) = entry.value else { continue };
            match read_meta(&entry.path.0, value) {
                Ok(entry) => meta.push(entry),
                Err(reason) => meta_problem = Some(reason),
            }
        }
        let empty = values.is_empty() && meta.is_empty();
        let update = (!empty).then(|| Update { source, source_ref, timestamp, values, meta, notification_id: None });
        Ok(Settled { update, values_problem, meta_problem })
    }
}

/// What an update has become.
struct Settled {
    /// `None` when it carries nothing.
    update: Option<Update>,
    /// Why the values were left out.
    values_problem: Option<String>,
    /// Why metadata was left out: of the last entry that was wrong.
    meta_problem: Option<String>,
}

fn read_meta(path: &str, value: &RawValue) -> Result<PathValue, String> {
    let name = Path::new(path).map_err(|error| error.to_string())?;
    let value =
        RawJson::try_from(value).map_err(|error| format!("that of {:?} can't be used: {error}", beginning(path)))?;
    if !value.is_object() && !value.is_null() {
        return Err(format!("that of {:?} is not an object", beginning(path)));
    }
    Ok(PathValue::new(name, value))
}

impl Taken {
    fn refused(problem: IntakeError) -> Self {
        Self { delta: None, problems: vec![problem] }
    }

    /// Adds a problem, or counts it when there are enough.
    fn note(&mut self, problem: IntakeError) {
        if let Some(IntakeError::More(count)) = self.problems.last_mut() {
            *count += 1;
            return;
        }
        self.problems.push(if self.problems.len() < MAX_PROBLEMS { problem } else { IntakeError::More(1) });
    }
}

/// As much of a text as a problem shows of it.
fn beginning(text: &str) -> &str {
    text.char_indices().nth(80).map_or(text, |(end, _)| &text[..end])
}

fn read_loose_update(text: &str) -> Result<WireUpdate<'_>, String> {
    let Object(loose): Object<LooseUpdate<'_>> =
        serde_json::from_str(text).map_err(|_| "it is not an object".to_owned())?;
    fn field<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>, what: &str) -> Result<Option<T>, String> {
        raw.map_or(Ok(None), |raw| serde_json::from_str(raw.get()).map_err(|_| what.to_owned()))
    }
    let values = field(loose.values, "`values` must be an array of {\"path\": <string>, \"value\": <any>}")?;
    let (meta, meta_problem) =
        match field(loose.meta, "`meta` must be an array of {\"path\": <string>, \"value\": <object>}") {
            Ok(meta) => (meta, None),
            Err(reason) => (None, Some(reason)),
        };
    Ok(WireUpdate {
        source_ref: field(loose.source_ref, "`$source` must be a string")?,
        source: loose.source,
        timestamp: field(loose.timestamp, "`timestamp` must be a string")?,
        values,
        meta,
        meta_problem,
    })
}

/// Paths of the own ship that only configured data may set (signalk-v1 §2.2 no. 4), so that a received AIS message about the own ship
/// can't overwrite them.
fn is_static_path(path: &str) -> bool {
    matches!(
        path,
        "name"
            | "mmsi"
            | "communication.callsignVhf"
            | "design.aisShipType"
            | "design.beam"
            | "design.length"
            | "design.draft"
            | "sensors.gps.fromBow"
            | "sensors.gps.fromCenter"
    )
}
const STATIC_ROOT_KEYS: [&str; 2] = ["name", "mmsi"];

/// What is left of a received value of the own ship without the data that only the configuration may set (signalk-v1 §2.2 no. 4).
pub fn without_static_data(path: &str, value: RawJson) -> Option<RawJson> {
    if !path.is_empty() {
        return (!is_static_path(path)).then_some(value);
    }
    let Value::Object(mut object) = value.to_value() else { return Some(value) };
    let before = object.len();
    object.retain(|key, _| !STATIC_ROOT_KEYS.contains(&key.as_str()));
    let mut changed = object.len() != before;
    if let Some(Value::Object(communication)) = object.get_mut("communication") {
        changed |= communication.remove("callsignVhf").is_some();
        if changed && communication.is_empty() {
            object.remove("communication");
        }
    }
    if !changed {
        return Some(value);
    }
    (!object.is_empty()).then(|| RawJson::of(&object))
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
