//! Presets: which unit each category is shown in (server-admin-api §13).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::categories::is_time;
use super::definitions::Definitions;
use super::{Result, UnitPreferencesError, check_name};

/// The preset that is used until another one is chosen.
pub const DEFAULT: &str = "nautical-metric";
/// Most categories of a preset.
const MAX_CATEGORIES: usize = 200;
/// Longest name of a file, in characters.
const MAX_NAME: usize = 64;
/// Longest description and other texts, in characters.
const MAX_TEXT: usize = 1000;

const FILES: [(&str, &str); 6] = [
    ("imperial-uk", include_str!("data/presets/imperial-uk.json")),
    ("imperial-us", include_str!("data/presets/imperial-us.json")),
    ("metric", include_str!("data/presets/metric.json")),
    ("nautical-imperial-uk", include_str!("data/presets/nautical-imperial-uk.json")),
    ("nautical-imperial-us", include_str!("data/presets/nautical-imperial-us.json")),
    ("nautical-metric", include_str!("data/presets/nautical-metric.json")),
];

static BUILT_IN: LazyLock<BTreeMap<&'static str, Preset>> = LazyLock::new(|| {
    let read = |text| serde_json::from_str(text).expect("the presets are part of the program, and a test reads them");
    FILES.into_iter().map(|(name, text)| (name, read(text))).collect()
});

/// A preset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// The version of its form.
    pub version: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The unit of each category.
    pub categories: BTreeMap<String, Choice>,
    /// Whatever else its author wrote, such as a date.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// How a category is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The unit of the values.
    pub base_unit: String,
    /// The unit that they are shown in; a key of the base unit's conversions, or the base unit itself.
    pub target_unit: String,
    /// How many decimals: `0.0` is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_format: Option<String>,
    /// Whatever else its author wrote.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The presets that come with the server, by name.
pub fn built_in() -> &'static BTreeMap<&'static str, Preset> {
    &BUILT_IN
}

/// The default preset.
pub fn default() -> &'static Preset {
    &BUILT_IN[DEFAULT]
}

/// Checks that a preset's name can be the name of a file everywhere.
///
/// # Errors
/// It can't.
pub fn check_file_name(name: &str) -> Result<()> {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if (1..=MAX_NAME).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    Err(UnitPreferencesError::Invalid(format!(
        "Invalid preset name: 1 to {MAX_NAME} letters, digits, \"_\" and \"-\" are allowed"
    )))
}

impl Preset {
    /// Reads a preset that somebody wants to keep.
    ///
    /// # Errors
    /// Something is missing, or a unit is not known; the words name the first place.
    pub fn read(body: Value, definitions: &Definitions) -> Result<Self> {
        let preset: Self = serde_json::from_value(body).map_err(|error| {
            invalid(format!("{error}; a preset is {{\"version\", \"name\", \"description\"?, \"categories\": {{…}}}}"))
        })?;
        let long = |text: &String| text.chars().count() > MAX_TEXT;
        if preset.version.is_empty() || preset.name.is_empty() {
            return Err(invalid("version and name must not be empty".to_owned()));
        }
        if long(&preset.version) || long(&preset.name) || preset.description.as_ref().is_some_and(long) {
            return Err(invalid(format!("a text has more than {MAX_TEXT} characters")));
        }
        if preset.categories.is_empty() || preset.categories.len() > MAX_CATEGORIES {
            return Err(invalid(format!("1 to {MAX_CATEGORIES} categories are expected")));
        }
        for (category, choice) in &preset.categories {
            check_name("a category", category)?;
            choice.check(category, definitions)?;
        }
        Ok(preset)
    }

    /// The entry of the list of presets.
    pub fn listed(&self, name: &str) -> Value {
        json!({"name": name, "displayName": self.name, "description": self.description})
    }
}

