//! Group C: the data model and deltas.

use serde_json::json;
use windlass_tests::{NmeaPeer, Publisher, Server, ServerOptions, Stream, delta, rows, run_table, values_of};

use super::{MMSI, NAME, is_utc, own_context};

const OTHER: &str = "vessels.urn:mrn:imo:mmsi:230011111";

#[tokio::test]
async fn group_c_data_model_and_deltas() {
    let server = ServerOptions::new().vessel(NAME, MMSI).nmea_listener("instruments").start().await;
    let rows = rows![
        [34] a_delta_for_vessels_self_reaches_the_own_ship,
        [35] a_delta_without_context_is_about_the_own_ship,
        [36] another_vessel_appears_with_its_mmsi,
        [37] one_source_needs_no_values,
        [38, 39] two_sources_are_kept_side_by_side,
        [40] null_is_a_value,
        [41] an_object_value_is_replaced_as_a_whole,
        [42, 43] root_values_are_merged,
        [44] a_missing_timestamp_is_the_time_of_reception,
        [45] the_senders_source_is_kept,
        [46] nmea_2000_sources_have_their_address,
        [47, 58] nmea_0183_sources_have_their_talker,
        [48] a_source_without_either_is_xx,
        [50] malformed_updates_cost_themselves_only,
        [51] configured_data_of_the_own_ship_can_not_be_changed,
        [52] pgn_and_sentence_are_shown,
        [54] aids_to_navigation_have_their_place,
        [56] dangerous_keys_never_reach_the_tree,
        [57] a_context_without_id_is_refused,
    ];
    run_table(&server, rows).await;
}

async fn a_delta_for_vessels_self_reaches_the_own_ship(server: &Server) {
    let mut watching = Stream::connect(server, "").await;
    let mut publisher = Publisher::connect(server).await;
    let mut message = delta("c", "test.mine", 1);
    message["context"] = json!("vessels.self");
    publisher.publish(&message).await;
    let value = watching.wait_for_path("test.mine").await;
    assert_eq!((value.context, value.value), (own_context(), json!(1)));
    assert_eq!(server.tree("vessels/self/test/mine/value").await, 1);
}

async fn a_delta_without_context_is_about_the_own_ship(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let value = publisher.value("c", "test.noContext", 2).await;
    assert_eq!(value.context, own_context());
    assert_eq!(server.tree("vessels/self/test/noContext/value").await, 2);
}

async fn another_vessel_appears_with_its_mmsi(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let mut message = delta("c", "navigation.speedOverGround", 7.5);
    message["context"] = json!(OTHER);
    publisher.publish(&message).await;
    let vessel = server.tree("vessels/urn:mrn:imo:mmsi:230011111").await;
    assert_eq!(vessel["mmsi"], "230011111");
    assert_eq!(vessel["navigation"]["speedOverGround"]["value"], 7.5);
    assert_eq!(server.tree_status("vessels/self/navigation/speedOverGround").await, 404);
}

async fn one_source_needs_no_values(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    for value in [1, 2] {
        publisher.value("c.only", "test.oneSource", value).await;
    }
    let leaf = server.tree("vessels/self/test/oneSource").await;
    assert_eq!((&leaf["value"], leaf.get("values")), (&json!(2), None));
}

async fn two_sources_are_kept_side_by_side(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher.value("c.first", "test.twoSources", 1).await;
    publisher.value("c.second", "test.twoSources", 2).await;
    let leaf = server.tree("vessels/self/test/twoSources").await;
    assert_eq!((&leaf["value"], &leaf["$source"]), (&json!(2), &json!("c.second")), "the last write wins");
    let values = leaf["values"].as_object().expect("`values` has an entry per source");
    assert_eq!(values.keys().collect::<Vec<_>>().len(), 2);
    assert_eq!((&values["c.first"]["value"], &values["c.second"]["value"]), (&json!(1), &json!(2)));
    assert!(values["c.first"]["timestamp"].as_str().is_some_and(is_utc), "{leaf}");
    publisher.value("c.first", "test.twoSources", 3).await;
    let leaf = server.tree("vessels/self/test/twoSources").await;
    assert_eq!((&leaf["value"], &leaf["$source"]), (&json!(3), &json!("c.first")));
    assert_eq!((&leaf["values"]["c.first"]["value"], &leaf["values"]["c.second"]["value"]), (&json!(3), &json!(2)));
}

