use serde_json::{Value, json};
use windlass_broker::{Context, ContextPattern, DeltaVersion, Glob, Intake, Judged, Provider, Scope, Topic};

use super::*;

#[path = "snapshot_tests.rs"]
mod snapshots;

const MMSI: &str = "urn:mrn:imo:mmsi:230099999";

fn own() -> Context {
    Context::new(&format!("vessels.{MMSI}")).expect("a context")
}

fn view() -> ModelView {
    ModelView::new(Identity::new(own()))
}

fn apply_version(view: &ModelView, delta: Value, version: DeltaVersion) {
    let provider = Provider::new("test").expect("a name");
    let intake = Intake { self_context: own(), provider, override_timestamps: false };
    let taken = intake.take(&delta.to_string(), version);
    assert_eq!(taken.problems, []);
    view.apply(&Judged::accepted(taken.delta.expect("a delta")));
}

fn apply(view: &ModelView, delta: Value) {
    apply_version(view, delta, DeltaVersion::V1);
}

fn write(view: &ModelView, source: &str, time: &str, path: &str, value: Value) {
    apply(
        view,
        json!({"updates": [{"$source": source, "timestamp": time, "values": [{"path": path, "value": value}]}]}),
    );
}

fn get(view: &ModelView, path: &str) -> Option<Value> {
    let segments: Vec<_> = path.split('/').filter(|s| !s.is_empty()).collect();
    view.node(&segments)
}

const T1: &str = "2024-05-01T10:00:00.000Z";
const T2: &str = "2024-05-01T10:00:01.000Z";

#[test]
fn a_leaf_has_values_only_with_two_sources() {
    // SK-16, SK-37, SK-38, SK-39
    let view = view();
    write(&view, "a.1", T1, "navigation.test", json!(1));
    let leaf = |expected| assert_eq!(get(&view, "vessels/self/navigation/test"), Some(expected));
    leaf(json!({"value": 1, "$source": "a.1", "timestamp": T1}));
    write(&view, "a.1", T2, "navigation.test", json!(2));
    leaf(json!({"value": 2, "$source": "a.1", "timestamp": T2}));
    write(&view, "b.2", T1, "navigation.test", json!(3));
    leaf(json!({"value": 3, "$source": "b.2", "timestamp": T1, "values": {
        "a.1": {"value": 2, "timestamp": T2}, "b.2": {"value": 3, "timestamp": T1}}}));
}

#[test]
fn nodes_are_found_as_rest_needs_them() {
    let view = view();
    write(&view, "a", T1, "navigation.position", json!({"latitude": 60.1, "longitude": 24.9}));
    write(&view, "a", T1, "navigation.test.deep", json!(null));
    apply(&view, json!({"updates": [{"$source": "defaults", "values": [{"path": "", "value": {"name": "PLAKA"}}]}]}));
    for (path, expected) in [
        ("self", json!(format!("vessels.{MMSI}"))),
        ("version", json!("0.1.0")),
        ("vessels/self/name", json!("PLAKA")),
        ("vessels/self/mmsi", json!("230099999")),
        ("vessels/self/navigation/position/value/latitude", json!(60.1)),
        ("vessels/self/navigation/test/deep/value", json!(null)),
        ("vessels/self/navigation/test/deep/$source", json!("a")),
        ("vessels/self/navigation/test", json!({"deep": {"value": null, "$source": "a", "timestamp": T1}})),
        ("vessels/self/navigation/position/meta/units", Value::Null),
    ] {
        let got = get(&view, path);
        if path.ends_with("meta/units") {
            assert_eq!(got, None, "{path}");
        } else {
            assert_eq!(got, Some(expected), "{path}");
        }
    }
    assert_eq!(get(&view, "vessels/self"), get(&view, &format!("vessels/{MMSI}")));
    for missing in [
        "nothing",
        "vessels/urn:mrn:imo:mmsi:1",
        "vessels/self/navigation.position",
        "vessels/self/navigation/position/values",
        "vessels/self/navigation/nothing",
        "vessels/self/resources",
        "resources",
        "atons",
        "self/x",
    ] {
        assert_eq!(get(&view, missing), None, "{missing}");
    }
    assert_eq!(view.node(&["vessels", "self", "", "navigation"]), None);
    assert_eq!(get(&view, "vessels/self/navigation/speedOverGround/meta/units"), Some(json!("m/s")));
    let full = get(&view, "").expect("the full model");
    let keys: Vec<_> = full.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["vessels", "self", "version", "sources"]);
}

