//! What holds for every text that a producer may send as a delta (signalk-v1 §2.2).

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use windlass_broker::{
    Context, DEFAULTS_SOURCE, Delta, DeltaVersion, Intake, MAX_DELTA_BYTES, MAX_ENTRIES, MAX_NAME_BYTES, MAX_PROBLEMS,
    Provider, RawJson, SharedDelta, Taken, Update, ValueIndex,
};

/// The own ship.
const OWN: &str = "vessels.urn:mrn:imo:mmsi:230099999";
/// Longest text of a problem: it shows one name, and little of anything longer.
const MAX_PROBLEM_BYTES: usize = 2 * MAX_NAME_BYTES;
/// Values of one delta that are looked at one by one.
const LOOKED_AT: usize = 16;

/// Takes an input as a delta; false when it is no text at all.
pub fn check(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    for (can_name, override_timestamps) in [(false, false), (true, true)] {
        let provider = Provider { use_can_name: can_name, ..Provider::new("conn").expect("a name") };
        let intake = Intake { self_context: Context::new(OWN).expect("a context"), provider, override_timestamps };
        let taken = intake.take(text, DeltaVersion::V1);
        problems_are_short_and_few(&taken);
        let Some(delta) = taken.delta else { continue };
        names_are_harmless(&delta);
        values_are_readable(&delta);
        static_data_is_kept_out(&delta);
        remembered_sources_are_the_same(&intake.take(text, DeltaVersion::V1), &delta);
        let rendered = delta.render();
        assert!(rendered.len() <= 6 * text.len() + 512 * (delta.updates.len() + 1), "{} bytes", rendered.len());
        // Sent on, another server takes it as it is: that keeps the timestamps.
        let intake = Intake { override_timestamps: false, ..intake };
        if rendered.len() <= MAX_DELTA_BYTES {
            comes_back(&intake, &rendered, &delta);
        }
        single_values_come_back(&intake, &delta);
        root_values_have_names(&delta);
    }
    true
}

