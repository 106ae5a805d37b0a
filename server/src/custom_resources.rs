//! Types of resources that apps have asked for (clients.md): chart plotters have some of their own beside those of the specification.
//!
//! They are kept where the reference's resources provider keeps them, in its configuration: `plugin-config-data/resources-provider.json`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use windlass_actors::providers::resources::STANDARD_TYPES;
use windlass_store::{ChangeError, Document};

/// Most types that are added.
const MAX_TYPES: usize = 100;
/// Longest name and description, in characters.
const MAX_NAME: usize = 64;
const MAX_DESCRIPTION: usize = 1000;

/// The types that were added.
#[derive(Debug)]
pub struct CustomResources {
    document: Document,
    names: Mutex<BTreeSet<String>>,
}

/// Why a type is not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomResourceError {
    /// The name can't be one.
    #[error("the name of a type of resources is a letter and at most 63 letters, digits, \"_\" and \"-\"")]
    Name,
    /// The description is too long.
    #[error("a description has at most {MAX_DESCRIPTION} characters")]
    Description,
    /// There are too many.
    #[error("there are {MAX_TYPES} added types already; remove one from plugin-config-data/resources-provider.json")]
    TooMany,
    /// The file has something else in it.
    #[error("plugin-config-data/resources-provider.json: {0}; correct the file")]
    BadFile(&'static str),
}

impl CustomResources {
    /// Reads those of a configuration directory. What can't be used is said in `problems`.
    pub fn load(config_dir: &Path, problems: &mut Vec<String>) -> Self {
        let document = Document::new(config_dir.join("plugin-config-data").join("resources-provider.json"));
        let is_object = |value: &Value| value.is_object().then_some(()).ok_or_else(|| "it is no object".to_owned());
        let value = match document.load(is_object) {
            Ok(loaded) => {
                let (value, problem) = loaded.into_parts();
                problems.extend(problem);
                value.unwrap_or_default()
            }
            Err(error) => {
                problems.push(format!("{} can't be read: {error}", document.path().display()));
                Value::Null
            }
        };
        let listed = value["configuration"]["custom"].as_array().into_iter().flatten();
        let names = listed.filter_map(|entry| entry["name"].as_str()).filter(|name| is_name(name));
        let names = names.take(MAX_TYPES).map(str::to_owned).collect();
        Self { document, names: Mutex::new(names) }
    }

    /// All that were added.
    pub fn names(&self) -> BTreeSet<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a type. When this returns, it survives a power cut. One that is there stays as it is.
    ///
    /// # Errors
    /// It can't be added, or the disk refuses; see [`CustomResourceError`].
    pub fn add(&self, name: &str, description: &str) -> Result<(), ChangeError<CustomResourceError>> {
        if !is_name(name) {
            return Err(ChangeError::Refused(CustomResourceError::Name));
        }
        if description.chars().count() > MAX_DESCRIPTION {
            return Err(ChangeError::Refused(CustomResourceError::Description));
        }
        if STANDARD_TYPES.contains(&name) {
            return Ok(());
        }
        if let Some(folder) = self.document.path().parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| ChangeError::Unsaved { path: folder.to_owned(), source })?;
        }
        self.document.change(|file| {
            let configuration = configuration(file)?;
            let custom = configuration.entry("custom").or_insert_with(|| json!([]));
            let custom = custom.as_array_mut().ok_or(CustomResourceError::BadFile("its custom types are no list"))?;
            if !custom.iter().any(|entry| entry["name"] == name) {
                if custom.len() >= MAX_TYPES {
                    return Err(CustomResourceError::TooMany);
                }
                custom.push(json!({"name": name, "description": description}));
            }
            Ok(())
        })?;
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Ok(())
    }
}

/// The configuration in the file; made, with the standard types on, when there is none.
fn configuration(file: &mut Value) -> Result<&mut Map<String, Value>, CustomResourceError> {
    let file = file.as_object_mut().ok_or(CustomResourceError::BadFile("it is no object"))?;
    file.entry("enabled").or_insert(true.into());
    let configuration = file.entry("configuration").or_insert_with(|| json!({}));
    let configuration =
        configuration.as_object_mut().ok_or(CustomResourceError::BadFile("its configuration is no object"))?;
    let standard =
        || STANDARD_TYPES.iter().map(|name| ((*name).to_owned(), Value::Bool(true))).collect::<Map<_, _>>().into();
    configuration.entry("standard").or_insert_with(standard);
    Ok(configuration)
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    name.len() <= MAX_NAME && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(directory: &Path) -> CustomResources {
        let mut problems = Vec::new();
        let resources = CustomResources::load(directory, &mut problems);
        assert_eq!(problems, [""; 0]);
        resources
    }

    #[test]
    fn types_are_kept_as_the_reference_keeps_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("plugin-config-data/resources-provider.json");
        let resources = open(directory.path());
        assert!(resources.names().is_empty());
        resources.add("routes", "").expect("it is there");
        resources.add("tracks", "Tracks").expect("added");
        resources.add("tracks", "again").expect("it is there");
        let read = || serde_json::from_str::<Value>(&std::fs::read_to_string(&file).expect("a file")).expect("JSON");
        let standard = json!({"routes": true, "waypoints": true, "notes": true, "regions": true, "charts": true});
        let expected = json!({"enabled": true,
            "configuration": {"standard": standard, "custom": [{"name": "tracks", "description": "Tracks"}]}});
        assert_eq!(read(), expected);
        assert_eq!(open(directory.path()).names(), BTreeSet::from(["tracks".to_owned()]));
        // Whatever else is there stays.
        std::fs::write(&file, r#"{"enabled": false, "configuration": {"standard": {"routes": false}, "path": "x"}}"#)
            .expect("a file");
        open(directory.path()).add("groups", "").expect("added");
        let expected = json!({"enabled": false, "configuration": {"standard": {"routes": false}, "path": "x",
            "custom": [{"name": "groups", "description": ""}]}});
        assert_eq!(read(), expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let resources = open(directory.path());
        for name in ["", "_providers", "1", "a/b", "..", "a.b", "ä", &"x".repeat(65)] {
            let refused = resources.add(name, "");
            assert!(matches!(refused, Err(ChangeError::Refused(CustomResourceError::Name))), "{name}: {refused:?}");
        }
        assert!(resources.add("x", &"y".repeat(1001)).is_err());
        for n in 0..MAX_TYPES {
            resources.add(&format!("t{n}"), "").expect("there is room");
        }
        let refused = resources.add("more", "");
        assert!(matches!(refused, Err(ChangeError::Refused(CustomResourceError::TooMany))), "{refused:?}");
        let file = directory.path().join("plugin-config-data/resources-provider.json");
        for bad in ["[]", r#"{"configuration": 7}"#, r#"{"configuration": {"custom": {}}}"#] {
            std::fs::write(&file, bad).expect("a file");
            let refused = resources.add("other", "");
            assert!(
                matches!(refused, Err(ChangeError::Refused(CustomResourceError::BadFile(_)))),
                "{bad}: {refused:?}"
            );
            assert_eq!(std::fs::read_to_string(&file).expect("a file"), bad);
        }
    }
}