#[test]
fn other_vessels_appear_with_their_identity_and_leave_when_silent() {
    // SK-36, SK-55
    let view = view();
    let at = |context: &str| json!({"context": context, "updates": [{"values": [{"path": "a", "value": 1}]}]});
    apply(&view, at("vessels.urn:mrn:imo:mmsi:2"));
    apply(&view, at("shore.basestations.urn:mrn:imo:mmsi:3"));
    apply(&view, at("atons.urn:mrn:imo:mmsi:4"));
    assert_eq!(get(&view, "vessels/urn:mrn:imo:mmsi:2/mmsi"), Some(json!("2")));
    assert_eq!(get(&view, "shore/basestations/urn:mrn:imo:mmsi:3/mmsi"), Some(json!("3")));
    assert_eq!(get(&view, "atons/urn:mrn:imo:mmsi:4/a/value"), Some(json!(1)));
    assert_eq!(get(&view, "").expect("the full model")["shore"]["basestations"]["urn:mrn:imo:mmsi:3"]["mmsi"], "3");
    assert_eq!(view.prune(std::time::Duration::ZERO), 3);
    assert_eq!(view.context_count(), 1);
}

/// Silence is not told by the time of day, which may leap when the computer finds out what time it is.
#[tokio::test(start_paused = true)]
async fn contexts_are_silent_by_a_clock_that_only_goes_on() {
    let minutes = |minutes: u64| std::time::Duration::from_secs(60 * minutes);
    let view = view();
    let at = |context: &str| json!({"context": context, "updates": [{"values": [{"path": "a", "value": 1}]}]});
    apply(&view, at("vessels.urn:mrn:imo:mmsi:2"));
    tokio::time::advance(minutes(40)).await;
    apply(&view, at("vessels.urn:mrn:imo:mmsi:3"));
    tokio::time::advance(minutes(19)).await;
    assert_eq!(view.prune(minutes(60)), 0);
    tokio::time::advance(minutes(2)).await;
    assert_eq!(view.prune(minutes(60)), 1);
    assert_eq!(get(&view, "vessels/urn:mrn:imo:mmsi:3/a/value"), Some(json!(1)));
}

#[test]
fn root_values_merge_and_the_later_wins() {
    // SK-42, SK-43
    let view = view();
    let root = |value: Value| {
        apply(
            &view,
            json!({"context": "vessels.urn:mrn:imo:mmsi:2", "updates": [{"values": [{"path": "", "value": value}]}]}),
        );
    };
    root(json!({"name": "A", "communication": {"callsignVhf": "X"}}));
    root(json!({"name": "B"}));
    let vessel = get(&view, "vessels/urn:mrn:imo:mmsi:2").expect("the vessel");
    assert_eq!(vessel, json!({"mmsi": "2", "name": "B", "communication": {"callsignVhf": "X"}}));
}

#[test]
fn an_object_value_is_replaced_as_a_whole() {
    // SK-41
    let view = view();
    write(&view, "a", T1, "navigation.attitude", json!({"roll": 1, "pitch": 2}));
    write(&view, "a", T2, "navigation.attitude", json!({"yaw": 3}));
    assert_eq!(get(&view, "vessels/self/navigation/attitude/value"), Some(json!({"yaw": 3})));
}

#[test]
fn version_2_state_is_cached_but_not_in_the_tree() {
    let view = view();
    let delta = json!({"updates": [{"values": [{"path": "navigation.course.nextPoint", "value": 1}]}]});
    apply_version(&view, delta, DeltaVersion::V2);
    assert_eq!(get(&view, "vessels/self/navigation/course"), None);
    let topic = Topic::new(ContextPattern::all(), Scope::Whole);
    assert_eq!(view.snapshot(&[topic]).values.len(), 1);
}

#[test]
fn the_snapshot_has_every_source_oldest_first() {
    let view = view();
    write(&view, "b", T2, "navigation.x", json!(2));
    write(&view, "a", T1, "navigation.x", json!(1));
    write(&view, "a", T1, "environment.y", json!(0));
    let context = ContextPattern::new("vessels.self", &own()).expect("a context");
    let topic = |path: &str| Topic::new(context.clone(), Scope::Values(Glob::new(path)));
    let values = |topics: &[Topic]| -> Vec<_> {
        let snapshot = view.snapshot(topics).values;
        snapshot.iter().map(|c| (c.row, c.delta.value(c.index).1.value.to_string())).collect()
    };
    assert_eq!(values(&[topic("nothing"), topic("navigation.*")]), [(1, "1".into()), (1, "2".into())]);
    assert_eq!(values(&[topic("*")]).len(), 3);
}

