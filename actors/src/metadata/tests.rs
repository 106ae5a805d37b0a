use serde_json::json;

use super::*;

fn units(path: &str) -> Option<&str> {
    MetadataRegistry::builtin().lookup(path).and_then(|metadata| metadata.units.as_deref())
}

#[test]
fn well_known_paths_have_their_units() {
    for (path, expected) in [
        ("navigation.speedOverGround", "m/s"),
        ("navigation.courseOverGroundTrue", "rad"),
        ("navigation.rateOfTurn", "rad/s"),
        ("navigation.datetime", "RFC 3339 (UTC)"),
        ("navigation.courseGreatCircle.nextPoint.distance", "m"),
        ("navigation.courseRhumbline.nextPoint.timeToGo", "s"),
        ("environment.wind.speedApparent", "m/s"),
        ("environment.wind.angleTrueWater", "rad"),
        ("environment.depth.belowKeel", "m"),
        ("environment.water.temperature", "K"),
        ("environment.outside.pressure", "Pa"),
        ("environment.outside.airDensity", "kg/m3"),
        ("environment.outside.illuminance", "Lux"),
        ("environment.inside.temperature", "K"),
        ("environment.inside.engineRoom.relativeHumidity", "ratio"),
        ("propulsion.port.revolutions", "Hz"),
        ("propulsion.main.fuel.rate", "m3/s"),
        ("propulsion.0.drive.propeller.pitch", "m"),
        ("electrical.batteries.house.voltage", "V"),
        ("electrical.batteries.house.capacity.remaining", "J"),
        ("electrical.batteries.house.capacity.dischargeSinceFull", "C"),
        ("electrical.inverters.1.dc.current", "A"),
        ("electrical.ac.shore.phase.A.realPower", "W"),
        ("electrical.ac.shore.phase.single.apparentPower", "VA"),
        ("electrical.alternators.1.fieldDrive", "%"),
        ("electrical.solar.bimini.panelTemperature", "K"),
        ("tanks.fuel.0.capacity", "m3"),
        ("tanks.freshWater.starboard.currentLevel", "ratio"),
        ("steering.rudderAngle", "rad"),
        ("steering.autopilot.maxDriveRate", "rad/s"),
        ("performance.polarSpeed", "m/s"),
        ("sails.inventory.genoa.area", "m2"),
        ("design.displacement", "kg"),
        ("sensors.ais.fromBow", "m"),
    ] {
        assert_eq!(units(path), Some(expected), "{path}");
    }
}

#[test]
fn states_and_names_have_a_meaning_but_no_units() {
    for path in ["navigation.state", "propulsion.port.state", "notifications.mob", "communication.callsignVhf"] {
        let metadata = MetadataRegistry::builtin().lookup(path).unwrap();
        assert_eq!(metadata.units, None, "{path}");
    }
}

#[test]
fn a_wildcard_stands_for_exactly_one_segment() {
    let registry = MetadataRegistry::builtin();
    for unknown in [
        "propulsion.revolutions",
        "propulsion.port.starboard.revolutions",
        "propulsion..revolutions",
        "propulsion.port.revolutions.",
        "",
        ".",
        "environment.inside.cabin.port.temperature",
        "navigation.speedoverground",
        "vessels.self.navigation.speedOverGround",
        "resources.routes.1.distance",
        "self",
    ] {
        assert_eq!(registry.lookup(unknown), None, "'{unknown}'");
    }
}

#[test]
fn a_branch_has_a_meaning_but_what_is_put_there_under_a_new_name_has_not() {
    let registry = MetadataRegistry::builtin();
    for known in ["propulsion", "electrical.batteries", "electrical.batteries.house.capacity", "navigation.gnss"] {
        assert!(registry.lookup(known).is_some_and(|metadata| metadata.units.is_none()), "{known}");
    }
    for unknown in ["propulsion.port", "electrical.batteries.house", "notifications.tooFast", "sails.inventory.genoa"] {
        assert_eq!(registry.lookup(unknown), None, "{unknown}");
    }
}

#[test]
fn the_list_of_all_has_the_patterns_of_its_clients() {
    let all = MetadataRegistry::builtin().to_json();
    for (pattern, units) in [
        ("/vessels/*/propulsion/RegExp/revolutions", json!("Hz")),
        ("/vessels/*/propulsion/RegExp", json!(null)),
        ("/vessels/*/name", json!(null)),
        ("/resources/routes/*/distance", json!("m")),
        ("/aircraft/*/base", json!(null)),
        ("/self", json!(null)),
    ] {
        let metadata = all.get(pattern).unwrap_or_else(|| panic!("{pattern} is listed"));
        assert_eq!(metadata["units"], units, "{pattern}");
        assert!(metadata["description"].is_string(), "{pattern}");
    }
    assert_eq!(all.len(), MetadataRegistry::builtin().entries.len(), "no two entries have the same pattern");
}

fn registry(patterns: &[&str]) -> MetadataRegistry {
    let mut registry = MetadataRegistry::default();
    for pattern in patterns {
        let metadata = Metadata {
            units: None,
            description: (*pattern).to_owned(),
            allowed_values: Vec::new(),
            properties: BTreeMap::new(),
        };
        registry.insert(Below::Vessels, (*pattern).to_owned(), metadata).unwrap();
    }
    registry
}

