//! The `sources` tree: what each connection brings (signalk-v1 §1.5).

use std::collections::{HashMap, HashSet};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use serde_json::{Map, Value, json};
use smol_str::{SmolStr, ToSmolStr};
use windlass_broker::{Source, Timestamp, Update};

/// Most talkers, addresses, sentences and parameter groups remembered for one connection.
const MAX_ENTRIES: usize = 4096;
/// Most labels.
const MAX_LABELS: usize = 4096;

/// What follows the label of a source that has neither talker nor address (signalk-v1 §1.6).
const NAMELESS: &str = "XX";

/// What is known of the sources, by label or first part of `$source`.
#[derive(Debug, Default)]
pub struct Sources {
    labels: DashMap<SmolStr, Label, RandomState>,
}

#[derive(Debug, Default)]
struct Label {
    kind: Option<SmolStr>,
    timestamp: Option<Timestamp>,
    /// (talker, sentence) or (address, pgn), and when it was last seen.
    seen: HashMap<(SmolStr, SmolStr), Timestamp, RandomState>,
    /// For sources of which only the `$source` is known: what follows the label.
    names: HashSet<SmolStr, RandomState>,
}

impl Sources {
    /// Notes where an update came from.
    pub fn note(&self, update: &Update) {
        match &update.source {
            Some(source) => self.note_source(source, &update.timestamp),
            None => self.note_ref(update.source_ref.as_str()),
        }
    }

    fn note_source(&self, source: &Source, timestamp: &Timestamp) {
        if let Some(mut known) = self.labels.get_mut(&source.label) {
            return known.note(source, timestamp);
        }
        if self.labels.len() < MAX_LABELS {
            self.labels.entry(source.label.clone()).or_default().note(source, timestamp);
        }
    }

    fn note_ref(&self, source_ref: &str) {
        let (label, rest) = source_ref.split_once('.').unwrap_or((source_ref, ""));
        if let Some(known) = self.labels.get(label)
            && (rest.is_empty() || known.names.contains(rest))
        {
            return;
        }
        if self.labels.contains_key(label) || self.labels.len() < MAX_LABELS {
            let mut entry = self.labels.entry(label.into()).or_default();
            if !rest.is_empty() && entry.names.len() < MAX_ENTRIES {
                entry.names.insert(rest.into());
            }
        }
    }

    /// Whether there is a place for a `$source`.
    pub fn contains(&self, source_ref: &str) -> bool {
        let (label, rest) = source_ref.split_once('.').unwrap_or((source_ref, ""));
        self.labels.get(label).is_some_and(|known| rest.is_empty() || known.has(rest))
    }

    /// Takes the place of a `$source` out. Whether there was one.
    pub fn forget(&self, source_ref: &str) -> bool {
        let (label, rest) = source_ref.split_once('.').unwrap_or((source_ref, ""));
        let Some(mut known) = self.labels.get_mut(label) else { return false };
        let found = rest.is_empty() || known.has(rest);
        known.seen.retain(|(device, _), _| device != rest);
        known.names.retain(|name| name != rest);
        // `<label>.XX` and the bare label are of a source that says no more of itself.
        let is_label = rest.is_empty() || rest == NAMELESS;
        let empty = known.seen.is_empty() && known.names.is_empty() && (is_label || known.timestamp.is_none());
        drop(known);
        if empty {
            self.labels.remove(label);
        }
        found
    }

    /// The tree.
    pub fn to_json(&self) -> Value {
        let mut tree: Vec<_> = self.labels.iter().map(|l| (l.key().to_string(), l.value().to_json(l.key()))).collect();
        tree.sort_by(|a, b| a.0.cmp(&b.0));
        Value::Object(tree.into_iter().collect())
    }

    /// The tree of the sources whose `$source` is wanted.
    pub fn to_json_of(&self, wants: impl Fn(&str) -> bool) -> Value {
        let shown = self.labels.iter().filter_map(|entry| {
            let (label, known) = (entry.key(), entry.value().only(entry.key(), &wants)?);
            Some((label.to_string(), known.to_json(label)))
        });
        let mut tree: Vec<_> = shown.collect();
        tree.sort_by(|a, b| a.0.cmp(&b.0));
        Value::Object(tree.into_iter().collect())
    }
}