#[test]
fn metadata_from_deltas_lies_over_the_built_in() {
    let view = view();
    apply(
        &view,
        json!({"updates": [{"meta": [
        {"path": "navigation.speedOverGround", "value": {"displayName": "SOG"}},
        {"path": "own.path", "value": {"units": "m"}}]}]}),
    );
    let meta = get(&view, "vessels/self/navigation/speedOverGround/meta").expect("metadata");
    assert_eq!((&meta["units"], &meta["displayName"]), (&json!("m/s"), &json!("SOG")));
    assert_eq!(get(&view, "vessels/self/own/path/meta/units"), Some(json!("m")));
    assert_eq!(get(&view, "vessels/urn:mrn:imo:mmsi:77/own/path/meta/units"), Some(json!("m")));
}

#[test]
fn sources_show_devices_and_messages() {
    // SK-30, SK-58
    let view = view();
    for source in [
        json!({"label": "gps", "type": "NMEA0183", "talker": "GP", "sentence": "RMC"}),
        json!({"label": "can", "type": "NMEA2000", "src": "43", "pgn": 129038}),
        json!({"label": "other", "type": "Test"}),
    ] {
        apply(&view, json!({"updates": [{"source": source, "timestamp": T1, "values": [{"path": "a", "value": 1}]}]}));
    }
    write(&view, "x.b.1", T1, "a", json!(1));
    assert_eq!(
        get(&view, "sources"),
        Some(json!({
            "can": {"label": "can", "type": "NMEA2000", "43": {"n2k": {"src": "43", "pgns": {"129038": T1}}}},
            "gps": {"label": "gps", "type": "NMEA0183", "GP": {"talker": "GP", "sentences": {"RMC": T1}}},
            "other": {"label": "other", "type": "Test", "timestamp": T1},
            "x": {"b": {"1": {}}},
        }))
    );
    assert_eq!(get(&view, "vessels/self/a/values/gps.GP/sentence"), Some(json!("RMC")));
}

#[test]
fn the_model_refuses_what_its_memory_does_not_hold() {
    let view = ModelView::with_budget(Identity::new(own()), 20_000);
    write(&view, "a", T1, "kept.value", json!(1));
    for n in 0..100 {
        write(&view, "a", T1, &format!("invented.p{n}"), json!("x".repeat(500)));
        write(&view, &format!("invented.{n}"), T1, "kept.value", json!(n));
    }
    let (used, refused) = view.memory();
    assert!(used <= 20_000 && refused > 100, "{used} {refused}");
    write(&view, "a", T2, "kept.value", json!(2));
    assert_eq!(get(&view, "vessels/self/kept/value/value"), Some(json!(2)), "what is known goes on");
    let other = "vessels.urn:mrn:imo:mmsi:7";
    apply(&view, json!({"context": other, "updates": [{"values": [{"path": "a", "value": 1}]}]}));
    view.prune(std::time::Duration::ZERO);
    assert_eq!(view.memory().0, used, "what is forgotten is given back");
    for n in 0..1000 {
        let meta = json!([{"path": "kept.value", "value": {format!("key{n}"): 1}}]);
        let root = json!([{"path": "", "value": {format!("key{n}"): 1}}]);
        apply(&view, json!({"updates": [{"meta": meta, "values": root}]}));
    }
    assert!(view.own().root().attributes.len() <= 256);
    assert!(view.metadata("kept.value").expect("metadata").len() <= 100);
}

#[test]
fn an_id_may_be_a_url() {
    let view = view();
    let boat = "https://boats.example/plaka";
    let context = format!("vessels.{boat}");
    apply(&view, json!({"context": context, "updates": [{"values": [{"path": "a.b", "value": 1}]}]}));
    assert_eq!(view.node(&["vessels", boat, "url"]), Some(json!(boat)));
    assert_eq!(view.node(&["vessels", boat, "a", "b", "value"]), Some(json!(1)));
    assert_eq!(get(&view, "").expect("the full model")["vessels"][boat]["url"], boat);
}

#[test]
fn hostile_names_of_devices_and_contexts_do_no_harm() {
    let view = view();
    for (kind, device) in [("NMEA0183", "talker"), ("NMEA2000", "src")] {
        for name in ["type", "label", "timestamp", "n2k", "sentences"] {
            let source = json!({"label": "x", "type": kind, device: name, "sentence": "y", "pgn": 1});
            apply(&view, json!({"updates": [{"source": source, "values": [{"path": "a", "value": 1}]}]}));
            assert!(get(&view, "sources/x").is_some(), "{kind} {name}");
        }
    }
    for context in ["shore.basestations", "shore.basestations.x", "vessels.a.b", "basestations.y"] {
        apply(&view, json!({"context": context, "updates": [{"values": [{"path": "a", "value": 1}]}]}));
    }
    assert!(get(&view, "").is_some());
}

