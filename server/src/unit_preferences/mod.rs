//! In which units people want to see values: `/signalk/v1/unitpreferences` (server-admin-api §13).
//!
//! Values travel in SI units. What they are is their category, such as a depth; a preset says in which unit each category is shown, and
//! the definitions how a value gets there. The files are those of the reference, in `unitpreferences/` of the configuration directory:
//! `config.json`, `custom-units-definitions.json`, `custom-categories.json` and `presets/custom/<name>.json`; `primary-categories.json` is
//! besides. A user's own choice is among the application data of the user.

pub mod categories;
pub mod definitions;
mod files;
pub mod formula;
pub mod presets;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use serde_json::{Map, Value, json};

use categories::Categories;
use definitions::Definitions;
use files::Files;
use presets::Preset;

/// Longest name of a unit or category, in characters.
const MAX_NAME: usize = 64;
/// Most presets that are added.
const MAX_PRESETS: usize = 100;
/// Most users whose presets config.json may have.
const MAX_USERS: usize = 1000;
/// The application data in which a user's own choice is: id and version.
pub const USER_DATA: (&str, &str) = ("unitpreferences", "1.0.0");

/// Why nothing is changed or found.
#[derive(Debug, thiserror::Error)]
pub enum UnitPreferencesError {
    /// Something makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// There is no such preset.
    #[error("Preset not found")]
    NotFound,
    /// A preset has that name already.
    #[error("there is a preset {0} already; remove it first, or choose another name")]
    Taken(String),
    /// The disk refuses.
    #[error("{path}: {reason}")]
    Storage {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        reason: String,
    },
}

type Result<T> = std::result::Result<T, UnitPreferencesError>;

/// What somebody has chosen for themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChoice {
    preset: Option<String>,
    primary: BTreeMap<String, String>,
}

/// All unit preferences. Reading never waits for the disk, changing always does.
#[derive(Debug)]
pub struct UnitPreferences {
    files: Files,
    state: RwLock<State>,
    /// Held while something is changed, in the file and here.
    changing: Mutex<()>,
}

/// What is in the files.
#[derive(Debug, Clone, Default)]
struct State {
    config: Map<String, Value>,
    definitions: Definitions,
    categories: Categories,
    primary: BTreeMap<String, String>,
    presets: BTreeMap<String, Preset>,
}

impl UserChoice {
    /// Reads the application data of a user.
    pub fn of(data: &Value) -> Self {
        Self {
            preset: data["activePreset"].as_str().map(str::to_owned),
            primary: serde_json::from_value(data["primaryCategories"].clone()).unwrap_or_default(),
        }
    }
}

impl UnitPreferences {
    /// Reads those of a configuration directory. What can't be used is left out, and said in `problems`.
    pub fn load(config_dir: &Path, problems: &mut Vec<String>) -> Self {
        let files = Files::below(config_dir.join("unitpreferences"));
        let state = State {
            config: files.config(problems),
            definitions: files.definitions(problems),
            categories: files.categories(problems),
            primary: files.primary(problems),
            presets: files.presets(problems),
        };
        Self { files, state: RwLock::new(state), changing: Mutex::default() }
    }

    /// `{"activePreset", …}`.
    pub fn config(&self) -> Value {
        let mut config = self.read().config.clone();
        config.entry("activePreset").or_insert_with(|| presets::DEFAULT.into());
        config.into()
    }

