//! Choosing, adding and keeping unit preferences.

use serde_json::json;

use super::*;

fn open(directory: &Path) -> UnitPreferences {
    let mut problems = Vec::new();
    let preferences = UnitPreferences::load(directory, &mut problems);
    assert_eq!(problems, [""; 0]);
    preferences
}

fn meta(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn mine(speed: &str) -> Value {
    json!({"version": "1.0.0", "name": "My boat!", "categories": {"speed": {"baseUnit": "m/s", "targetUnit": speed}}})
}

#[test]
fn what_is_chosen_holds_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let none = UserChoice::default();
    {
        let preferences = open(directory.path());
        assert_eq!(preferences.config(), json!({"activePreset": "nautical-metric"}));
        assert_eq!(preferences.active(None, &none)["categories"]["speed"]["targetUnit"], "kn");
        preferences
            .set_custom_definitions(json!({"MB": {"conversions": {"GB": {"formula": "value / 1000", "inverseFormula": "value * 1000", "symbol": "GB"}}}}))
            .expect("saved");
        preferences.set_custom_categories(json!({"memory": "MB", "waveHeight": "m"})).expect("saved");
        preferences.set_primary_categories(json!({"m": "waveHeight"})).expect("saved");
        preferences.save_preset("my-boat", mine("mph")).expect("saved");
        preferences.set_config(json!({"activePreset": "my-boat", "userPresets": {"eva": "metric"}})).expect("saved");
    }
    let preferences = open(directory.path());
    assert_eq!(preferences.config()["activePreset"], "my-boat");
    let active = preferences.active(None, &none);
    assert_eq!(
        (&active["categories"]["speed"]["targetUnit"], &active["categories"]["speed"]["symbol"]),
        (&json!("mph"), &json!("mph"))
    );
    assert_eq!(preferences.preset("my-boat").expect("a preset").name, "My boat!");
    assert_eq!(
        preferences.presets()["custom"],
        json!([{"name": "my-boat", "displayName": "My boat!", "description": null}])
    );
    assert_eq!(preferences.categories()["categoryToBaseUnit"]["memory"], "MB");
    assert_eq!(preferences.default_category("memory.used", Some("MB"), &none).as_deref(), Some("memory"));
    assert_eq!(preferences.default_category("some.length", Some("m"), &none).as_deref(), Some("waveHeight"));
    let primary = preferences.primary_categories(&none);
    assert_eq!(primary["ambiguousUnits"], json!({"m": ["depth", "distance", "length", "waveHeight"]}));
    assert_eq!(primary["effectivePrimary"], json!({"m": "waveHeight"}));
    // What a user has chosen comes before what is configured for the user, and that before what holds for all.
    let speed =
        |user, choice: &UserChoice| preferences.active(user, choice)["categories"]["speed"]["targetUnit"].clone();
    let own = UserChoice::of(&json!({"activePreset": "imperial-uk", "primaryCategories": {"m": "depth"}}));
    assert_eq!(
        (speed(Some("eva"), &none), speed(Some("eva"), &own), speed(Some("max"), &none)),
        (json!("km/h"), json!("mph"), json!("mph"))
    );
    assert_eq!(preferences.primary_categories(&own)["effectivePrimary"], json!({"m": "depth"}));
    assert_eq!(
        speed(None, &UserChoice::of(&json!({"activePreset": "gone"}))),
        json!("mph"),
        "one that is gone is passed over"
    );
    // Without the preset that was chosen the default one holds.
    preferences.delete_preset("my-boat").expect("deleted");
    assert_eq!(speed(None, &none), json!("kn"));
    assert!(matches!(preferences.delete_preset("my-boat"), Err(UnitPreferencesError::NotFound)));
    assert!(matches!(open(directory.path()).preset("my-boat"), Err(UnitPreferencesError::NotFound)));
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let preferences = open(directory.path());
    for body in [
        json!([]),
        json!({}),
        json!({"activePreset": "no-such"}),
        json!({"activePreset": "metric", "userPresets": {"eva": "no-such"}}),
    ] {
        assert!(matches!(preferences.set_config(body.clone()), Err(UnitPreferencesError::Invalid(_))), "{body}");
    }
    for name in ["metric", "..", "a/b", ""] {
        assert!(matches!(preferences.save_preset(name, mine("kn")), Err(UnitPreferencesError::Invalid(_))), "{name}");
        assert!(preferences.delete_preset(name).is_err(), "{name}");
    }
    assert!(preferences.save_preset("mine", mine("furlong")).is_err());
    assert!(!directory.path().join("unitpreferences").exists(), "nothing was written");
    for n in 0..MAX_PRESETS {
        preferences.save_preset(&format!("p{n}"), mine("kn")).expect("there is room");
    }
    assert!(matches!(preferences.save_preset("one-more", mine("kn")), Err(UnitPreferencesError::Invalid(_))));
    preferences.save_preset("p0", mine("mph")).expect("one that is there can be replaced");
}

