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
        "propulsion.port",
        "propulsion",
        "",
        ".",
        "environment.inside.cabin.port.temperature",
        "navigation.speedoverground",
        "vessels.self.navigation.speedOverGround",
    ] {
        assert_eq!(registry.lookup(unknown), None, "'{unknown}'");
    }
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
        registry.insert((*pattern).to_owned(), metadata).unwrap();
    }
    registry
}

#[test]
fn the_more_exact_entry_wins() {
    let registry = registry(&["a.*.c", "a.b.c", "a.*.*", "*.b.d", "a.*.d.e"]);
    for (path, expected) in [
        ("a.b.c", Some("a.b.c")),
        ("a.x.c", Some("a.*.c")),
        ("a.x.y", Some("a.*.*")),
        ("a.b.d", Some("a.*.*")),
        ("x.b.d", Some("*.b.d")),
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
    assert_eq!(meta("navigation.position")["properties"]["latitude"]["units"], "deg");
    assert!(meta("navigation.position").get("units").is_none());
}

#[test]
fn every_entry_is_well_formed() {
    const UNITS: &str = "% A C Hz J K Lux Pa Pa/s V W kg kg/m3 m m/s m2 m3 m3/s rad rad/s ratio s";
    const GROUPS: &str = "communication design electrical environment navigation notifications performance propulsion \
                          sails sensors steering tanks";
    let allowed = |units: &str| units == "RFC 3339 (UTC)" || UNITS.split(' ').any(|allowed| allowed == units);
    let mut groups = std::collections::BTreeSet::new();
    for (pattern, metadata) in MetadataRegistry::builtin().iter() {
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
            let units = property.units.as_deref().unwrap_or_default();
            assert!(if degrees { units == "deg" } else { allowed(units) }, "{pattern}, {name}: {units}");
        }
    }
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), GROUPS.split(' ').collect::<Vec<_>>());
}

#[test]
fn patterns_find_themselves() {
    let registry = MetadataRegistry::builtin();
    for (pattern, metadata) in registry.iter() {
        let path = pattern.replace('*', "some1");
        assert_eq!(registry.lookup(&path), Some(metadata), "{pattern}");
    }
}

#[test]
fn a_bad_table_says_what_is_wrong() {
    let twice = "[[group]]\nbranches = ['a', 'a']\npaths = { b = { description = 'x' } }";
    assert!(matches!(MetadataRegistry::from_table(twice), Err(TableError::Twice(path)) if path == "a.b"));
    let misspelt = "[[group]]\nbranches = ['a']\npaths = { b = { description = 'x', unit = 'm' } }";
    let error = MetadataRegistry::from_table(misspelt).unwrap_err().to_string();
    assert!(error.contains("unit"), "{error}");
}
