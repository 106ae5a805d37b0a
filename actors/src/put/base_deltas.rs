//! `baseDeltas.json`: what the owner has configured of the vessel, metadata included (signalk-v1 §2.3, §16).

use serde_json::{Map, Value, json};
use windlass_store::{ChangeError, Document};

/// How own-ship deltas of the file name their context.
const OWN: &str = "vessels.self";

/// The file, for whoever changes it: one change at a time, on the disk before it counts.
#[derive(Debug)]
pub struct BaseDeltas {
    document: Document,
    /// What holds as long as there is no such file: an older `defaults.json` may be in its place.
    at_start: Vec<Value>,
}

/// Why the file is not changed.
#[derive(Debug, thiserror::Error)]
pub enum BaseDeltasError<E> {
    /// It has something else in it.
    #[error("baseDeltas.json is not an array of deltas; correct the file, then try again")]
    NotAnArray,
    /// Whoever changes it refuses.
    #[error(transparent)]
    Refused(E),
}

impl BaseDeltas {
    /// The file. `at_start` are the deltas that the server started with, wherever they came from.
    pub fn new(document: Document, at_start: Vec<Value>) -> Self {
        Self { document, at_start }
    }

    /// Changes the deltas and saves them. Blocks. Nothing is written when `change` refuses or changes nothing.
    ///
    /// # Errors
    /// The file is no array of deltas, it can't be read or saved, or `change` refuses.
    pub fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Vec<Value>) -> Result<T, E>,
    ) -> Result<T, ChangeError<BaseDeltasError<E>>> {
        self.document.change(|file| {
            let before = match &*file {
                Value::Array(deltas) => deltas.clone(),
                Value::Object(empty) if empty.is_empty() => self.at_start.clone(),
                _ => return Err(BaseDeltasError::NotAnArray),
            };
            let mut deltas = before.clone();
            let done = change(&mut deltas).map_err(BaseDeltasError::Refused)?;
            // Whoever only reads does not bring a file about.
            if deltas != before {
                *file = deltas.into();
            }
            Ok(done)
        })
    }
}

/// Lays metadata of a path over what the deltas say about it, and returns all that they say then.
pub(super) fn set_metadata(deltas: &mut Vec<Value>, path: &str, changes: &Map<String, Value>) -> Map<String, Value> {
    let entries = metadata_entries(deltas).filter(|entry| entry["path"] == path);
    // The last one wins when they are read, so that is the one to change.
    match entries.last() {
        Some(entry) if entry["value"].is_object() => {
            if let Some(stored) = entry["value"].as_object_mut() {
                stored.extend(changes.clone());
            }
        }
        Some(entry) => entry["value"] = changes.clone().into(),
        None => {
            let entry = json!({"path": path, "value": changes});
            let lists = own_updates(deltas).filter_map(|update| update.get_mut("meta")?.as_array_mut());
            match lists.last() {
                Some(list) => list.push(entry),
                None => deltas.push(json!({"context": OWN, "updates": [{"meta": [entry]}]})),
            }
        }
    }
    stored_metadata(deltas, path)
}

/// Takes metadata of a path, or one field of it, out of the deltas. Returns the fields that were there; none when nothing was.
pub(super) fn remove_metadata(deltas: &mut Vec<Value>, path: &str, field: Option<&str>) -> Vec<String> {
    let mut removed = Vec::new();
    for entry in metadata_entries(deltas).filter(|entry| entry["path"] == path) {
        let Some(stored) = entry["value"].as_object_mut() else { continue };
        match field {
            Some(field) => removed.extend(stored.shift_remove(field).map(|_| field.to_owned())),
            None => removed.extend(std::mem::take(stored).into_iter().map(|(field, _)| field)),
        }
    }
    removed.sort_unstable();
    removed.dedup();
    if !removed.is_empty() {
        drop_empty(deltas, path);
    }
    removed
}

/// What the deltas say about a path.
pub(super) fn stored_metadata(deltas: &mut [Value], path: &str) -> Map<String, Value> {
    let entries = metadata_entries(deltas).filter(|entry| entry["path"] == path);
    entries.filter_map(|entry| entry["value"].as_object().cloned()).fold(Map::new(), |mut all, more| {
        all.extend(more);
        all
    })
}