#[test]
fn an_uploaded_preset_has_the_name_of_its_file_or_its_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let preferences = open(directory.path());
    let upload = |file: &str| preferences.upload_preset(file, mine("kn"));
    assert_eq!(upload("Boat_1.json").expect("kept"), ("Boat_1".to_owned(), "My boat!".to_owned()));
    assert_eq!(upload("../../settings.json").expect("kept").0, "my-boat-");
    assert!(matches!(upload("Boat_1.json"), Err(UnitPreferencesError::Taken(name)) if name == "Boat_1"));
    assert!(matches!(upload("metric.json"), Err(UnitPreferencesError::Invalid(_))));
}

#[test]
fn damaged_files_are_told_and_left_out() {
    // SK-227
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path().join("unitpreferences/presets/custom");
    std::fs::create_dir_all(&folder).expect("a directory");
    std::fs::write(directory.path().join("unitpreferences/config.json"), "{").expect("a file");
    std::fs::write(folder.join("broken.json"), "{}").expect("a file");
    std::fs::write(folder.join("good.json"), mine("kn").to_string()).expect("a file");
    let mut problems = Vec::new();
    let preferences = UnitPreferences::load(directory.path(), &mut problems);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(preferences.preset("good").is_ok() && preferences.preset("broken").is_err());
    assert_eq!(preferences.config()["activePreset"], presets::DEFAULT);
}

#[test]
fn categories_of_metadata_are_known_and_fit_the_unit() {
    // SK-114
    let directory = tempfile::tempdir().expect("a directory");
    let preferences = open(directory.path());
    assert_eq!(preferences.check_category(Some("m/s"), "speed"), Ok(()));
    assert_eq!(preferences.check_category(None, "speed"), Ok(()));
    assert_eq!(preferences.check_category(Some("whatever"), "base"), Ok(()));
    assert!(preferences.check_category(Some("K"), "speed").expect_err("refused").contains("values in m/s"));
    assert!(preferences.check_category(None, "no-such").expect_err("refused").contains("no category"));
}

#[test]
fn metadata_says_how_to_show_a_value() {
    let directory = tempfile::tempdir().expect("a directory");
    let preferences = open(directory.path());
    let none = UserChoice::default();
    let shown = |path: &str, said: Value| preferences.display_units(path, &meta(said), None, &none);
    assert_eq!(
        shown("navigation.speedOverGround", json!({"units": "m/s"})),
        Some(json!({"category": "speed", "targetUnit": "kn", "formula": "value * 3600 / 1852",
            "inverseFormula": "value * 1852 / 3600", "symbol": "kn", "displayFormat": "0.0"}))
    );
    let depth = shown("environment.depth.belowKeel", json!({"units": "m"})).expect("units");
    assert_eq!((&depth["category"], &depth["targetUnit"]), (&json!("depth"), &json!("m")));
    let own = json!({"units": "m", "displayUnits": {"category": "length", "targetUnit": "foot", "displayFormat": "0"}});
    let length = shown("a.b", own).expect("units");
    assert_eq!(
        (&length["symbol"], &length["displayFormat"], &length["formula"]),
        (&json!("ft"), &json!("0"), &json!("value / 0.3048"))
    );
    let base = shown("a.b", json!({"units": "m/s", "displayUnits": {"category": "base"}})).expect("units");
    assert_eq!((&base["targetUnit"], &base["formula"]), (&json!("m/s"), &json!("value")));
    assert_eq!(shown("a.b", json!({"units": "parsec"})), None);
    assert_eq!(shown("environment.depth.belowKeel", json!({"units": "ft"})), None, "it is in feet already");
    assert_eq!(shown("environment.depth.other", json!({"description": "a depth"})), None);
    assert_eq!(shown("a.b", json!({"displayUnits": {"category": "speed"}})).expect("units")["symbol"], "kn");
    assert_eq!(shown("a.b", json!({"description": "a name"})), None);
    assert_eq!(shown("navigation.datetime", json!({"units": "RFC 3339 (UTC)"})), None);
    assert_eq!(
        shown("a.b", json!({"units": "m", "displayUnits": {"category": "length", "targetUnit": "parsec"}})),
        None
    );
}