async fn null_is_a_value(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let mut watching = Stream::connect(server, "").await;
    for value in [json!(5), json!(null), json!(6), json!(null)] {
        publisher.value("c", "test.null", value.clone()).await;
        // Cached or live, whichever comes first.
        watching.wait_for(&value.to_string(), |seen| seen.path == "test.null" && seen.value == value).await;
    }
    let cached = Stream::connect(server, "").await.wait_for_path("test.null").await;
    assert!(cached.value.is_null());
    let leaf = server.tree("vessels/self/test/null").await;
    assert_eq!(leaf.get("value"), Some(&serde_json::Value::Null));
    assert_eq!(server.get("/signalk/v1/api/vessels/self/test/null/value").await.text, "null");
}

async fn an_object_value_is_replaced_as_a_whole(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher.value("c", "test.object", json!({"a": 1, "b": 2})).await;
    publisher.value("c", "test.object", json!({"b": 3})).await;
    assert_eq!(server.tree("vessels/self/test/object/value").await, json!({"b": 3}));
}

async fn root_values_are_merged(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let root = |value| json!({"updates": [{"$source": "c", "values": [{"path": "", "value": value}]}]});
    publisher.publish(&root(json!({"flag": "FI", "port": "Uto"}))).await;
    publisher.publish(&root(json!({"flag": "SE"}))).await;
    let own = server.tree("vessels/self").await;
    assert_eq!((&own["flag"], &own["port"], &own["mmsi"]), (&json!("SE"), &json!("Uto"), &json!(MMSI)));
}

async fn a_missing_timestamp_is_the_time_of_reception(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let before = jiff::Timestamp::now();
    let value = publisher.value("c", "test.timestamp", 1).await;
    let after = jiff::Timestamp::now();
    assert!(is_utc(&value.timestamp), "{value:?}");
    let stamped: jiff::Timestamp = value.timestamp.parse().expect("a time");
    // The server's stamp has milliseconds.
    assert!(before.as_millisecond() <= stamped.as_millisecond() && stamped <= after, "{before} {stamped} {after}");
    assert_eq!(server.tree("vessels/self/test/timestamp/timestamp").await, value.timestamp);
}

async fn the_senders_source_is_kept(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let source = "some.source-of_its.own";
    assert_eq!(publisher.value(source, "test.source", 1).await.source, source);
    assert_eq!(server.tree("vessels/self/test/source").await["$source"], source);
}

/// The `$source` that a `source` object leads to.
async fn derived(server: &Server, path: &str, source: serde_json::Value) -> String {
    let mut publisher = Publisher::connect(server).await;
    let message = json!({"updates": [{"source": source, "values": [{"path": path, "value": 1}]}]});
    let echo = publisher.publish(&message).await;
    echo[0].source.clone()
}

async fn nmea_2000_sources_have_their_address(server: &Server) {
    for (src, expected) in
        [(json!("43"), "can0.43"), (json!("0"), "can0.0"), (json!(7), "can0.7"), (json!(0), "can0.0")]
    {
        let source = json!({"label": "can0", "type": "NMEA2000", "src": src, "pgn": 129026});
        assert_eq!(derived(server, "test.n2k", source).await, expected, "{src}");
    }
}

async fn nmea_0183_sources_have_their_talker(server: &Server) {
    let source = json!({"label": "gps1", "type": "NMEA0183", "talker": "GP", "sentence": "RMC"});
    assert_eq!(derived(server, "test.talker", source).await, "gps1.GP");
    let mut peer = NmeaPeer::connect(&server.input("instruments").await).await;
    peer.say("HEHDT,180.0,T").await;
    let path = "/signalk/v1/api/vessels/self/navigation/headingTrue";
    let leaf = server.eventually(path, |leaf| leaf["$source"] == "instruments.HE").await;
    assert!((leaf["value"].as_f64().expect("a number") - std::f64::consts::PI).abs() < 1e-9);
    for (label, kind) in [("instruments", "NMEA0183"), ("gps1", "NMEA0183")] {
        assert_eq!(server.tree(&format!("sources/{label}/type")).await, kind);
    }
    derived(server, "test.type", json!({"label": "can1", "type": "NMEA2000", "src": "1", "pgn": 127250})).await;
    derived(server, "test.type", json!({"label": "box", "type": "HomeMade"})).await;
    assert_eq!(server.tree("sources/can1/type").await, "NMEA2000");
    assert_eq!(server.tree("sources/box/type").await, "HomeMade");
}

async fn a_source_without_either_is_xx(server: &Server) {
    assert_eq!(derived(server, "test.xx", json!({"label": "box", "type": "HomeMade"})).await, "box.XX");
}

