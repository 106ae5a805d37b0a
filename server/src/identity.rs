//! Who the own ship is: the base deltas of the configuration directory (signalk-v1 §1.1, §2.3, §16).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use windlass_actors::data_model::Identity;
use windlass_actors::put::{BaseDeltas, BaseDeltasError};
use windlass_broker::{Context, DEFAULTS_SOURCE, Delta, DeltaVersion, Intake, NameError, Provider};
use windlass_store::{ChangeError, Document, Loaded};

use crate::vessel::{VesselData, VesselError};

/// What an MMSI of the own ship begins with.
const MMSI_PREFIX: &str = "urn:mrn:imo:mmsi:";
/// What a UUID of the own ship begins with.
pub const UUID_PREFIX: &str = "urn:mrn:signalk:uuid:";

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
    /// A file is there but can't be read at all.
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

/// What the files say.
enum Configured {
    Deltas(Vec<Value>),
    /// A file is damaged and there is no earlier version of it; its text.
    Damaged(String),
}

impl OwnShip {
    /// Reads the base deltas (or the older defaults.json). Without MMSI and UUID a UUID is made up, saved and used from then on.
    ///
    /// Of a damaged file the last good version is used. When there is none, the server starts nevertheless: with the identity that can
    /// still be read in the damaged text, or else with one for this run only. Nothing is saved then, so that the file can be corrected.
    ///
    /// # Errors
    /// A file can't be read, such as for lack of permission, or a new identity can't be saved.
    pub fn load(directory: &Path) -> Result<Self, IdentityError> {
        let document = base_document(directory);
        let mut base_deltas = match read(directory, &document)? {
            Configured::Deltas(deltas) => deltas,
            Configured::Damaged(text) => return Ok(Self::for_this_run(identity_in(&text))),
        };
        let id = match identity_of(&base_deltas) {
            Some(id) => id,
            None => {
                let uuid = new_uuid();
                base_deltas.push(root_delta(json!({"uuid": uuid})));
                document
                    .save(&base_deltas.clone().into())
                    .map_err(|source| IdentityError::Unsaved { path: document.path().to_owned(), source })?;
                log::info!(
                    "this vessel has no MMSI and no UUID yet: made up {uuid} and saved it in {}",
                    document.path().display()
                );
                uuid
            }
        };
        match Context::new(&format!("vessels.{id}")) {
            Ok(context) => Ok(Self { identity: Identity::new(context), base_deltas }),
            Err(error) => {
                log::error!("{}: {id} is no identity: {error}; correct it", document.path().display());
                Ok(Self { base_deltas, ..Self::for_this_run(None) })
            }
        }
    }

    /// What the event `VESSEL_INFO` says (server-admin-api §14).
    pub fn info(&self) -> Value {
        let mut info = VesselData::of(&self.base_deltas).info();
        let id = self.identity.id();
        let (key, text) = id.strip_prefix(MMSI_PREFIX).map_or(("uuid", id), |mmsi| ("mmsi", mmsi));
        info[key] = text.into();
        info
    }

    fn for_this_run(found: Option<String>) -> Self {
        let context = found.and_then(|id| Context::new(&format!("vessels.{id}")).ok()).unwrap_or_else(|| {
            let uuid = new_uuid();
            log::error!("the vessel's identity is not known; it is {uuid} until the server is started anew");
            Context::new(&format!("vessels.{uuid}")).expect("a UUID is a short name, and the first of this process")
        });
        Self { identity: Identity::new(context), base_deltas: Vec::new() }
    }
}

/// The own ship's static data in baseDeltas.json, for those who read and change it. Every call waits for the disk.
#[derive(Debug)]
pub struct VesselFile(Arc<BaseDeltas>);

/// Why the vessel is not read or changed.
pub type VesselFileError = ChangeError<BaseDeltasError<VesselError>>;

impl VesselFile {
    /// That of a configuration directory, of which `own` was read. While there is no file, what defaults.json says holds.
    pub fn in_directory(directory: &Path, own: &OwnShip) -> Self {
        Self(Arc::new(BaseDeltas::new(base_document(directory), own.base_deltas.clone())))
    }