impl Choice {
    fn check(&self, category: &str, definitions: &Definitions) -> Result<()> {
        let Self { base_unit, target_unit, .. } = self;
        check_name("a base unit", base_unit)?;
        check_name("a unit", target_unit)?;
        // What a date looks like is for clients to know.
        if is_time(base_unit) || base_unit == target_unit {
            return Ok(());
        }
        let Some(unit) = definitions.get(base_unit) else {
            return Err(invalid(format!(
                "\"{category}\": the base unit \"{base_unit}\" is not known; define it first"
            )));
        };
        if !unit.conversions.contains_key(target_unit) {
            let known: Vec<_> = unit.conversions.keys().map(String::as_str).collect();
            return Err(invalid(format!(
                "\"{category}\": {base_unit} can't be shown as \"{target_unit}\", only as {}",
                known.join(", ")
            )));
        }
        Ok(())
    }
}

fn invalid(reason: String) -> UnitPreferencesError {
    UnitPreferencesError::Invalid(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit_preferences::{categories, definitions};

    #[test]
    fn built_in_presets_name_known_units() {
        for (name, preset) in built_in() {
            let read = Preset::read(serde_json::to_value(preset).expect("JSON"), definitions::built_in());
            assert_eq!(read.as_ref().expect(name), preset);
            check_file_name(name).expect("a file name");
            for (category, choice) in &preset.categories {
                assert_eq!(categories::core().get(category), Some(&choice.base_unit), "{name}: {category}");
            }
            // Every category whose unit is known can be shown.
            let shown = categories::core().iter().filter(|(_, base)| definitions::built_in().contains_key(*base));
            assert!(shown.clone().all(|(category, _)| preset.categories.contains_key(category)), "{name}");
        }
        let target = |preset: &str, category: &str| built_in()[preset].categories[category].target_unit.as_str();
        assert_eq!((target("metric", "speed"), target("metric", "depth")), ("km/h", "m"));
        assert_eq!((target("imperial-us", "temperature"), target("imperial-uk", "temperature")), ("F", "C"));
        assert_eq!((target("imperial-us", "volume"), target("imperial-uk", "volume")), ("gallon", "gallon-imp"));
        assert_eq!((target(DEFAULT, "speed"), target(DEFAULT, "distance")), ("kn", "naut-mile"));
    }

    #[test]
    fn presets_of_others_are_checked() {
        let preset = |categories: Value| json!({"version": "1.0.0", "name": "Mine", "categories": categories});
        let speed = |base: &str, target: &str| preset(json!({"speed": {"baseUnit": base, "targetUnit": target}}));
        let read = |body| Preset::read(body, definitions::built_in());
        for good in [
            speed("m/s", "kn"),
            speed("thing", "thing"),
            preset(json!({"dateTime": {"baseUnit": "RFC 3339 (UTC)", "targetUnit": "dd/mm/yyyy"}})),
            json!({"version": "1", "name": "n", "date": "2026-01-01", "categories": {"depth": {"baseUnit": "m", "targetUnit": "foot",
                "displayFormat": "0", "symbol": "ft"}}}),
        ] {
            let read = read(good.clone()).expect("a preset");
            assert_eq!(serde_json::to_value(read).expect("JSON"), good, "nothing is lost");
        }
        for (body, words) in [
            (json!([]), "a preset is"),
            (json!({"name": "n", "categories": {}}), "missing field `version`"),
            (json!({"version": 1, "name": "n", "categories": {}}), "expected a string"),
            (json!({"version": "", "name": "n", "categories": {}}), "must not be empty"),
            (preset(json!({})), "1 to 200"),
            (preset(json!({"speed": {"baseUnit": "m/s"}})), "missing field `targetUnit`"),
            (speed("m/s", "C"), "\"speed\": m/s can't be shown as \"C\", only as Bf, km/h, kn"),
            (speed("parsec", "kn"), "the base unit \"parsec\" is not known"),
            (preset(json!({"": {"baseUnit": "m", "targetUnit": "m"}})), "a category"),
        ] {
            let error = read(body).expect_err("refused").to_string();
            assert!(error.contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn names_are_safe_file_names() {
        for good in ["my-boat", "A_1", "x"] {
            check_file_name(good).expect("a file name");
        }
        for bad in ["", ".", "..", "../config", "a/b", "a\\b", "a.json", "ä", "a b", "a\0", &"x".repeat(65)] {
            assert!(check_file_name(bad).is_err(), "{bad}");
        }
    }
}