#[test]
fn the_more_exact_entry_wins() {
    let registry = registry(&["a.*.c", "a.b.c", "a.*.*.z", "*.b.d", "a.*.d.e", "a.*.*"]);
    for (path, expected) in [
        ("a.b.c", Some("a.b.c")),
        ("a.x.c", Some("a.*.c")),
        ("a.x.y.z", Some("a.*.*.z")),
        ("a.x.d.z", Some("a.*.*.z")),
        ("a.b.d", Some("*.b.d")),
        ("x.b.d", Some("*.b.d")),
        ("a.x.y", None),
        ("a.x.d.e", Some("a.*.d.e")),
        ("a.x.d.f", None),
    ] {
        assert_eq!(registry.lookup(path).map(|metadata| metadata.description.as_str()), expected, "{path}");
    }
}

#[test]
fn a_dead_end_behind_a_name_leads_back_to_the_wildcard() {
    let registry = registry(&["a.b.*.x", "a.*.c.y"]);
    assert_eq!(registry.lookup("a.b.c.y").unwrap().description, "a.*.c.y");
}

#[test]
fn the_json_is_that_of_the_meta_object() {
    let meta = |path| serde_json::to_value(MetadataRegistry::builtin().lookup(path).unwrap()).unwrap();
    assert_eq!(
        meta("propulsion.port.revolutions"),
        json!({"units": "Hz", "description": "Turns of the crankshaft per second"})
    );
    assert_eq!(meta("propulsion.port.state")["enum"], json!(["stopped", "started", "unusable"]));
    assert_eq!(
        meta("navigation.position")["properties"]["latitude"],
        json!({"type": "number", "units": "deg", "description": "Angle from the equator, north positive"})
    );
    let notification = &meta("notifications.mob")["properties"];
    assert_eq!(notification["state"]["default"], "normal");
    assert_eq!(notification["method"]["items"], json!({"enum": ["visual", "sound"]}));
    assert!(meta("navigation.position").get("units").is_none());
}

#[test]
fn every_entry_is_well_formed() {
    const UNITS: &str = "% A C Hz J K Lux Pa Pa.s V VA VAR W kg kg/m3 m m/s m2 m3 m3/s rad rad/s ratio s";
    const GROUPS: &str = "aircraft aton atonType base communication design electrical environment flag mmsi \
                          mothershipMmsi name navigation notifications performance port propulsion registrations \
                          resources sails sar self sensors steering tanks url uuid version vessels";
    let allowed = |units: &str| units == "RFC 3339 (UTC)" || UNITS.split(' ').any(|allowed| allowed == units);
    let mut groups = std::collections::BTreeSet::new();
    for Entry { pattern, metadata, .. } in &MetadataRegistry::builtin().entries {
        let group = pattern.split('.').next().unwrap();
        groups.insert(group);
        assert!(pattern.split('.').all(|segment| !segment.is_empty()), "{pattern}");
        if let Some(units) = &metadata.units {
            assert!(allowed(units), "{pattern} has the unit {units}");
            assert!(metadata.allowed_values.is_empty(), "{pattern} is a number and a text");
            assert!(!matches!(group, "notifications" | "communication"), "{pattern} has a unit");
        }
        assert!(!metadata.description.is_empty() && !metadata.description.ends_with('.'), "{pattern}");
        for (name, property) in &metadata.properties {
            // Positions are the one place where Signal K uses degrees.
            let degrees = matches!(name.as_str(), "latitude" | "longitude");
            let units = property.units.as_deref();
            assert!(if degrees { units == Some("deg") } else { units.is_none_or(allowed) }, "{pattern}, {name}");
            assert!(!property.description.is_empty() && !property.description.ends_with('.'), "{pattern}, {name}");
            assert!(units.is_none() || property.value_type == ValueType::Number, "{pattern}, {name} is no number");
            assert_eq!(property.items.is_some(), property.value_type == ValueType::Array, "{pattern}, {name}");
        }
    }
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), GROUPS.split(' ').collect::<Vec<_>>());
}

#[test]
fn patterns_find_themselves() {
    let registry = MetadataRegistry::builtin();
    for Entry { below, pattern, metadata } in &registry.entries {
        let path = pattern.replace('*', "some1");
        let described = *below != Below::Top && !pattern.ends_with('*');
        assert_eq!(registry.lookup(&path), described.then_some(metadata), "{pattern}");
    }
}

#[test]
fn a_bad_table_says_what_is_wrong() {
    let read = |text| table::registry("", &[("own", text)]);
    let twice = "[[group]]\nbranches = ['a', 'a']\npaths = { b = { description = 'x' } }";
    assert!(matches!(read(twice), Err(TableError::Twice(path)) if path == "a.b"));
    let twice = "[[group]]\nbelow = 'top'\nbranches = ['a', 'a']\npaths = { b = { description = 'x' } }";
    assert!(matches!(read(twice), Err(TableError::Twice(path)) if path == "a.b"));
    let misspelt = "[[group]]\nbranches = ['a']\npaths = { b = { description = 'x', unit = 'm' } }";
    let error = read(misspelt).unwrap_err().to_string();
    assert!(error.contains("own.toml") && error.contains("unit"), "{error}");
    let shape = "[[group]]\npaths = { b = { description = 'x', shape = 'round' } }";
    let error = read(shape).unwrap_err().to_string();
    assert!(error.contains("for b") && error.contains("round"), "{error}");
}
