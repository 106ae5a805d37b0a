//! Who the own ship is: the base deltas of the configuration directory (signalk-v1 §1.1, §2.3, §16).

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use windlass_actors::data_model::Identity;
use windlass_actors::durable;
use windlass_broker::Context;

/// The own ship, and the configured data to be sent as deltas with `$source` `defaults`.
#[derive(Debug)]
pub struct OwnShip {
    /// Its context.
    pub identity: Identity,
    /// Deltas as JSON texts.
    pub base_deltas: Vec<Value>,
}

/// Why the own ship can't be told.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file is there but can't be used.
    #[error("{path} can't be used: {reason}; correct the file, or move it away to start with a new identity")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The new identity can't be saved.
    #[error("the vessel's identity can't be saved to {path}: {source}; make the configuration directory writable")]
    Unsaved {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl OwnShip {
    /// Reads the base deltas (or the older defaults.json). Without MMSI and UUID a UUID is made up, saved and used from then on.
    pub fn load(directory: &Path) -> Result<Self, IdentityError> {
        let path = directory.join("baseDeltas.json");
        let mut base_deltas = match read(&path)? {
            Some(Value::Array(deltas)) => deltas,
            Some(_) => return Err(unusable(&path, "it is not an array of deltas")),
            None => from_defaults(directory)?,
        };
        let id = match identity_of(&base_deltas) {
            Some(id) => id,
            None => {
                let uuid = format!("urn:mrn:signalk:uuid:{}", uuid::Uuid::new_v4());
                base_deltas.push(root_delta(json!({"uuid": uuid})));
                let text = format!("{:#}\n", Value::Array(base_deltas.clone()));
                durable::write(&path, text.as_bytes())
                    .map_err(|source| IdentityError::Unsaved { path: path.clone(), source })?;
                log::info!(
                    "this vessel has no MMSI and no UUID yet: made up {uuid} and saved it in {}",
                    path.display()
                );
                uuid
            }
        };
        let context = Context::new(&format!("vessels.{id}")).map_err(|e| unusable(&path, &e.to_string()))?;
        Ok(Self { identity: Identity::new(context), base_deltas })
    }
}

/// A delta that sets root attributes of the own ship.
pub fn root_delta(attributes: Value) -> Value {
    json!({"context": "vessels.self", "updates": [{"values": [{"path": "", "value": attributes}]}]})
}

fn unusable(path: &Path, reason: &str) -> IdentityError {
    IdentityError::Unusable { path: path.to_owned(), reason: reason.to_owned() }
}

fn read(path: &Path) -> Result<Option<Value>, IdentityError> {
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|e| unusable(path, &e.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, &error.to_string())),
    }
}

/// The older form: a full tree `{"vessels": {"self": {…}}}`, whose leaves become values and whose other keys root attributes.
fn from_defaults(directory: &Path) -> Result<Vec<Value>, IdentityError> {
    let path = directory.join("defaults.json");
    let Some(tree) = read(&path)? else { return Ok(Vec::new()) };
    let Some(Value::Object(own)) = tree.get("vessels").and_then(|vessels| vessels.get("self")) else {
        return Err(unusable(&path, "it has no vessels.self"));
    };
    let (mut attributes, mut values) = (Map::new(), Vec::new());
    for (key, node) in own {
        if has_leaf(node) {
            collect_leaves(key, node, &mut values);
        } else {
            attributes.insert(key.clone(), node.clone());
        }
    }
    values.insert(0, json!({"path": "", "value": attributes}));
    Ok(vec![json!({"context": "vessels.self", "updates": [{"values": values}]})])
}

fn has_leaf(node: &Value) -> bool {
    node.as_object().is_some_and(|object| object.contains_key("value") || object.values().any(has_leaf))
}

fn collect_leaves(path: &str, node: &Value, values: &mut Vec<Value>) {
    let Value::Object(object) = node else { return };
    if let Some(value) = object.get("value") {
        values.push(json!({"path": path, "value": value}));
        return;
    }
    for (key, child) in object {
        collect_leaves(&format!("{path}.{key}"), child, values);
    }
}

/// `urn:mrn:imo:mmsi:<mmsi>` when an MMSI is configured, else the configured UUID.
fn identity_of(base_deltas: &[Value]) -> Option<String> {
    let attribute = |key: &str| {
        let updates = base_deltas.iter().filter_map(|delta| delta.get("updates")?.as_array()).flatten();
        let values = updates.filter_map(|update| update.get("values")?.as_array()).flatten();
        let found = values.filter_map(|entry| match entry.get("path")?.as_str()? {
            "" => entry.get("value")?.get(key),
            path if path == key => entry.get("value"),
            _ => None,
        });
        found.filter_map(Value::as_str).rfind(|text| !text.is_empty()).map(str::to_owned)
    };
    if let Some(mmsi) = attribute("mmsi") {
        return Some(format!("urn:mrn:imo:mmsi:{mmsi}"));
    }
    let uuid = attribute("uuid")?;
    Some(if uuid.starts_with("urn:") { uuid } else { format!("urn:mrn:signalk:uuid:{uuid}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_with(files: &[(&str, Value)]) -> String {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, value) in files {
            std::fs::write(directory.path().join(name), value.to_string()).expect("a file");
        }
        let own = OwnShip::load(directory.path()).expect("an identity");
        let again = OwnShip::load(directory.path()).expect("an identity");
        assert_eq!(own.identity.id(), again.identity.id(), "the identity stays");
        own.identity.id().to_owned()
    }

    #[test]
    fn the_identity_is_mmsi_else_uuid_else_made_up() {
        let uuid = "urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d";
        let both = json!([root_delta(json!({"uuid": uuid})), root_delta(json!({"mmsi": "230099999"}))]);
        assert_eq!(id_with(&[("baseDeltas.json", both)]), "urn:mrn:imo:mmsi:230099999");
        assert_eq!(id_with(&[("baseDeltas.json", json!([root_delta(json!({"uuid": uuid}))]))]), uuid);
        let defaults = json!({"vessels": {"self": {"mmsi": "1", "design": {"draft": {"value": {"maximum": 2}}}}}});
        assert_eq!(id_with(&[("defaults.json", defaults)]), "urn:mrn:imo:mmsi:1");
        assert!(id_with(&[]).starts_with("urn:mrn:signalk:uuid:"));
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("baseDeltas.json");
        std::fs::write(&path, "[{").expect("a file");
        let error = OwnShip::load(directory.path()).expect_err("damaged");
        assert!(error.to_string().contains("baseDeltas.json"));
        assert_eq!(std::fs::read_to_string(&path).expect("still there"), "[{");
    }
}
