//! Group B: the REST tree.

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Publisher, Server, ServerOptions, Stream, WatPlugin, rows, run_table};

use super::{MMSI, NAME, is_utc, own_context};

#[tokio::test]
async fn group_b_rest_tree() {
    let server = ServerOptions::new().vessel(NAME, MMSI).nmea_listener("instruments").start().await;
    let rows = rows![
        [13] the_root_has_its_keys,
        [14] self_is_a_json_string,
        [15] vessels_self_is_the_own_vessel,
        [16] a_leaf_has_value_source_and_timestamp,
        [17] a_value_is_bare_json_of_any_type,
        [18] a_field_of_an_object_value_has_an_address,
        [19, 22] what_does_not_exist_is_404,
        [20] one_slash_at_the_end_is_forgiven,
        [21] the_root_without_its_slash_is_404_or_the_root,
        [23] every_answer_may_be_read_across_origins,
        [24] a_preflight_is_answered_with_the_methods,
        [25] the_name_is_a_bare_string,
        [26] the_identity_is_a_bare_string,
        [27, 28] metadata_is_there_before_data,
        [29] all_metadata_of_the_vessel_is_one_map,
        [30] sources_lists_the_connections,
        [31] resources_and_the_course_stay_out_of_the_tree,
        [33] the_list_of_web_apps_is_open,
    ];
    run_table(&server, rows).await;
}

async fn the_root_has_its_keys(server: &Server) {
    let root = server.tree("").await;
    assert!(root["vessels"].is_object() && root["sources"].is_object(), "{root}");
    assert_eq!(root["self"], own_context());
    assert!(root["version"].is_string(), "{root}");
    assert!(root["vessels"][format!("urn:mrn:imo:mmsi:{MMSI}")].is_object(), "{root}");
}

async fn self_is_a_json_string(server: &Server) {
    let answer = server.get("/signalk/v1/api/self").await;
    assert_eq!((answer.status.as_u16(), answer.text), (200, format!("\"{}\"", own_context())));
}

async fn vessels_self_is_the_own_vessel(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher.value("b", "environment.depth.belowKeel", 4.5).await;
    let own = server.tree("vessels/self").await;
    assert_eq!(own, server.tree(&format!("vessels/urn:mrn:imo:mmsi:{MMSI}")).await);
    assert_eq!(own["environment"]["depth"]["belowKeel"]["value"], 4.5);
    assert_eq!(own, server.tree("vessels").await[format!("urn:mrn:imo:mmsi:{MMSI}")]);
}

async fn a_leaf_has_value_source_and_timestamp(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let update = json!({"$source": "b.leaf", "timestamp": "2024-05-01T10:00:00.250Z",
        "values": [{"path": "navigation.speedOverGround", "value": 3.85}]});
    publisher.publish(&json!({"updates": [update]})).await;
    let leaf = server.tree("vessels/self/navigation/speedOverGround").await;
    assert_eq!(leaf["value"], 3.85);
    assert_eq!(leaf["$source"], "b.leaf");
    assert_eq!(leaf["timestamp"], "2024-05-01T10:00:00.250Z");
}

async fn a_value_is_bare_json_of_any_type(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let values =
        [json!(-12.5), json!(0), json!("motoring"), json!(""), json!(true), json!(false), json!(null), json!([1, "a"])];
    for value in values {
        publisher.value("b", "test.bare", value.clone()).await;
        let answer = server.get("/signalk/v1/api/vessels/self/test/bare/value").await;
        assert_eq!(answer.status, 200, "{value}");
        assert_eq!(answer.json(), value);
    }
}

async fn a_field_of_an_object_value_has_an_address(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher.value("b", "navigation.position", json!({"latitude": 60.1, "longitude": 24.9})).await;
    assert_eq!(server.tree("vessels/self/navigation/position/value/latitude").await, 60.1);
    assert_eq!(server.tree("vessels/self/navigation/position/value/longitude").await, 24.9);
    assert_eq!(server.tree_status("vessels/self/navigation/position/value/altitude").await, 404);
}

async fn what_does_not_exist_is_404(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher.value("b", "navigation.headingTrue", 1.5).await;
    assert_eq!(server.tree_status("vessels/self/navigation/headingTrue").await, 200);
    for path in [
        "vessels/self/navigation/nowhere",
        "vessels/self/navigation/headingTrue/nothing",
        "vessels/self/navigation/headingTrue/values",
        "vessels/self/navigation//headingTrue",
        "vessels/self/navigation.headingTrue",
        "vessels/urn:mrn:imo:mmsi:999999999",
        "resources",
        "vessels/self/resources",
        "self/",
    ] {
        assert_eq!(server.tree_status(path).await, 404, "{path}");
    }
}

async fn one_slash_at_the_end_is_forgiven(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher.value("b", "test.slash", 1).await;
    for path in ["vessels/self/test", "vessels/self/test/slash", "vessels/self/test/slash/value", "vessels/self"] {
        assert_eq!(server.tree(&format!("{path}/")).await, server.tree(path).await, "{path}");
    }
}

async fn the_root_without_its_slash_is_404_or_the_root(server: &Server) {
    let answer = server.get("/signalk/v1/api").await;
    assert!(answer.status == 404 || answer.json()["self"] == own_context(), "{}", answer.status);
}

async fn every_answer_may_be_read_across_origins(server: &Server) {
    for path in [
        "/signalk",
        "/signalk/v1/api/",
        "/signalk/v1/api/self",
        "/signalk/v1/api/vessels/self",
        "/signalk/v1/api/vessels/self/navigation/nowhere",
        "/signalk/v1/stream",
        "/skServer/loginStatus",
        "/skServer/plugins",
        "/no/such/page",
    ] {
        let answer = server.request(Method::GET, path, &[("Origin", "http://chart.example")], None).await;
        let allowed = answer.header("access-control-allow-origin");
        assert!(["*", "http://chart.example"].contains(&allowed), "{path}: {allowed:?}");
    }
}