    /// Chooses the preset for all who have not chosen one themselves.
    ///
    /// # Errors
    /// There is no such preset, or the disk refuses.
    pub fn set_config(&self, body: Value) -> Result<()> {
        let _changing = self.change();
        let Value::Object(config) = body else {
            return Err(invalid("the configuration is an object with \"activePreset\""));
        };
        let Some(preset) = config.get("activePreset").and_then(Value::as_str) else {
            return Err(invalid("activePreset must name a preset"));
        };
        let of_users = match config.get("userPresets") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(users)) if users.len() <= MAX_USERS => users.clone(),
            Some(_) => {
                return Err(invalid(&format!(
                    "userPresets must be an object with the presets of at most {MAX_USERS} users"
                )));
            }
        };
        for named in of_users.values().chain([&Value::from(preset)]) {
            let known = named.as_str().is_some_and(|name| self.read().preset(name).is_some());
            if !known {
                return Err(invalid(&format!("there is no preset {named}")));
            }
        }
        let size = Value::from(config.clone()).to_string().len();
        if size > files::MAX_BYTES {
            return Err(invalid("the configuration is too large"));
        }
        self.files.save_config(&config)?;
        self.write(|state| state.config = config);
        Ok(())
    }

    /// `{"categoryToBaseUnit": {…}, "coreCategories": […]}`.
    pub fn categories(&self) -> Value {
        let core: Vec<_> = categories::core().keys().collect();
        json!({"categoryToBaseUnit": categories::merged(&self.read().categories), "coreCategories": core})
    }

    /// All units.
    pub fn definitions(&self) -> Definitions {
        definitions::merged(&self.read().definitions)
    }

    /// The units that were added.
    pub fn custom_definitions(&self) -> Definitions {
        self.read().definitions.clone()
    }

    /// Replaces the units that were added.
    ///
    /// # Errors
    /// One of them makes no sense, or the disk refuses.
    pub fn set_custom_definitions(&self, body: Value) -> Result<()> {
        let _changing = self.change();
        let definitions = definitions::read_custom(body)?;
        self.files.save_definitions(&definitions)?;
        self.write(|state| state.definitions = definitions);
        Ok(())
    }

    /// The categories that were added.
    pub fn custom_categories(&self) -> Categories {
        self.read().categories.clone()
    }

    /// Replaces the categories that were added.
    ///
    /// # Errors
    /// One of them makes no sense, or the disk refuses.
    pub fn set_custom_categories(&self, body: Value) -> Result<()> {
        let _changing = self.change();
        let definitions = self.definitions();
        let categories = categories::read_custom(body, |unit| definitions.contains_key(unit))?;
        self.files.save_categories(&categories)?;
        self.write(|state| state.categories = categories);
        Ok(())
    }

    /// `{"builtIn": [{name, displayName, description}], "custom": […]}`.
    pub fn presets(&self) -> Value {
        let built_in: Vec<_> = presets::built_in().iter().map(|(name, preset)| preset.listed(name)).collect();
        let custom: Vec<_> = self.read().presets.iter().map(|(name, preset)| preset.listed(name)).collect();
        json!({"builtIn": built_in, "custom": custom})
    }

    /// One preset.
    ///
    /// # Errors
    /// There is none with that name.
    pub fn preset(&self, name: &str) -> Result<Preset> {
        presets::check_file_name(name)?;
        self.read().preset(name).cloned().ok_or(UnitPreferencesError::NotFound)
    }

    /// Adds a preset, or replaces one that was added.
    ///
    /// # Errors
    /// The name is that of a built-in preset, the preset makes no sense, there are too many, or the disk refuses.
    pub fn save_preset(&self, name: &str, body: Value) -> Result<()> {
        let _changing = self.change();
        self.check_new_name(name)?;
        let preset = Preset::read(body, &self.definitions())?;
        self.keep_preset(name, preset)
    }

    /// Adds a preset of which a file was uploaded: under the file's name if that can be one, else under its own. Returns the name, and what
    /// people call the preset.
    ///
    /// # Errors
    /// As for [`save_preset`](Self::save_preset), or there is one with that name.
    pub fn upload_preset(&self, file_name: &str, body: Value) -> Result<(String, String)> {
        let _changing = self.change();
        let preset = Preset::read(body, &self.definitions())?;
        let stem = file_name.strip_suffix(".json").unwrap_or(file_name);
        let name = match presets::check_file_name(stem) {
            Ok(()) => stem.to_owned(),
            Err(_) => {
                let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' };
                preset.name.chars().take(MAX_NAME).map(plain).collect::<String>().to_ascii_lowercase()
            }
        };
        self.check_new_name(&name)?;
        if self.read().presets.contains_key(&name) {
            return Err(UnitPreferencesError::Taken(name));
        }
        let called = preset.name.clone();
        self.keep_preset(&name, preset)?;
        Ok((name, called))
    }

    /// Removes a preset that was added. Whoever uses it has the default one then.
    ///
    /// # Errors
    /// There is none with that name, or the disk refuses.
    pub fn delete_preset(&self, name: &str) -> Result<()> {
        let _changing = self.change();
        presets::check_file_name(name)?;
        if !self.read().presets.contains_key(name) {
            return Err(UnitPreferencesError::NotFound);
        }
        self.files.delete_preset(name)?;
        self.write(|state| drop(state.presets.remove(name)));
        Ok(())
    }

    /// The preset that holds for somebody, with the symbol of each unit.
    pub fn active(&self, user: Option<&str>, choice: &UserChoice) -> Value {
        let state = self.read();
        let definitions = definitions::merged(&state.definitions);
        let mut preset = state.active(user, choice).clone();
        for choice in preset.categories.values_mut() {
            let unit = definitions.get(&choice.base_unit);
            if let Some(conversion) = unit.and_then(|unit| unit.conversions.get(&choice.target_unit)) {
                choice.rest.insert("symbol".to_owned(), conversion.symbol.as_str().into());
            }
        }
        serde_json::to_value(preset).unwrap_or_default()
    }

    /// The category that a path has of itself; `units` is the unit of its values.
    pub fn default_category(&self, path: &str, units: Option<&str>, choice: &UserChoice) -> Option<String> {
        let state = self.read();
        let all = categories::merged(&state.categories);
        let of_unit = || categories::of_unit(units?, &all, &[&choice.primary, &state.primary]);
        categories::of_listed_path(path).or_else(of_unit).map(str::to_owned)
    }

    /// `{"ambiguousUnits": {"<base unit>": [<category>, …]}, "effectivePrimary": {"<base unit>": "<category>"}}`.
    pub fn primary_categories(&self, choice: &UserChoice) -> Value {
        let state = self.read();
        let all = categories::merged(&state.categories);
        let ambiguous = categories::ambiguous(&all);
        let primary = |unit: &&str| categories::of_unit(unit, &all, &[&choice.primary, &state.primary]);
        let effective: BTreeMap<_, _> = ambiguous.keys().map(|unit| (*unit, primary(unit))).collect();
        json!({"ambiguousUnits": ambiguous, "effectivePrimary": effective})
    }

    /// Chooses the primary categories for all who have not chosen some themselves.
    ///
    /// # Errors
    /// A category does not have that base unit, or the disk refuses.
    pub fn set_primary_categories(&self, body: Value) -> Result<()> {
        let _changing = self.change();
        let all = categories::merged(&self.read().categories);
        let primary = categories::read_primary(body, &all)?;
        self.files.save_primary(&primary)?;
        self.write(|state| state.primary = primary);
        Ok(())
    }

    /// Checks `displayUnits.category` of metadata: that there is such a category, and that it has the unit of the path's values, where that
    /// is known (signalk-v1 §6.6).
    ///
    /// # Errors
    /// It does not fit; the words are for whoever set it.
    pub fn check_category(&self, units: Option<&str>, category: &str) -> std::result::Result<(), String> {
        if category == categories::BASE {
            return Ok(());
        }
        let state = self.read();
        let none = UserChoice::default();
        let of_preset = || state.active(None, &none).categories.get(category).map(|choice| choice.base_unit.clone());
        let base = categories::merged(&state.categories).get(category).cloned().or_else(of_preset);
        match (base, units) {
            (None, _) => {
                Err(format!("there is no category \"{category}\"; /signalk/v1/unitpreferences/categories lists them"))
            }
            (Some(base), Some(units)) if base != units => {
                Err(format!("the category \"{category}\" is for values in {base}, and the path has {units}"))
            }
            _ => Ok(()),
        }
    }

    /// `displayUnits` of a path's metadata, as clients get it: `{category, targetUnit, formula, inverseFormula, symbol, displayFormat?}`
    /// (signalk-v1 §3). `None` when the values have no unit that could be converted.
    pub fn display_units(
        &self,
        path: &str,
        meta: &Map<String, Value>,
        user: Option<&str>,
        choice: &UserChoice,
    ) -> Option<Value> {
        let units = meta.get("units").and_then(Value::as_str);
        let stored = |key: &str| meta.get("displayUnits").and_then(|stored| stored.get(key)?.as_str());
        let category = match stored("category") {
            Some(category) => category.to_owned(),
            // What the values are in must be known then.
            None => self.default_category(path, Some(units?), choice)?,
        };
        if category == categories::BASE {
            let unit = units.unwrap_or(categories::BASE);
            let symbol = units.unwrap_or_default();
            return Some(
                json!({"category": category, "targetUnit": unit, "formula": "value", "inverseFormula": "value", "symbol": symbol}),
            );
        }
        let state = self.read();
        let of_preset = state.active(user, choice).categories.get(&category);
        let base = categories::merged(&state.categories).get(&category).cloned();
        let base = base.or_else(|| of_preset.map(|choice| choice.base_unit.clone()))?;
        // Whoever has given the path another unit knows how to show it.
        if units.is_some_and(|units| units != base) {
            return None;
        }
        let target = stored("targetUnit").or_else(|| of_preset.map(|choice| choice.target_unit.as_str()))?;
        let definitions = definitions::merged(&state.definitions);
        let conversion = definitions.get(&base)?.conversions.get(target)?;
        let mut shown = json!({
            "category": category,
            "targetUnit": target,
            "formula": conversion.formula,
            "inverseFormula": conversion.inverse_formula,
            "symbol": conversion.symbol,
        });
        let format = stored("displayFormat").or_else(|| of_preset?.display_format.as_deref());
        if let Some(format) = format {
            shown["displayFormat"] = format.into();
        }
        Some(shown)
    }

    fn check_new_name(&self, name: &str) -> Result<()> {
        presets::check_file_name(name)?;
        if presets::built_in().contains_key(name) {
            return Err(invalid(&format!("Cannot overwrite built-in preset \"{name}\"; choose another name")));
        }
        let state = self.read();
        if state.presets.len() >= MAX_PRESETS && !state.presets.contains_key(name) {
            return Err(invalid(&format!("at most {MAX_PRESETS} presets are kept; remove one first")));
        }
        Ok(())
    }

    fn keep_preset(&self, name: &str, preset: Preset) -> Result<()> {
        self.files.save_preset(name, &preset)?;
        self.write(|state| drop(state.presets.insert(name.to_owned(), preset)));
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn preset(&self, name: &str) -> Option<&Preset> {
        self.presets.get(name).or_else(|| presets::built_in().get(name))
    }

    /// What a user has chosen, else what is configured for the user, else for all, else the default.
    fn active(&self, user: Option<&str>, choice: &UserChoice) -> &Preset {
        let for_user = user.and_then(|user| self.config.get("userPresets")?.get(user)?.as_str());
        let for_all = self.config.get("activePreset").and_then(Value::as_str);
        let mut wanted = choice.preset.as_deref().into_iter().chain(for_user).chain(for_all);
        match wanted.find_map(|name| self.preset(name)) {
            Some(preset) => preset,
            None => presets::default(),
        }
    }
}

/// Checks the name of a unit or category.
fn check_name(what: &str, name: &str) -> Result<()> {
    let count = name.chars().count();
    if name.trim().is_empty() || count > MAX_NAME || name.chars().any(char::is_control) {
        return Err(invalid(&format!("the name of {what} has 1 to {MAX_NAME} characters")));
    }
    Ok(())
}

fn invalid(reason: &str) -> UnitPreferencesError {
    UnitPreferencesError::Invalid(reason.to_owned())
}

#[cfg(test)]
mod tests;
