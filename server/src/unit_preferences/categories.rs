//! Categories: what a value is, such as a depth, and so in which unit people want it (server-admin-api §13).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use windlass_actors::metadata::MetadataRegistry;

use super::{Result, UnitPreferencesError, check_name};

/// Most categories that are added.
const MAX_CUSTOM: usize = 200;
/// The category of values that are to be shown as they are.
pub const BASE: &str = "base";
/// Units of times, which no formula converts.
const TIMES: [&str; 3] = ["RFC 3339 (UTC)", "ISO-8601 (UTC)", "Epoch Seconds"];

/// Base units by category.
pub type Categories = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Table {
    base_units: Categories,
    /// Which of several categories with the same base unit a path has that is not listed.
    primary: BTreeMap<String, String>,
    /// Paths whose category does not follow from their unit; `*` stands for one segment.
    paths: BTreeMap<String, Vec<String>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("data/categories.json"))
        .expect("the table is part of the program, and a test reads it")
});

/// The categories that the server knows by itself.
pub fn core() -> &'static Categories {
    &TABLE.base_units
}

/// Whether a unit is the form of a time.
pub fn is_time(unit: &str) -> bool {
    TIMES.contains(&unit)
}

/// All categories with those that were added.
pub fn merged(custom: &Categories) -> Categories {
    let mut all = core().clone();
    all.extend(custom.clone());
    all
}

/// Reads categories that somebody wants to add: `{"<category>": "<base unit>"}`.
///
/// # Errors
/// One of them is no text, has an unknown base unit, or is a core category.
pub fn read_custom(body: Value, is_unit: impl Fn(&str) -> bool) -> Result<Categories> {
    let Value::Object(entries) = body else {
        return Err(invalid("the categories are an object of base units".to_owned()));
    };
    if entries.len() > MAX_CUSTOM {
        return Err(invalid(format!("at most {MAX_CUSTOM} categories are kept")));
    }
    let mut categories = Categories::new();
    for (name, unit) in entries {
        check_name("a category", &name)?;
        let Value::String(unit) = unit else {
            return Err(invalid(format!("\"{name}\": the name of its base unit is expected")));
        };
        if name == BASE || core().contains_key(&name) {
            return Err(invalid(format!("\"{name}\" is a category of the server's own; choose another name")));
        }
        if !is_unit(&unit) {
            return Err(invalid(format!("\"{name}\": the base unit \"{unit}\" is not known; define it first")));
        }
        categories.insert(name, unit);
    }
    Ok(categories)
}

/// Reads which category each base unit with several of them has: `{"<base unit>": "<category>"}`.
///
/// # Errors
/// A category does not have that base unit.
pub fn read_primary(body: Value, categories: &Categories) -> Result<BTreeMap<String, String>> {
    let chosen: BTreeMap<String, String> = serde_json::from_value(body)
        .map_err(|_| invalid("the primary categories are an object of categories by base unit".to_owned()))?;
    for (unit, category) in &chosen {
        if categories.get(category) != Some(unit) {
            return Err(invalid(format!("\"{category}\" is no category of the base unit \"{unit}\"")));
        }
    }
    Ok(chosen)
}

/// Base units that several categories have, and those.
pub fn ambiguous(categories: &Categories) -> BTreeMap<&str, Vec<&str>> {
    let mut by_unit = BTreeMap::<&str, Vec<&str>>::new();
    for (category, unit) in categories {
        by_unit.entry(unit).or_default().push(category);
    }
    by_unit.retain(|_, categories| categories.len() > 1);
    by_unit
}

/// Which of its categories a base unit stands for: by the first of the choices that fits, else by the server's own, else the first one.
pub fn of_unit<'a>(unit: &str, categories: &'a Categories, chosen: &[&BTreeMap<String, String>]) -> Option<&'a str> {
    let of_unit: Vec<&str> =
        categories.iter().filter(|(_, base)| *base == unit).map(|(category, _)| category.as_str()).collect();
    let mut wanted = chosen.iter().copied().chain([&TABLE.primary]).filter_map(|choice| choice.get(unit));
    let found = wanted.find_map(|wanted| of_unit.iter().find(|category| *category == wanted));
    found.or(of_unit.first()).copied()
}

/// The category of a path that is listed with it.
pub fn of_listed_path(path: &str) -> Option<&'static str> {
    let listed = |(_, patterns): &(&String, &Vec<String>)| patterns.iter().any(|pattern| fits(pattern, path));
    TABLE.paths.iter().find(listed).map(|(category, _)| category.as_str())
}

/// Whether a pattern stands for a path.
fn fits(pattern: &str, path: &str) -> bool {
    let mut path = path.split('.');
    let all = pattern.split('.').all(|part| path.next().is_some_and(|segment| part == "*" || part == segment));
    all && path.next().is_none()
}