async fn malformed_updates_cost_themselves_only(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    for bad in [
        json!({"values": {"path": "test.bad", "value": 1}}),
        json!({"values": "test.bad"}),
        json!({"values": [{"value": 1}]}),
        json!({"values": [{"path": 7, "value": 1}]}),
        json!({"values": [null]}),
        json!({"values": [{"path": "test.bad", "value": 1}, {"path": null, "value": 1}]}),
    ] {
        publisher.send(&json!({"updates": [bad]})).await;
        // The good update beside it is taken.
        let good = json!({"$source": "c", "values": [{"path": "test.good", "value": bad.to_string()}]});
        let echo = publisher.publish(&json!({"updates": [bad, good]})).await;
        assert_eq!(echo.last().expect("an echo").path, "test.good");
    }
    assert_eq!(server.tree_status("vessels/self/test/bad").await, 404);
}

async fn configured_data_of_the_own_ship_can_not_be_changed(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let source = json!({"label": "ais", "type": "NMEA0183", "talker": "AI"});
    let mut values = vec![json!({"path": "", "value": {"name": "Impostor", "mmsi": "111111111", "flag": "NO"}})];
    for path in ["design.beam", "design.length", "design.draft", "sensors.gps.fromBow", "sensors.gps.fromCenter"] {
        values.push(json!({"path": path, "value": 1}));
    }
    values.push(json!({"path": "test.besides", "value": 1}));
    publisher.send(&json!({"updates": [{"source": source, "values": values}]})).await;
    publisher.stream().wait_for_path("test.besides").await;
    let own = server.tree("vessels/self").await;
    assert_eq!((&own["name"], &own["mmsi"], &own["flag"]), (&json!(NAME), &json!(MMSI), &json!("NO")));
    assert_eq!((own.get("design"), own["sensors"].get("gps")), (None, None), "{own}");
}

async fn pgn_and_sentence_are_shown(server: &Server) {
    let n2k = json!({"label": "can0", "type": "NMEA2000", "src": "43", "pgn": 129026});
    derived(server, "test.shown", n2k).await;
    assert_eq!(server.tree("vessels/self/test/shown").await["pgn"], 129_026);
    let nmea = json!({"label": "gps1", "type": "NMEA0183", "talker": "GP", "sentence": "RMC"});
    derived(server, "test.shown", nmea).await;
    let leaf = server.tree("vessels/self/test/shown").await;
    assert_eq!((&leaf["sentence"], leaf.get("pgn")), (&json!("RMC"), None), "{leaf}");
    assert_eq!(
        (&leaf["values"]["can0.43"]["pgn"], &leaf["values"]["gps1.GP"]["sentence"]),
        (&json!(129_026), &json!("RMC"))
    );
}

async fn aids_to_navigation_have_their_place(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let position = json!({"latitude": 59.9, "longitude": 24.1});
    let mut message = delta("c", "navigation.position", position.clone());
    message["context"] = json!("atons.urn:mrn:imo:mmsi:992301234");
    publisher.publish(&message).await;
    let aton = server.tree("atons/urn:mrn:imo:mmsi:992301234").await;
    assert_eq!((&aton["navigation"]["position"]["value"], &aton["mmsi"]), (&position, &json!("992301234")));
}

async fn dangerous_keys_never_reach_the_tree(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    for key in ["__proto__", "constructor", "prototype"] {
        for path in [format!("test.{key}.x"), format!("{key}.x"), format!("test.{key}")] {
            publisher.send(&delta("c", &path, 1)).await;
        }
        let mut message = delta("c", "test.x", 1);
        message["context"] = json!(format!("vessels.{key}"));
        publisher.send(&message).await;
    }
    publisher.value("c", "test.afterwards", 1).await;
    let tree = server.tree("").await.to_string();
    for key in ["__proto__", "\"constructor\"", "\"prototype\""] {
        assert!(!tree.contains(key), "{key} in {tree}");
    }
}

async fn a_context_without_id_is_refused(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let mut message = delta("c", "test.rootless", 1);
    message["context"] = json!("vessels");
    publisher.send(&message).await;
    let passed = publisher.publish(&delta("c", "test.afterRootless", 1)).await;
    assert!(passed.iter().all(|value| value.path != "test.rootless"));
    assert_eq!(values_of(&message).len(), 1, "the refused delta was a delta");
    let tree = server.tree("vessels").await;
    assert!(tree.get("test").is_none() && !tree.to_string().contains("rootless"), "{tree}");
}