fn problems_are_short_and_few(taken: &Taken) {
    assert!(taken.problems.len() <= MAX_PROBLEMS + 1, "{} problems", taken.problems.len());
    for problem in &taken.problems {
        let text = problem.to_string();
        assert!(text.len() <= MAX_PROBLEM_BYTES, "{} bytes: {text:.100}", text.len());
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

fn names_are_harmless(delta: &Delta) {
    harmless(delta.context.as_str());
    // The id may be a URL (signalk-v1 §1.1), the collection is a word.
    let collection = delta.context.as_str().split('.').next().unwrap_or_default();
    assert!(!delta.context.as_str().contains('*') && !collection.contains('/'), "{}", delta.context);
    assert!(!delta.updates.is_empty(), "a delta without updates");
    let mut entries = 0;
    for update in &delta.updates {
        harmless(update.source_ref.as_str());
        assert!(!update.source_ref.as_str().is_empty(), "an empty $source");
        assert!(!update.values.is_empty() || !update.meta.is_empty(), "an update without content");
        for entry in update.values.iter().chain(&update.meta) {
            harmless(entry.path.as_str());
            entries += 1;
        }
    }
    assert!(entries <= MAX_ENTRIES, "{entries} entries");
}

fn harmless(name: &str) {
    assert!(name.len() <= MAX_NAME_BYTES, "a name of {} bytes", name.len());
    assert!(!name.contains(char::is_control), "{name:?}");
    let bad = |segment: &str| matches!(segment, "__proto__" | "constructor" | "prototype");
    assert!(!name.split('.').any(bad), "{name}");
}

fn values_are_readable(delta: &Delta) {
    for update in &delta.updates {
        for entry in update.values.iter().chain(&update.meta) {
            let text = entry.value.as_str();
            let tree = serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(RawJson::parse(text).as_ref(), Ok(&entry.value), "compact form is not the last word");
            assert_eq!(tree.is_null(), entry.value.is_null(), "{text}");
            assert_eq!(tree.is_object(), entry.value.is_object(), "{text}");
        }
        for entry in &update.meta {
            assert!(entry.value.is_object() || entry.value.is_null(), "metadata {}", entry.value);
        }
    }
}

/// Whatever its form, what only the configuration may set doesn't come from outside.
fn static_data_is_kept_out(delta: &Delta) {
    let received = |update: &&Update| update.source_ref.as_str() != DEFAULTS_SOURCE;
    for update in delta.updates.iter().filter(received) {
        for entry in update.values.iter().filter(|_| delta.context.as_str() == OWN) {
            let path = entry.path.as_str();
            assert!(!matches!(path, "name" | "mmsi" | "communication.callsignVhf" | "design.length"), "{path}");
            if path.is_empty() {
                let tree = entry.value.to_value();
                for pointer in ["/name", "/mmsi", "/communication/callsignVhf"] {
                    assert_eq!(tree.pointer(pointer), None, "{tree}");
                }
            }
        }
    }
}

/// Source objects that were read before give the same as those that were not.
fn remembered_sources_are_the_same(taken: &Taken, first: &Delta) {
    let second = taken.delta.as_ref().expect("a delta that was one before");
    assert_eq!(second.context, first.context);
    assert_eq!(second.updates.len(), first.updates.len());
    for (second, first) in second.updates.iter().zip(&first.updates) {
        assert_eq!((&second.source, &second.source_ref), (&first.source, &first.source_ref));
        assert_eq!((&second.values, &second.meta), (&first.values, &first.meta));
    }
}

/// A rendered delta is JSON that any parser reads, and is taken in as the same delta.
fn comes_back(intake: &Intake, rendered: &str, delta: &Delta) {
    let tree: Value = serde_json::from_str(rendered).unwrap_or_else(|error| panic!("{error}: {rendered}"));
    for update in tree["updates"].as_array().expect("a list of updates") {
        assert!(update["$source"].is_string() && update["timestamp"].is_string(), "{update}");
    }
    keys_are_unique(rendered);
    let again = intake.take(rendered, delta.version);
    assert_eq!(again.problems, [], "{rendered}");
    let again = again.delta.unwrap_or_else(|| panic!("nothing comes back of {rendered}"));
    assert_eq!(&again, delta);
    assert_eq!(again.render(), *rendered);
}

fn single_values_come_back(intake: &Intake, delta: &Delta) {
    let shared = SharedDelta::new(delta.clone());
    let indices = delta.updates.iter().enumerate().flat_map(|(update, content)| {
        let index = move |value| ValueIndex { update: narrow(update), value: narrow(value) };
        (0..content.values.len()).map(index)
    });
    for index in indices.take(LOOKED_AT) {
        let single = shared.single(index);
        let taken = intake.take(&single, delta.version);
        assert_eq!(taken.problems, [], "{single}");
        let back = taken.delta.unwrap_or_else(|| panic!("nothing comes back of {single}"));
        assert_eq!(&back, shared.detached(index).delta());
    }
}

fn narrow(index: usize) -> u16 {
    index.try_into().expect("a delta has at most 10,000 entries")
}

fn root_values_have_names(delta: &Delta) {
    let Some(named) = delta.root_values_by_name() else { return };
    for value in named.updates.iter().flat_map(|update| &update.values) {
        harmless(value.path.as_str());
        assert!(!value.value.is_object(), "{value:?}");
    }
}

/// Of a key that is there twice, one reader takes the first and another the last. Values are the producer's own affair; the rest is
/// written here.
fn keys_are_unique(rendered: &str) {
    let Keys(delta) = serde_json::from_str(rendered).expect("an object");
    let updates = delta.iter().find(|(key, _)| key == "updates").expect("a list of updates").1;
    let updates: Vec<Keys<'_>> = serde_json::from_str(updates.get()).expect("a list of objects");
    for Keys(update) in updates {
        if let Some((_, source)) = update.iter().find(|(key, _)| key == "source") {
            let _: Keys<'_> = serde_json::from_str(source.get()).expect("an object");
        }
    }
}

/// An object in its order. Panics when a key is there twice.
struct Keys<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Keys<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys<'de>, A::Error> {
                let (mut seen, mut entries) = (HashSet::new(), Vec::new());
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    assert!(seen.insert(key.clone()), "the key {key} is there twice");
                    entries.push((key, value));
                }
                Ok(Keys(entries))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}