async fn a_preflight_is_answered_with_the_methods(server: &Server) {
    let headers = [("Origin", "http://chart.example"), ("Access-Control-Request-Method", "PUT")];
    let answer = server.request(Method::OPTIONS, "/signalk/v1/api/vessels/self/navigation", &headers, None).await;
    assert_eq!(answer.status, 204);
    let methods = answer.header("access-control-allow-methods");
    for method in ["GET", "PUT", "POST", "DELETE"] {
        assert!(methods.split(',').any(|allowed| allowed.trim() == method), "{method} in {methods:?}");
    }
}

async fn the_name_is_a_bare_string(server: &Server) {
    assert_eq!(server.tree("vessels/self/name").await, NAME);
}

async fn the_identity_is_a_bare_string(server: &Server) {
    assert_eq!(server.tree("vessels/self/mmsi").await, MMSI);
    let nameless = Server::start().await;
    let uuid = nameless.tree("vessels/self/uuid").await;
    let uuid = uuid.as_str().expect("the uuid is a bare string");
    assert_eq!(nameless.tree("self").await, format!("vessels.{uuid}"));
    assert!(uuid.starts_with("urn:mrn:signalk:uuid:"), "{uuid}");
}

async fn metadata_is_there_before_data(server: &Server) {
    let path = "vessels/self/environment/water/temperature";
    assert_eq!(server.tree_status(path).await, 404, "the path has no data");
    let meta = server.tree(&format!("{path}/meta")).await;
    assert_eq!(meta["units"], "K");
    assert!(meta["description"].as_str().is_some_and(|text| !text.is_empty()), "{meta}");
    assert_eq!(server.get(&format!("/signalk/v1/api/{path}/meta/units")).await.text, "\"K\"");
    assert_eq!(server.tree_status("vessels/self/no/such/path/meta").await, 404);
}

async fn all_metadata_of_the_vessel_is_one_map(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher.value("b", "navigation.courseOverGroundTrue", 1.5).await;
    let meta = server.tree("vessels/self/meta").await;
    assert_eq!(meta["navigation.courseOverGroundTrue"]["units"], "rad", "{meta}");
}

async fn sources_lists_the_connections(server: &Server) {
    let input = server.input("instruments").await;
    let mut peer = windlass_tests::NmeaPeer::connect(&input).await;
    peer.say("GPHDT,90.0,T").await;
    let sources = server.eventually("/signalk/v1/api/sources", |sources| sources["instruments"].is_object()).await;
    assert_eq!(sources["instruments"]["label"], "instruments", "{sources}");
    let node = server.tree("sources/instruments/GP/sentences").await;
    assert!(node["HDT"].as_str().is_some_and(is_utc), "{node}");
}

/// A plugin says again and again what belongs to version 2, and something of version 1.
async fn resources_and_the_course_stay_out_of_the_tree(_: &Server) {
    const WAYPOINT: &str = "resources.waypoints.5a3f2b1c-0d9e-4c8b-9a7f-1234567890ab";
    let says = |path: &str, value: &str, version: u8| {
        let delta = format!(r#"{{"updates":[{{"values":[{{"path":"{path}","value":{value}}}]}}]}}"#);
        format!("(call $sk_handle_message @'{delta}'@ (i32.const {version}))")
    };
    let route = r#"{"href":"/resources/routes/x","pointIndex":0}"#;
    let code = [
        says(WAYPOINT, r#"{"name":"Home"}"#, 2),
        says("navigation.course.activeRoute", route, 2),
        says("navigation.course.arrivalCircle", "50", 2),
        says("navigation.courseGreatCircle.nextPoint.arrivalCircleRadius", "50", 1),
    ];
    let plugin = WatPlugin::new().env("sk_handle_message", "(param i32 i32 i32)").poll(code.concat());
    let package = json!({"name": "planner", "version": "1.0.0", "wasmManifest": "plugin.wasm", "keywords": ["signalk-wasm-plugin"]});
    let server = ServerOptions::new()
        .vessel(NAME, MMSI)
        .json_file("node_modules/planner/package.json", &package)
        .file("node_modules/planner/plugin.wasm", plugin.wasm())
        .json_file("plugin-config-data/planner.json", &json!({"enabled": true, "configuration": {}}))
        .start()
        .await;
    // All of it is on the stream.
    let mut stream = Stream::connect(&server, "subscribe=none").await;
    stream.subscribe("vessels.self", json!([{"path": "resources.*"}, {"path": "navigation.*"}])).await;
    for path in [WAYPOINT, "navigation.course.activeRoute", "navigation.course.arrivalCircle"] {
        stream.wait_for_path(path).await;
    }
    let path = "vessels/self/navigation/courseGreatCircle/nextPoint/arrivalCircleRadius";
    server.eventually(&format!("/signalk/v1/api/{path}"), |leaf| leaf["value"] == 50).await;
    for path in ["resources", "vessels/self/resources", "vessels/self/navigation/course", "navigation/course"] {
        assert_eq!(server.tree_status(path).await, 404, "{path}");
    }
    let whole = server.get("/signalk/v1/api/").await;
    assert!(!whole.text.contains("\"resources\"") && !whole.text.contains("\"course\""), "{}", whole.text);
}

async fn the_list_of_web_apps_is_open(server: &Server) {
    let apps = server.json("/signalk/v1/apps/list").await;
    let apps = apps.as_array().expect("an array");
    assert!(!apps.is_empty());
    for app in apps {
        for key in ["name", "version", "location"] {
            assert!(app[key].is_string(), "{key} of {app}");
        }
    }
}