#[test]
fn a_large_delta_is_not_kept_alive_by_one_value() {
    let view = view();
    let values: Vec<_> = (0..100).map(|n| json!({"path": format!("large.p{n}"), "value": n})).collect();
    apply(&view, json!({"updates": [{"$source": "a", "values": values}]}));
    let leaf = view.own().leaf(&windlass_broker::Path::find("large.p7").expect("a path")).expect("a leaf");
    assert_eq!(leaf.latest().delta().delta().updates[0].values.len(), 1);
    assert_eq!(get(&view, "vessels/self/large/p7/value"), Some(json!(7)));
}

#[test]
fn a_forgotten_source_leaves_nothing_behind() {
    let view = view();
    let before = view.memory().0;
    write(&view, "a.GP", T1, "navigation.test", json!(1));
    let used = view.memory().0;
    write(&view, "b.1", T2, "navigation.test", json!(2));
    write(&view, "b.1", T2, "navigation.only", json!(3));
    apply(
        &view,
        json!({"updates": [{"source": {"label": "b", "type": "NMEA0183", "talker": "1", "sentence": "RMC"},
            "values": [{"path": "navigation.only", "value": 4}]}]}),
    );
    let source = |name: &str| windlass_broker::SourceRef::new(name).expect("a name");
    assert!(view.has_source(&source("b.1")) && !view.has_source(&source("b.2")));
    assert!(!view.forget_source(&source("c")) && !view.forget_source(&source("b.2")));
    assert!(view.forget_source(&source("b.1")));
    assert_eq!(
        get(&view, "vessels/self/navigation"),
        Some(json!({"test": {"value": 1, "$source": "a.GP", "timestamp": T1}}))
    );
    assert_eq!(get(&view, "sources"), Some(json!({"a": {"GP": {}}})));
    assert_eq!(view.memory().0, used);
    assert!(!view.forget_source(&source("b.1")));
    assert!(view.forget_source(&source("a.GP")));
    assert_eq!((view.memory().0, view.own_paths().len()), (before, 0));
}

#[test]
fn what_is_hidden_leaves_no_trace() {
    // SK-147
    let view = view();
    let other = "vessels.urn:mrn:imo:mmsi:230099998";
    write(&view, "open.1", T1, "navigation.open", json!(1));
    write(&view, "secret.1", T1, "navigation.secret", json!(2));
    for (source, value) in [("open.1", json!({"flag": "FI"})), ("secret.1", json!({"port": "nowhere"}))] {
        write(&view, source, T1, "", value);
    }
    let said = |source: &str, path: &str| {
        let meta = json!([{"path": path, "value": {"units": "m"}}]);
        json!({"context": other, "updates": [{"$source": source, "timestamp": T1, "meta": meta,
            "values": [{"path": path, "value": 3}]}]})
    };
    apply(&view, said("secret.2", "navigation.hidden.there"));
    let sees = |_: &Context, _: &str, source: &windlass_broker::SourceRef| source.as_str().starts_with("open");
    let seen = |path: &str| view.node_seen_by(&path.split('/').filter(|s| !s.is_empty()).collect::<Vec<_>>(), &sees);
    let other = other.replace('.', "/");
    for hidden in [
        other.as_str(),
        &format!("{other}/navigation"),
        &format!("{other}/navigation/hidden/there/meta"),
        &format!("{other}/navigation/hidden/there/meta/units"),
        // Metadata does not depend on the vessel, so it would be seen by way of another one.
        "vessels/self/navigation/hidden/there/meta",
        "vessels/nobody/navigation/hidden/there/meta",
        "vessels/self/navigation/secret",
        "vessels/self/port",
        "sources/secret",
    ] {
        assert_eq!(seen(hidden), None, "{hidden}");
    }
    assert_eq!(seen("vessels/self/flag"), Some(json!("FI")), "though another source wrote later");
    assert_eq!(seen("sources"), Some(json!({"open": {"1": {}}})));
    let vessels = seen("vessels").expect("there is one");
    assert_eq!(vessels.as_object().map(|vessels| vessels.len()), Some(1), "{vessels}");
    let all = seen("").expect("a tree").to_string();
    assert!(!all.contains("secret") && !all.contains("230099998") && !all.contains("nowhere"), "{all}");
    // What everybody knows is no secret.
    assert!(seen("vessels/nobody/navigation/speedOverGround/meta").is_some());
    assert!(get(&view, &other).is_some() && get(&view, "sources/secret").is_some(), "others see it");
}