fn own_updates(deltas: &mut [Value]) -> impl Iterator<Item = &mut Value> {
    let own = |delta: &&mut Value| delta.get("context").is_none_or(|context| context.is_null() || context == OWN);
    deltas.iter_mut().filter(own).filter_map(|delta| delta.get_mut("updates")?.as_array_mut()).flatten()
}

fn metadata_entries(deltas: &mut [Value]) -> impl Iterator<Item = &mut Value> {
    own_updates(deltas)
        .filter_map(|update| update.get_mut("meta")?.as_array_mut())
        .flatten()
        .filter(|entry| entry.is_object())
}

/// Removes what has become empty with the metadata of a path; what was empty before for another reason stays.
fn drop_empty(deltas: &mut Vec<Value>, path: &str) {
    let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    deltas.retain_mut(|delta| {
        let Some(updates) = delta.get_mut("updates").and_then(Value::as_array_mut) else { return true };
        let before = updates.len();
        updates.retain_mut(|update| {
            let Some(entries) = update.get_mut("meta").and_then(Value::as_array_mut) else { return true };
            let count = entries.len();
            entries.retain(|entry| entry["path"] != path || !is_empty(&entry["value"]));
            !entries.is_empty() || entries.len() == count || update.get("values").is_some()
        });
        !updates.is_empty() || before == 0
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vessel() -> Vec<Value> {
        let Value::Array(deltas) = json!([
            {"context": "vessels.self", "updates": [{"values": [{"path": "", "value": {"name": "Aurora"}}]}]},
            {"context": "vessels.other", "updates": [{"meta": [{"path": "a.b", "value": {"units": "K"}}]}]},
        ]) else {
            unreachable!("it is an array")
        };
        deltas
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn metadata_is_added_changed_and_removed_beside_everything_else() {
        // SK-114, SK-115
        let mut deltas = vessel();
        let stored = set_metadata(&mut deltas, "a.b", &map(json!({"units": "m", "zones": null})));
        assert_eq!(Value::from(stored), json!({"units": "m", "zones": null}));
        set_metadata(&mut deltas, "a.c", &map(json!({"units": "s"})));
        let stored = set_metadata(&mut deltas, "a.b", &map(json!({"displayName": "B"})));
        assert_eq!(Value::from(stored), json!({"units": "m", "zones": null, "displayName": "B"}));
        let meta = json!([
            {"path": "a.b", "value": {"units": "m", "zones": null, "displayName": "B"}},
            {"path": "a.c", "value": {"units": "s"}},
        ]);
        assert_eq!(deltas[..2], vessel()[..]);
        assert_eq!(deltas[2], json!({"context": "vessels.self", "updates": [{"meta": meta}]}));

        assert_eq!(remove_metadata(&mut deltas, "a.b", Some("nothing")), [""; 0]);
        assert_eq!(remove_metadata(&mut deltas, "a.b", Some("units")), ["units"]);
        assert_eq!(remove_metadata(&mut deltas, "a.b", None), ["displayName", "zones"]);
        assert_eq!(remove_metadata(&mut deltas, "a.b", None), [""; 0], "nothing is left");
        assert_eq!(remove_metadata(&mut deltas, "a.c", None), ["units"]);
        assert_eq!(deltas, vessel(), "as it was before");
    }

    #[test]
    fn the_file_takes_over_what_the_server_started_with() {
        let directory = tempfile::tempdir().expect("a directory");
        let document = Document::new(directory.path().join("baseDeltas.json"));
        let base = BaseDeltas::new(document, vessel());
        let read = base.change(|deltas| Ok::<_, ()>(deltas.len()));
        assert_eq!(read.expect("readable"), vessel().len());
        assert!(!directory.path().join("baseDeltas.json").exists(), "reading writes nothing");
        let stored = base.change(|deltas| Ok::<_, ()>(set_metadata(deltas, "a.b", &map(json!({"units": "m"})))));
        assert_eq!(stored.expect("saved").len(), 1);
        let text = std::fs::read_to_string(directory.path().join("baseDeltas.json")).expect("a file");
        let saved: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        assert_eq!((saved.len(), &saved[0]), (3, &vessel()[0]));
        std::fs::write(directory.path().join("baseDeltas.json"), r#"{"a": 1}"#).expect("a file");
        let refused = base.change(|_| Ok::<_, ()>(()));
        assert!(matches!(refused, Err(ChangeError::Refused(BaseDeltasError::NotAnArray))), "{refused:?}");
    }
}