/// `{"categories": {"<category>": {"siUnit", "paths": [<pattern>, …]}}}`: the known paths of each category. Those that are not listed have
/// that of their unit.
pub fn of_known_paths() -> Value {
    let mut paths: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (category, patterns) in &TABLE.paths {
        paths.entry(category).or_default().extend(patterns.iter().cloned());
    }
    for (pattern, metadata) in MetadataRegistry::builtin().to_json() {
        let Some(pattern) =
            pattern.strip_prefix("/vessels/*/").map(|path| path.replace("RegExp", "*").replace('/', "."))
        else {
            continue;
        };
        let category = metadata["units"].as_str().and_then(|unit| of_unit(unit, core(), &[]));
        if let Some(category) = category.filter(|_| of_listed_path(&pattern).is_none()) {
            paths.entry(category).or_default().push(pattern);
        }
    }
    let entries = paths.into_iter().map(|(category, mut paths)| {
        paths.sort_unstable();
        (category.to_owned(), json!({"siUnit": core().get(category), "paths": paths}))
    });
    json!({"categories": entries.collect::<Map<_, _>>()})
}

fn invalid(reason: String) -> UnitPreferencesError {
    UnitPreferencesError::Invalid(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit_preferences::definitions;

    #[test]
    fn a_path_has_the_category_of_its_unit_or_the_one_that_is_listed() {
        let of = |path: &str| {
            let unit = MetadataRegistry::builtin().lookup(path).and_then(|metadata| metadata.units.clone());
            of_listed_path(path).or_else(|| of_unit(&unit?, core(), &[]))
        };
        for (path, category) in [
            ("navigation.speedOverGround", Some("speed")),
            ("environment.water.temperature", Some("temperature")),
            ("environment.depth.belowKeel", Some("depth")),
            ("environment.depth.anything", Some("depth")),
            ("environment.depth", None),
            ("design.beam", Some("length")),
            ("design.draft", Some("depth")),
            ("navigation.log", Some("distance")),
            ("navigation.headingTrue", Some("angle")),
            ("navigation.datetime", Some("dateTime")),
            ("navigation.magneticVariationAgeOfService", Some("epoch")),
            ("tanks.fuel.0.currentLevel", Some("percentage")),
            ("no.such.path", None),
        ] {
            assert_eq!(of(path), category, "{path}");
        }
    }

    #[test]
    fn one_of_several_categories_of_a_unit_is_the_primary_one() {
        assert_eq!(ambiguous(core()), BTreeMap::from([("m", vec!["depth", "distance", "length"])]));
        let chosen = |category: &str| BTreeMap::from([("m".to_owned(), category.to_owned())]);
        let of = |chosen: &[&BTreeMap<String, String>]| of_unit("m", core(), chosen);
        assert_eq!(of(&[]), Some("distance"));
        assert_eq!(of(&[&chosen("length"), &chosen("depth")]), Some("length"));
        assert_eq!(of(&[&chosen("speed"), &chosen("depth")]), Some("depth"), "one that does not fit is passed over");
        assert_eq!(of_unit("parsec", core(), &[]), None);
        assert!(read_primary(json!({"m": "depth"}), core()).is_ok());
        for bad in [json!({"m": "speed"}), json!({"parsec": "depth"}), json!({"m": 7}), json!([])] {
            assert!(read_primary(bad.clone(), core()).is_err(), "{bad}");
        }
    }

    #[test]
    fn known_paths_are_listed_by_category() {
        let all = of_known_paths();
        let has = |category: &str, path: &str| {
            let paths = all["categories"][category]["paths"].as_array().expect("paths");
            paths.iter().any(|listed| listed == path)
        };
        assert!(has("speed", "navigation.speedOverGround") && has("frequency", "propulsion.*.revolutions"));
        assert!(has("depth", "environment.depth.*") && !has("distance", "environment.depth.belowKeel"));
        assert_eq!(all["categories"]["speed"]["siUnit"], "m/s");
    }

    #[test]
    fn added_categories_have_known_units_and_names_of_their_own() {
        let is_unit = |unit: &str| definitions::built_in().contains_key(unit);
        let read = |body| read_custom(body, is_unit);
        let custom = read(json!({"waveHeight": "m"})).expect("good categories");
        assert_eq!(merged(&custom)["waveHeight"], "m");
        for (bad, words) in [
            (json!([]), "object of base units"),
            (json!({"x": 7}), "\"x\": the name"),
            (json!({"speed": "m/s"}), "of the server's own"),
            (json!({"base": "m/s"}), "of the server's own"),
            (json!({"x": "parsec"}), "\"parsec\" is not known"),
            (json!({" ": "m"}), "a category"),
        ] {
            let error = read(bad).expect_err("refused").to_string();
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
