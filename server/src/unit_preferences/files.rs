//! The files of unit preferences.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use windlass_store::Document;

use super::categories::Categories;
use super::definitions::Definitions;
use super::presets::{self, Preset};
use super::{MAX_PRESETS, Result, UnitPreferencesError};

/// Largest file that is read or saved, in bytes of JSON.
pub const MAX_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    pub fn below(root: PathBuf) -> Self {
        Self { root }
    }

    pub fn config(&self, problems: &mut Vec<String>) -> Map<String, Value> {
        load(&self.root.join(CONFIG), problems).unwrap_or_default()
    }

    pub fn definitions(&self, problems: &mut Vec<String>) -> Definitions {
        load(&self.root.join(DEFINITIONS), problems).unwrap_or_default()
    }

    pub fn categories(&self, problems: &mut Vec<String>) -> Categories {
        load(&self.root.join(CATEGORIES), problems).unwrap_or_default()
    }

    pub fn primary(&self, problems: &mut Vec<String>) -> BTreeMap<String, String> {
        load(&self.root.join(PRIMARY), problems).unwrap_or_default()
    }

    /// The presets that were added; no more than there may be.
    pub fn presets(&self, problems: &mut Vec<String>) -> BTreeMap<String, Preset> {
        let folder = self.presets_folder();
        let listed = match fs::read_dir(&folder) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return BTreeMap::new(),
            Err(error) => {
                problems.push(format!("{} can't be read: {error}", folder.display()));
                return BTreeMap::new();
            }
        };
        let mut names: Vec<_> = listed
            .flatten()
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
            .filter(|name| presets::check_file_name(name).is_ok())
            .collect();
        names.sort_unstable();
        if names.len() > MAX_PRESETS {
            problems.push(format!("{}: only {MAX_PRESETS} of {} presets are used", folder.display(), names.len()));
            names.truncate(MAX_PRESETS);
        }
        let read = names.into_iter().map(|name| {
            let preset = load(&folder.join(format!("{name}.json")), problems);
            preset.map(|preset| (name, preset))
        });
        read.flatten().collect()
    }

    pub fn save_config(&self, config: &Map<String, Value>) -> Result<()> {
        self.save(&self.root.join(CONFIG), config)
    }

    pub fn save_definitions(&self, definitions: &Definitions) -> Result<()> {
        self.save(&self.root.join(DEFINITIONS), definitions)
    }

    pub fn save_categories(&self, categories: &Categories) -> Result<()> {
        self.save(&self.root.join(CATEGORIES), categories)
    }

    pub fn save_primary(&self, primary: &BTreeMap<String, String>) -> Result<()> {
        self.save(&self.root.join(PRIMARY), primary)
    }

    pub fn save_preset(&self, name: &str, preset: &Preset) -> Result<()> {
        self.save(&self.presets_folder().join(format!("{name}.json")), preset)
    }

    pub fn delete_preset(&self, name: &str) -> Result<()> {
        let folder = self.presets_folder();
        let path = folder.join(format!("{name}.json"));
        fs::remove_file(&path).map_err(|error| storage(&path, &error))?;
        // It must not come back after a power cut.
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|error| storage(&folder, &error))
    }

    fn presets_folder(&self) -> PathBuf {
        self.root.join("presets").join("custom")
    }

    fn save(&self, path: &Path, content: &impl serde::Serialize) -> Result<()> {
        let content = serde_json::to_value(content).map_err(|error| storage(path, &error.into()))?;
        if content.to_string().len() > MAX_BYTES {
            return Err(UnitPreferencesError::Invalid(format!("it is too large: {MAX_BYTES} bytes are kept")));
        }
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|error| storage(folder, &error))?;
        Document::new(path).save(&content).map_err(|error| storage(path, &error))
    }
}

const CONFIG: &str = "config.json";
const DEFINITIONS: &str = "custom-units-definitions.json";
const CATEGORIES: &str = "custom-categories.json";
const PRIMARY: &str = "primary-categories.json";

fn load<T: DeserializeOwned>(path: &Path, problems: &mut Vec<String>) -> Option<T> {
    let document = Document::new(path);
    let readable = |value: &Value| match T::deserialize(value) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    };
    match document.load(readable) {
        Ok(loaded) => {
            let (value, problem) = loaded.into_parts();
            problems.extend(problem);
            // What was found good can be read once more.
            value.and_then(|value| serde_json::from_value(value).ok())
        }
        Err(error) => {
            problems.push(format!("{} can't be read: {error}", path.display()));
            None
        }
    }
}

fn storage(path: &Path, error: &io::Error) -> UnitPreferencesError {
    UnitPreferencesError::Storage { path: path.to_owned(), reason: error.to_string() }
}