impl Label {
    /// What is left of it for somebody who wants only some sources; `None` when nothing is.
    fn only(&self, label: &str, wants: impl Fn(&str) -> bool) -> Option<Self> {
        let of = |name: &str| wants(&format!("{label}.{name}"));
        let bare = wants(label) || of(NAMELESS);
        let seen = self.seen.iter().filter(|((device, _), _)| of(device));
        let rest = Self {
            kind: self.kind.clone(),
            timestamp: self.timestamp.clone().filter(|_| bare),
            seen: seen.map(|(key, timestamp)| (key.clone(), timestamp.clone())).collect(),
            names: self.names.iter().filter(|name| of(name)).cloned().collect(),
        };
        (bare || !rest.seen.is_empty() || !rest.names.is_empty()).then_some(rest)
    }

    fn has(&self, rest: &str) -> bool {
        let seen = self.seen.keys().any(|(device, _)| device == rest);
        seen || self.names.contains(rest) || (rest == NAMELESS && self.timestamp.is_some())
    }

    fn note(&mut self, source: &Source, timestamp: &Timestamp) {
        if self.kind != source.kind {
            self.kind.clone_from(&source.kind);
        }
        let key = if let Some(src) = source.src_text() {
            (src.into(), source.pgn.as_ref().map(|pgn| pgn.as_str().trim_matches('"').to_smolstr()).unwrap_or_default())
        } else if let Some(talker) = &source.talker {
            (talker.clone(), source.sentence.clone().unwrap_or_default())
        } else {
            self.timestamp = Some(timestamp.clone());
            return;
        };
        if let Some(seen) = self.seen.get_mut(&key) {
            *seen = timestamp.clone();
        } else if self.seen.len() < MAX_ENTRIES {
            self.seen.insert(key, timestamp.clone());
        }
    }

    fn to_json(&self, label: &str) -> Value {
        let mut json = Map::new();
        if self.kind.is_some() || self.timestamp.is_some() {
            json.insert("label".into(), label.into());
        }
        if let Some(kind) = &self.kind {
            json.insert("type".into(), kind.as_str().into());
        }
        if let Some(timestamp) = &self.timestamp {
            json.insert("timestamp".into(), timestamp.to_string().into());
        }
        let n2k = self.kind.as_deref() == Some("NMEA2000");
        let mut seen: Vec<_> = self.seen.iter().collect();
        seen.sort_by(|a, b| a.0.cmp(b.0));
        for ((device, message), timestamp) in seen {
            let device = json.entry(device.as_str()).or_insert_with(|| {
                if n2k {
                    json!({"n2k": {"src": device.as_str(), "pgns": {}}})
                } else {
                    json!({"talker": device.as_str(), "sentences": {}})
                }
            });
            // A device may be called as one of the label's own keys; it is left out then.
            let messages = if n2k { device.pointer_mut("/n2k/pgns") } else { device.pointer_mut("/sentences") };
            if let Some(Value::Object(messages)) = messages
                && !message.is_empty()
            {
                messages.insert(message.to_string(), timestamp.to_string().into());
            }
        }
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort();
        for name in names {
            let mut node = &mut json;
            for part in name.split('.') {
                let child = node.entry(part).or_insert_with(|| json!({}));
                match child {
                    Value::Object(object) => node = object,
                    _ => break,
                }
            }
        }
        json.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a name is looked up decides what each delta of a crowded label costs: in a hash it is the same however many there are.
    fn is_hashed(_: &HashSet<SmolStr, RandomState>) -> bool {
        true
    }

    #[test]
    fn the_names_of_a_label_are_kept_once_and_have_a_limit() {
        let sources = Sources::default();
        for _ in 0..2 {
            for n in 0..MAX_ENTRIES + 10 {
                sources.note_ref(&format!("ws.device-{n}"));
            }
        }
        let kept = |sources: &Sources| {
            let label = sources.labels.get("ws").expect("the label");
            assert!(is_hashed(&label.names));
            label.names.len()
        };
        assert_eq!(kept(&sources), MAX_ENTRIES);
        assert!(sources.contains("ws.device-0") && sources.contains(&format!("ws.device-{}", MAX_ENTRIES - 1)));
        assert!(!sources.contains(&format!("ws.device-{MAX_ENTRIES}")), "there was no room for it");
        let shown = sources.to_json();
        assert_eq!(shown["ws"].as_object().map(Map::len), Some(MAX_ENTRIES));
        // One that goes makes room for another.
        assert!(sources.forget("ws.device-7") && !sources.contains("ws.device-7"));
        sources.note_ref("ws.late");
        sources.note_ref("ws.later");
        assert!(sources.contains("ws.late") && !sources.contains("ws.later"));
        assert_eq!(kept(&sources), MAX_ENTRIES);
    }
}