    /// The file, for whoever else changes it: one change at a time.
    pub fn base_deltas(&self) -> Arc<BaseDeltas> {
        self.0.clone()
    }

    /// What is configured now.
    ///
    /// # Errors
    /// The file is damaged or can't be read.
    pub fn read(&self) -> Result<VesselData, VesselFileError> {
        self.0.change(|deltas| Ok(VesselData::of(deltas)))
    }

    /// Changes what `body` names. Returns all that is configured from now on, and a delta with what has changed.
    ///
    /// # Errors
    /// Something in `body` makes no sense, the file is damaged, or it can't be written; it stays as it is.
    pub fn change(&self, body: &Map<String, Value>) -> Result<(VesselData, Value), VesselFileError> {
        self.0.change(|deltas| {
            crate::vessel::change(deltas, body)?;
            if identity_of(deltas).is_none() {
                deltas.push(root_delta(json!({"uuid": new_uuid()})));
            }
            Ok((VesselData::of(deltas), crate::vessel::news(deltas, body)))
        })
    }
}

/// A delta that sets root attributes of the own ship.
pub fn root_delta(attributes: Value) -> Value {
    json!({"context": "vessels.self", "updates": [{"values": [{"path": "", "value": attributes}]}]})
}

/// Configured data as deltas of the own ship with `$source` `defaults` (signalk-v1 §2.3). What can't be used is logged.
///
/// # Errors
/// There are too many names.
pub fn defaults_as_deltas(own: &Context, base_deltas: &[Value]) -> Result<Vec<Delta>, NameError> {
    let provider = Provider::new(DEFAULTS_SOURCE)?;
    let intake = Intake { self_context: own.clone(), provider, override_timestamps: false };
    let mut deltas = Vec::new();
    for delta in base_deltas {
        let taken = intake.take(&delta.to_string(), DeltaVersion::V1);
        for problem in taken.problems {
            log::warn!("baseDeltas.json: {problem}");
        }
        deltas.extend(taken.delta);
    }
    Ok(deltas)
}

fn new_uuid() -> String {
    format!("{UUID_PREFIX}{}", uuid::Uuid::new_v4())
}

fn base_document(directory: &Path) -> Document {
    Document::new(directory.join("baseDeltas.json"))
}

fn read(directory: &Path, document: &Document) -> Result<Configured, IdentityError> {
    let is_array = |value: &Value| value.is_array().then_some(()).ok_or("it is not an array of deltas".to_owned());
    match load(document, is_array)? {
        Loaded::Good(Value::Array(deltas)) | Loaded::Recovered(Value::Array(deltas), _) => {
            Ok(Configured::Deltas(deltas))
        }
        Loaded::Damaged(_) => Ok(Configured::Damaged(text_of(document))),
        _ => {
            let document = Document::new(directory.join("defaults.json"));
            Ok(match load(&document, |tree| own_tree(tree).map(|_| ()).ok_or("it has no vessels.self".to_owned()))? {
                Loaded::Good(tree) | Loaded::Recovered(tree, _) => Configured::Deltas(from_defaults(&tree)),
                Loaded::Damaged(_) => Configured::Damaged(text_of(&document)),
                Loaded::Absent => Configured::Deltas(Vec::new()),
            })
        }
    }
}

fn load(document: &Document, check: impl Fn(&Value) -> Result<(), String>) -> Result<Loaded, IdentityError> {
    let unusable =
        |error: std::io::Error| IdentityError::Unusable { path: document.path().to_owned(), reason: error.to_string() };
    let loaded = document.load(check).map_err(unusable)?;
    if let Loaded::Recovered(_, problem) | Loaded::Damaged(problem) = &loaded {
        log::error!("{problem}");
    }
    Ok(loaded)
}

