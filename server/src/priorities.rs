//! priorities.json: which sources are preferred, and what people call them (signalk-v1 §9, §16).

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use windlass_broker::PrioritySettings;
use windlass_store::{ChangeError, Document};

/// The names that the parts have in the file, and in the administration API.
const PARTS: [&str; 5] =
    ["priorityGroups", "priorityOverrides", "priorityDefaults", "sourceAliases", "ignoredInstanceConflicts"];

/// What is configured about sources.
#[derive(Debug)]
pub struct PriorityFile {
    document: Document,
    /// What is in force: that of the file, except for parts that make no sense.
    parts: Mutex<Map<String, Value>>,
    /// Held while parts are saved: the next to be saved are added to these.
    saving: Mutex<()>,
}

/// Why priorities are refused; the words for whoever set them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPriorities(pub String);

impl PriorityFile {
    /// Reads priorities.json, or the older `sourcePriorities` of settings.json when there is none. What can't be used is left out, and
    /// said in `problems`.
    pub fn load(config_dir: &Path, settings: &Map<String, Value>, problems: &mut Vec<String>) -> Self {
        let document = Document::new(config_dir.join("priorities.json"));
        let loaded = match document.load(|value| value.is_object().then_some(()).ok_or("it is no object".to_owned())) {
            Ok(loaded) => {
                let (value, problem) = loaded.into_parts();
                problems.extend(problem);
                value
            }
            Err(error) => {
                problems.push(format!("{} can't be read: {error}", document.path().display()));
                None
            }
        };
        let mut parts = match loaded {
            Some(Value::Object(parts)) => parts,
            _ => match settings.get("sourcePriorities") {
                Some(older) => Map::from_iter([("priorityOverrides".to_owned(), older.clone())]),
                None => Map::new(),
            },
        };
        for part in PARTS {
            let Some(value) = parts.get(part) else { continue };
            if let Err(error) = check(part, value, &Map::new()) {
                problems.push(format!("priorities.json: {part}: {error}; it is not used"));
                parts.remove(part);
            }
        }
        Self { document, parts: Mutex::new(parts), saving: Mutex::default() }
    }

    /// What holds now.
    pub fn settings(&self) -> PrioritySettings {
        settings_of(&self.lock()).unwrap_or_default()
    }

    /// One of the parts, such as `priorityGroups`; an empty one when it is not set.
    pub fn part(&self, name: &str) -> Value {
        let empty = || if name == "priorityGroups" { json!([]) } else { json!({}) };
        self.lock().get(name).cloned().unwrap_or_else(empty)
    }

    /// Saves parts, all or none. Returns what holds from now on.
    ///
    /// # Errors
    /// A part makes no sense, a source is in two active groups, or the file can't be written.
    pub fn save(&self, new: Vec<(&'static str, Value)>) -> Result<PrioritySettings, ChangeError<BadPriorities>> {
        let _saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = self.lock().clone();
        let settings = self.document.change(|value| {
            for (name, part) in new {
                check(name, &part, &changed)?;
                changed.insert(name.to_owned(), part);
            }
            let settings = settings_of(&changed).map_err(BadPriorities)?;
            if let Some((source, one, other)) = settings.conflict() {
                return Err(BadPriorities(format!(
                    "Source {source} appears in groups {one} and {other}; a source may belong to at most one active group."
                )));
            }
            let Some(file) = value.as_object_mut() else {
                return Err(BadPriorities("priorities.json is no object; correct the file".to_owned()));
            };
            file.extend(changed.clone());
            Ok(settings)
        })?;
        // Not before it is on the disk: what could not be saved would come into force with the next change, and end with a restart.
        *self.lock() = changed;
        Ok(settings)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Map<String, Value>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settings_of(parts: &Map<String, Value>) -> Result<PrioritySettings, String> {
    let part = |name: &str, empty: Value| parts.get(name).cloned().unwrap_or(empty);
    let settings = json!({
        "groups": part("priorityGroups", json!([])),
        "overrides": part("priorityOverrides", json!({})),
        "defaults": part("priorityDefaults", json!({})),
    });
    serde_json::from_value(settings).map_err(|error| error.to_string())
}

fn check(name: &str, part: &Value, others: &Map<String, Value>) -> Result<(), BadPriorities> {
    let texts = |value: &Value| value.as_object().is_some_and(|object| object.values().all(Value::is_string));
    let good = match name {
        "sourceAliases" | "ignoredInstanceConflicts" => {
            if texts(part) {
                Ok(())
            } else {
                Err("an object of texts is expected".to_owned())
            }
        }
        _ => {
            let mut with = others.clone();
            with.insert(name.to_owned(), part.clone());
            settings_of(&with).and_then(|settings| match settings.defaults.fallback_ms {
                Some(ms) if ms <= 0 => Err("fallbackMs must be greater than 0".to_owned()),
                _ => Ok(()),
            })
        }
    };
    good.map_err(|why| BadPriorities(format!("Invalid {name} payload at /: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(directory: &Path, settings: Value) -> (PriorityFile, Vec<String>) {
        let mut problems = Vec::new();
        let settings = settings.as_object().cloned().unwrap_or_default();
        (PriorityFile::load(directory, &settings, &mut problems), problems)
    }

    #[test]
    fn parts_are_saved_together_or_not_at_all() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("priorities.json"), r#"{"unknown": 1, "sourceAliases": {"a": 7}}"#)
            .expect("a file");
        let (file, problems) = load(directory.path(), json!({}));
        assert!(problems.len() == 1 && problems[0].contains("sourceAliases"), "{problems:?}");
        let groups = json!([{"id": "g", "sources": ["a", "b"]}]);
        let overrides = json!({"x": [{"sourceRef": "a", "timeout": "0"}]});
        let settings = file
            .save(vec![("priorityGroups", groups.clone()), ("priorityOverrides", overrides.clone())])
            .expect("good priorities");
        assert_eq!((settings.groups.len(), settings.overrides.len()), (1, 1));
        let conflict = json!([{"id": "g", "sources": ["a"]}, {"id": "h", "sources": ["a"]}]);
        for bad in [
            vec![("priorityGroups", conflict)],
            vec![("priorityGroups", json!([])), ("priorityOverrides", json!({"x": [{"sourceRef": 1}]}))],
            vec![("priorityDefaults", json!({"fallbackMs": 0}))],
            vec![("sourceAliases", json!([]))],
        ] {
            let refused = file.save(bad);
            assert!(matches!(refused, Err(ChangeError::Refused(_))), "{refused:?}");
        }
        assert_eq!(file.part("priorityGroups"), groups);
        let (again, problems) = load(directory.path(), json!({}));
        assert_eq!((again.part("priorityOverrides"), again.settings().groups.len()), (overrides, 1));
        assert!(problems.len() == 1, "the bad part is still in the file: {problems:?}");
        let text = std::fs::read_to_string(directory.path().join("priorities.json")).expect("the file");
        assert!(text.contains("unknown"), "{text}");
    }

    #[test]
    fn what_the_disk_refuses_does_not_come_into_force() {
        let directory = tempfile::tempdir().expect("a directory");
        let aliases = |name: &str| vec![("sourceAliases", json!({"gps.GP": name}))];
        let bow = json!({"gps.GP": "Bow"});
        let (mut file, _) = load(directory.path(), json!({}));
        file.save(aliases("Bow")).expect("saved");
        // A name that is as long as a name may be leaves no room for that of a temporary file.
        let unwritable = Document::new(directory.path().join("x".repeat(255)));
        let good = std::mem::replace(&mut file.document, unwritable);
        let unsaved = file.save(aliases("Stern"));
        assert!(matches!(unsaved, Err(ChangeError::Unsaved { .. })), "{unsaved:?}");
        assert_eq!(file.part("sourceAliases"), bow);
        file.document = good;
        file.save(vec![("priorityGroups", json!([{"id": "g", "sources": ["a"]}]))]).expect("saved");
        let (again, _) = load(directory.path(), json!({}));
        assert_eq!(again.part("sourceAliases"), bow, "nor is it saved with the next change");
    }

    #[test]
    fn the_older_place_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let older = json!({"sourcePriorities": {"x": [{"sourceRef": "a", "timeout": 100}]}});
        let (file, problems) = load(directory.path(), older);
        assert!(problems.is_empty() && file.settings().overrides.contains_key("x"));
    }
}