/// What is left of a damaged file; nothing when even that can't be read.
fn text_of(document: &Document) -> String {
    std::fs::read(document.path()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The identity that a damaged text still shows.
fn identity_in(text: &str) -> Option<String> {
    let digits = |rest: &str| {
        let rest = rest.trim_start_matches([' ', ':', '"', '\n', '\r', '\t']);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (digits.len() == 9).then(|| format!("{MMSI_PREFIX}{digits}"))
    };
    let mmsi = text.match_indices("\"mmsi\"").filter_map(|(at, key)| digits(&text[at + key.len()..])).last();
    mmsi.or_else(|| {
        let (at, _) = text.rmatch_indices(UUID_PREFIX).next()?;
        let uuid = text.get(at + UUID_PREFIX.len()..)?.get(..36)?;
        uuid::Uuid::parse_str(uuid).ok().map(|uuid| format!("{UUID_PREFIX}{uuid}"))
    })
}

fn own_tree(tree: &Value) -> Option<&Map<String, Value>> {
    tree.get("vessels")?.get("self")?.as_object()
}

/// The older form: a full tree `{"vessels": {"self": {…}}}`, whose leaves become values and whose other keys root attributes.
fn from_defaults(tree: &Value) -> Vec<Value> {
    let (mut attributes, mut values) = (Map::new(), Vec::new());
    for (key, node) in own_tree(tree).into_iter().flatten() {
        if has_leaf(node) {
            collect_leaves(key, node, &mut values);
        } else {
            attributes.insert(key.clone(), node.clone());
        }
    }
    values.insert(0, json!({"path": "", "value": attributes}));
    vec![json!({"context": "vessels.self", "updates": [{"values": values}]})]
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
    let VesselData { mmsi, uuid, .. } = VesselData::of(base_deltas);
    if let Some(mmsi) = mmsi {
        return Some(format!("{MMSI_PREFIX}{mmsi}"));
    }
    let uuid = uuid?;
    Some(if uuid.starts_with("urn:") { uuid } else { format!("{UUID_PREFIX}{uuid}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d";

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
        let both = json!([root_delta(json!({"uuid": UUID})), root_delta(json!({"mmsi": "230099999"}))]);
        assert_eq!(id_with(&[("baseDeltas.json", both)]), "urn:mrn:imo:mmsi:230099999");
        assert_eq!(id_with(&[("baseDeltas.json", json!([root_delta(json!({"uuid": UUID}))]))]), UUID);
        let defaults = json!({"vessels": {"self": {"mmsi": "1", "design": {"draft": {"value": {"maximum": 2}}}}}});
        assert_eq!(id_with(&[("defaults.json", defaults)]), "urn:mrn:imo:mmsi:1");
        assert!(id_with(&[]).starts_with("urn:mrn:signalk:uuid:"));
    }

    #[test]
    fn of_a_damaged_file_the_last_good_version_is_used() {
        // SK-227
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("baseDeltas.json");
        std::fs::write(&path, json!([root_delta(json!({"mmsi": "230099999"}))]).to_string()).expect("a file");
        let own = OwnShip::load(directory.path()).expect("an identity");
        for damage in ["[{", "", "{}", "7"] {
            std::fs::write(&path, damage).expect("a file");
            let again = OwnShip::load(directory.path()).expect("an identity");
            assert_eq!((again.identity.id(), &again.base_deltas), (own.identity.id(), &own.base_deltas), "{damage}");
        }
    }

    #[test]
    fn a_damaged_file_without_an_earlier_version_is_not_replaced() {
        // SK-227
        for (name, text, id) in [
            (
                "baseDeltas.json",
                r#"[{"updates":[{"values":[{"path":"","value":{"name":"X","mmsi": "230099999","#,
                Some("urn:mrn:imo:mmsi:230099999"),
            ),
            ("baseDeltas.json", &format!(r#"[{{"value":{{"uuid":"{UUID}""#), Some(UUID)),
            ("baseDeltas.json", r#"[{"mmsi": "23"#, None),
            ("baseDeltas.json", "\0\0\0", None),
            ("defaults.json", "{", None),
        ] {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join(name);
            std::fs::write(&path, text).expect("a file");
            let own = OwnShip::load(directory.path()).expect("no crash loop");
            match id {
                Some(id) => assert_eq!(own.identity.id(), id, "{text}"),
                None => assert!(own.identity.id().starts_with(UUID_PREFIX), "{text}"),
            }
            assert_eq!(std::fs::read_to_string(&path).expect("still there"), text);
            assert!(name == "baseDeltas.json" || !directory.path().join("baseDeltas.json").exists());
        }
    }
}
