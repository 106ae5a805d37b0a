//! Group M: administration.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio::time::Instant;
use windlass_tests::{Answer, NmeaPeer, Server, ServerOptions, Stream, WatPlugin, delta, rows, run_table, sentence};

use super::{MMSI, NAME, own_context};

const APPS: &str = "/signalk/v1/applicationData";

#[tokio::test]
async fn group_m_administration() {
    let schema = r#"{"type":"object","properties":{"rate":{"type":"number"}}}"#;
    let plugin = WatPlugin::new().body("plugin_schema", format!("(call $answer (local.get $to) @'{schema}'@)"));
    let package = json!({"name": "probe", "version": "1.0.0", "wasmManifest": "plugin.wasm", "keywords": ["signalk-wasm-plugin"]});
    let server = ServerOptions::new()
        .vessel(NAME, MMSI)
        .nmea_listener("steady")
        .file("skserver-raw_2026-01-02T03.log", "1767323000000;N;$GPGLL\n")
        .json_file("node_modules/probe/package.json", &package)
        .file("node_modules/probe/plugin.wasm", plugin.wasm())
        .json_file("plugin-config-data/probe.json", &json!({"enabled": false, "configuration": {}}))
        .start()
        .await;
    let rows = rows![
        [209] server_events_begin_with_the_vessel_and_statistics_come_soon,
        [203] connections_are_listed_added_changed_and_removed,
        [204] a_changed_connection_takes_effect_and_the_others_run_on,
        [203] other_servers_are_looked_for,
        [214] available_paths_are_those_with_values,
        [215] log_files_are_listed_and_nothing_else_is_shown,
        [213] application_data_round_trip,
        [207, 208] plugins_are_listed_and_configured,
        [212] an_open_server_is_not_restarted,
        [215] debugging_can_be_switched,
        [214] texts_can_be_tried,
        [214] harmless_questions_are_answered,
    ];
    run_table(&server, rows).await;
}

/// Those that need a server of their own, to start it again.
#[tokio::test]
async fn group_m_administration_across_restarts() {
    let server = Server::start().await;
    let rows = rows![
        [201, 226] changed_settings_are_kept,
        [202] the_vessel_is_changed,
        [203] changed_connections_are_kept,
        [212] a_restart_ends_the_process_well,
        [213] users_have_application_data_of_their_own,
    ];
    run_table(&server, rows).await;
}

async fn change(server: &Server, method: Method, path: &str, body: Json) -> Answer {
    server.request(method, path, &[], Some(body.to_string())).await
}

/// Makes a change that is answered with a text.
async fn done(server: &Server, method: Method, path: &str, body: Json, text: &str) {
    let answer = change(server, method, path, body).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, text), "{path}");
}

async fn server_events_begin_with_the_vessel_and_statistics_come_soon(server: &Server) {
    let mut stream = Stream::connect(server, "subscribe=none&serverevents=all").await;
    let start = Instant::now();
    let first = stream.next_json().await;
    assert_eq!(first["type"], "VESSEL_INFO", "{first}");
    assert_eq!(first["data"], json!({"name": NAME, "mmsi": MMSI}));
    let mut order = Vec::new();
    let told = ["DEBUG_SETTINGS", "PRIORITYOVERRIDES", "SOURCEALIASES", "PRIORITYGROUPS", "PRIORITYDEFAULTS"];
    while order.len() < told.len() {
        let event = stream.next_json().await;
        let kind = event["type"].as_str().expect("a type").to_owned();
        if told.contains(&kind.as_str()) {
            order.push(kind);
        }
    }
    assert_eq!(order, told);
    for kind in ["SERVERSTATISTICS", "PROVIDERSTATUS"] {
        stream.wait_for_frame(kind, |event| event["type"] == kind).await;
    }
    assert!(start.elapsed() < Duration::from_secs(6), "after {:?}", start.elapsed());
    let is_statistics = |event: &Json| event["type"] == "SERVERSTATISTICS";
    let statistics = stream.wait_for_frame("statistics", is_statistics).await["data"].clone();
    for key in ["deltaRate", "numberOfAvailablePaths", "wsClients", "uptime"] {
        assert!(statistics[key].is_number(), "{key} of {statistics}");
    }
    assert!(statistics["providerStatistics"]["defaults"]["deltaCount"].as_u64() >= Some(1), "{statistics}");
}

fn connection(id: &str, options: Json) -> Json {
    json!({"id": id, "enabled": true, "type": "NMEA0183", "logging": false, "options": options})
}

fn listener(id: &str) -> Json {
    connection(id, json!({"type": "tcplistener", "host": "127.0.0.1", "port": 0}))
}

async fn listed(server: &Server, id: &str) -> Option<Json> {
    let all = server.json("/skServer/providers").await;
    all.as_array().expect("a list").iter().find(|connection| connection["id"] == id).cloned()
}

async fn connections_are_listed_added_changed_and_removed(server: &Server) {
    const PATH: &str = "/skServer/providers";
    done(server, Method::POST, PATH, listener("new"), "Connection added").await;
    let shown = listed(server, "new").await.expect("it is listed");
    assert_eq!(
        shown,
        json!({"id": "new", "enabled": true, "type": "NMEA0183", "logging": false, "editable": true,
            "options": {"type": "tcplistener", "host": "127.0.0.1", "port": 0}})
    );
    for (method, path, body, status, text) in [
        (Method::POST, PATH, listener("new"), 409, "Connection with ID 'new' already exists"),
        (Method::POST, PATH, listener(" "), 400, "Please enter a provider ID"),
        (Method::POST, PATH, json!({"id": "x"}), 400, "Invalid provider: id and options object required"),
        (Method::PUT, "/skServer/providers/none", listener("none"), 404, "Connection with name none not found"),
        (Method::PUT, "/skServer/providers/new", listener("steady"), 409, "Connection with ID 'steady' already exists"),
        (
            Method::PUT,
            "/skServer/providers/new",
            json!({"id": "new", "type": "x", "options": {}}),
            400,
            "Can not update an Unknown type",
        ),
        (Method::DELETE, "/skServer/providers/none", json!({}), 404, "Connection with name none not found"),
    ] {
        let answer = change(server, method, path, body).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, text));
    }
    let renamed = connection("renamed", json!({"type": "tcplistener", "maxPeers": 3}));
    done(server, Method::PUT, "/skServer/providers/new", renamed, "Connection updated").await;
    assert_eq!(listed(server, "new").await, None);
    let shown = listed(server, "renamed").await.expect("it is listed");
    assert_eq!(shown["options"], json!({"type": "tcplistener", "host": "127.0.0.1", "port": 0, "maxPeers": 3}));
    done(server, Method::DELETE, "/skServer/providers/renamed", json!({}), "Connection deleted").await;
    assert_eq!(listed(server, "renamed").await, None);
}

async fn a_changed_connection_takes_effect_and_the_others_run_on(server: &Server) {
    const PATH: &str = "/skServer/providers/live";
    let steady = server.input("steady").await;
    let mut neighbour = NmeaPeer::connect(&steady).await;
    neighbour.say("SDDBT,3.3,f,1.0,M,0.5,F").await;
    let before = server.connection_counts("steady", "/lines", 1).await;
    let mut stream = Stream::connect(server, "subscribe=none").await;
    stream.subscribe("vessels.self", json!([{"path": "environment.depth.belowTransducer"}])).await;
    let off = |body: Json| {
        let mut body = body;
        body["enabled"] = json!(false);
        body
    };
    done(server, Method::POST, "/skServer/providers", off(listener("live")), "Connection added").await;
    assert!(server.connection_statistics("live").await["localAddress"].is_null());
    done(server, Method::PUT, PATH, listener("live"), "Connection updated").await;
    let address = server.input("live").await;
    let mut peer = NmeaPeer::connect(&address).await;
    let bad = sentence("SDDBT,7.8,f,2.4,M,1.3,F").replace("*0D", "*00");
    peer.send(bad.as_bytes()).await;
    peer.say("SDDBT,7.8,f,2.5,M,1.3,F").await;
    let first = stream.wait_for("the depth", |value| value.source == "live.SD").await;
    assert_eq!(first.value, 2.5, "a bad checksum does not count");
    // From now on it does.
    let lax = connection("live", json!({"type": "tcplistener", "validateChecksum": false}));
    done(server, Method::PUT, PATH, lax, "Connection updated").await;
    let address = server.input("live").await;
    NmeaPeer::connect(&address).await.send(bad.as_bytes()).await;
    stream.wait_for("the depth", |value| value.source == "live.SD" && value.value == 2.4).await;
    done(server, Method::DELETE, PATH, json!({}), "Connection deleted").await;
    assert!(TcpStream::connect(&address).await.is_err(), "nobody listens there any more");
    // Its neighbour was not disturbed.
    neighbour.say("SDDBT,3.3,f,1.1,M,0.5,F").await;
    stream.wait_for("the neighbour", |value| value.source == "steady.SD" && value.value == 1.1).await;
    let after = server.connection_statistics("steady").await;
    assert_eq!(after["connects"], before["connects"]);
}

async fn other_servers_are_looked_for(server: &Server) {
    let mut events = Stream::connect(server, "subscribe=none&serverevents=all").await;
    done(server, Method::PUT, "/skServer/runDiscovery", json!({}), "\"Discovery started\"").await;
    let found = events.wait_for_frame("what was found", |event| event["type"] == "DISCOVERY_CHANGED").await;
    let found = found["data"].as_array().expect("a list");
    assert!(found.iter().all(|server| server["wasDiscovered"] == true && server["enabled"] == false), "{found:?}");
}

async fn available_paths_are_those_with_values(server: &Server) {
    let mut stream = Stream::connect(server, "subscribe=all").await;
    let mut other = delta("e", "test.available.other", 1);
    other["context"] = json!("vessels.urn:mrn:imo:mmsi:230000002");
    let meta =
        json!({"updates": [{"$source": "e", "meta": [{"path": "test.available.meta", "value": {"units": "m"}}]}]});
    let mut sender = Stream::connect(server, "subscribe=none").await;
    for message in [other, meta, delta("e", "test.available.own", 1)] {
        sender.send(&message).await;
    }
    stream.wait_for_path("test.available.own").await;
    let paths = server.json("/skServer/availablePaths").await;
    let paths: Vec<_> = paths.as_array().expect("a list").iter().filter_map(Json::as_str).collect();
    let there = |path| paths.contains(&path);
    assert!(
        there("test.available.own") && there("") && !there("test.available.other") && !there("test.available.meta"),
        "{paths:?}"
    );
}

async fn log_files_are_listed_and_nothing_else_is_shown(server: &Server) {
    const NAME: &str = "skserver-raw_2026-01-02T03.log";
    assert_eq!(server.json("/skServer/logfiles/").await, json!([NAME]));
    let file = server.get(&format!("/skServer/logfiles/{NAME}")).await;
    assert_eq!((file.status.as_u16(), file.text.as_str()), (200, "1767323000000;N;$GPGLL\n"));
    for (name, status, text) in [
        ("..%2FbaseDeltas.json", 400, "Invalid filename"),
        ("%2Fetc%2Fpasswd", 400, "Invalid filename"),
        ("a/b.log", 400, "Invalid filename"),
        ("a%5Cb.log", 400, "Invalid filename"),
        ("a%00.log", 400, "Invalid filename"),
    ] {
        let answer = server.get(&format!("/skServer/logfiles/{name}")).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, text), "{name}");
    }
    for name in ["baseDeltas.json", "settings.json", "skserver-raw_gone.log", "%2e%2e"] {
        let answer = server.get(&format!("/skServer/logfiles/{name}")).await;
        assert!(answer.status.is_client_error() && !answer.text.contains(MMSI), "{name}: {}", answer.text);
    }
}

async fn application_data_round_trip(server: &Server) {
    for scope in ["global", "user"] {
        let document = format!("{APPS}/{scope}/app/1.0");
        assert_eq!(server.json(&document).await, json!({}), "nothing kept yet");
        let missing = server.get(&format!("{document}/config")).await;
        assert_eq!((missing.status.as_u16(), missing.text.as_str()), (404, ""), "apps tell by the empty body");
        assert_eq!(server.get(&format!("{APPS}/{scope}/app")).await.status, 404);
        let saved = "\"ApplicationData saved\"";
        done(server, Method::POST, &document, json!({"config": {"a": 1}}), saved).await;
        done(server, Method::POST, &format!("{document}/config/b/c"), json!([1]), saved).await;
        let patch = json!([{"op": "replace", "path": "/config/a", "value": 2}, {"op": "add", "path": "/theme", "value": "night"}]);
        done(server, Method::POST, &format!("{document}/"), patch, saved).await;
        let whole = json!({"config": {"a": 2, "b": {"c": [1]}}, "theme": "night"});
        assert_eq!(server.json(&document).await, whole);
        assert_eq!(server.json(&format!("{document}/config/b/")).await, json!({"c": [1]}));
        assert_eq!(server.json(&format!("{document}?keys=true")).await, json!(["config", "theme"]));
        assert_eq!(server.json(&format!("{document}/config?keys=true")).await, json!(["a", "b"]));
        done(server, Method::POST, &format!("{APPS}/{scope}/app/11"), json!({}), saved).await;
        assert_eq!(server.json(&format!("{APPS}/{scope}/app")).await, json!(["1.0", "11"]));
        for (path, body, words) in [
            ("app/1.0", json!({"x": {"__proto__": 1}}), "invalid key __proto__"),
            ("app/1.0/constructor", json!(1), "invalid key constructor"),
            ("app/1.0", json!([{"op": "add", "path": "/prototype", "value": 1}]), "invalid key prototype"),
            ("app/one", json!({}), "invalid application version"),
            ("..%2F..%2Fx/1.0", json!({}), "invalid application id"),
            (&format!("{}/1.0", "x".repeat(30)), json!({}), "invalid application id"),
            ("app/1.0", json!([{"op": "remove", "path": "/nowhere"}]), "invalid application data"),
        ] {
            let answer = change(server, Method::POST, &format!("{APPS}/{scope}/{path}"), body).await;
            assert_eq!(answer.status, 400, "{path}: {}", answer.text);
            assert!(answer.text.starts_with(words), "{path}: {}", answer.text);
        }
        assert_eq!(server.json(&document).await, whole, "what is refused changes nothing");
    }
    assert!(server.directory().join("applicationData/global/app/1.0.json").is_file());
}

async fn plugins_are_listed_and_configured(server: &Server) {
    let item = |list: &Json| list.as_array()?.iter().find(|item| item["name"] == "Probe").cloned();
    let list =
        server.eventually("/skServer/plugins", |list| item(list).is_some_and(|item| item["schema"].is_object())).await;
    let probe = item(&list).expect("it was found a moment ago");
    assert_eq!(
        (&probe["schema"]["properties"]["rate"]["type"], &probe["data"]["enabled"]),
        (&json!("number"), &json!(false))
    );
    let id = probe["id"].as_str().expect("an id");
    let mut events = Stream::connect(server, "subscribe=none&serverevents=all").await;
    let path = format!("/skServer/plugins/{id}/config");
    let config = json!({"enabled": true, "configuration": {"rate": 2.5}});
    let text = format!("\"Saved configuration for plugin {id}\"");
    done(server, Method::POST, &path, config, &text).await;
    let saved = server.json(&path).await;
    assert_eq!((&saved["enabled"], &saved["configuration"]), (&json!(true), &json!({"rate": 2.5})));
    let told = |event: &Json| {
        event["type"] == "PLUGINS_CHANGED" && item(&event["data"]).is_some_and(|item| item["data"] == saved)
    };
    events.wait_for_frame("the change", told).await;
}

async fn an_open_server_is_not_restarted(server: &Server) {
    let answer = server.request(Method::PUT, "/skServer/restart", &[], None).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (401, "\"Restart not allowed\""));
}

async fn debugging_can_be_switched(server: &Server) {
    let mut events = Stream::connect(server, "subscribe=none&serverevents=all").await;
    let told = |patterns: &'static str, remember: bool| {
        move |event: &Json| {
            event["type"] == "DEBUG_SETTINGS"
                && event["data"] == json!({"debugEnabled": patterns, "rememberDebug": remember})
        }
    };
    events.wait_for_frame("the settings", told("", false)).await;
    done(server, Method::POST, "/skServer/debug", json!({"value": "windlass_broker*"}), "").await;
    events.wait_for_frame("the new pattern", told("windlass_broker*", false)).await;
    done(server, Method::POST, "/skServer/rememberDebug", json!({"value": true}), "").await;
    events.wait_for_frame("that it is remembered", told("windlass_broker*", true)).await;
    done(server, Method::POST, "/skServer/rememberDebug", json!({"value": false}), "").await;
    done(server, Method::POST, "/skServer/debug", json!({"value": ""}), "").await;
    events.wait_for_frame("the end of it", told("", false)).await;
    for bad in [json!({"value": 7}), json!({}), json!({"value": "a\nb"})] {
        let answer = change(server, Method::POST, "/skServer/debug", bad).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (400, "invalid debug value"));
    }
    let keys = server.json("/skServer/debugKeys").await;
    assert!(keys.as_array().is_some_and(|keys| keys.contains(&json!("windlass_broker"))), "{keys}");
}

async fn texts_can_be_tried(server: &Server) {
    let text = sentence("SDDBT,7.8,f,2.4,M,1.3,F");
    let tried = change(server, Method::POST, "/skServer/inputTest", json!({"value": text})).await.json();
    let update = &tried["deltas"][0]["updates"][0];
    assert_eq!((&tried["deltas"][0]["context"], &update["$source"]), (&json!(own_context()), &json!("inputTest.SD")));
    assert_eq!(update["values"], json!([{"path": "environment.depth.belowTransducer", "value": 2.4}]));
    let strange = change(server, Method::POST, "/skServer/inputTest", json!({"value": "{\"x\": 1}"})).await;
    assert_eq!((strange.status.as_u16(), strange.json()), (400, json!({"error": "unknown JSON format"})));
    assert!(server.tree("sources").await.get("inputTest").is_none(), "nothing was sent");
    let value = delta("tried", "test.tried", 7).to_string();
    let mut stream = Stream::connect(server, "subscribe=self").await;
    let sent = change(server, Method::POST, "/skServer/inputTest", json!({"value": value, "sendToServer": true})).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    assert_eq!(stream.wait_for_path("test.tried").await.value, 7);
}

async fn harmless_questions_are_answered(server: &Server) {
    let store = server.json("/skServer/appstore/available/").await;
    // Whether there is a registry depends on the computer: see `packages`.
    assert!(store["storeAvailable"].is_boolean(), "{store}");
    for list in ["available", "installed", "updates", "installing", "categories"] {
        assert!(store[list].is_array(), "{list} in {store}");
    }
    assert_eq!(server.json("/skServer/hasAnalyzer").await, json!(false));
    assert_eq!(server.json("/skServer/deviceIdentities").await, json!({}));
    assert!(server.json("/skServer/serialports").await["serialports"].is_array());
    assert!(server.json("/skServer/nodeInfo").await.get("nodeVersion").is_some());
    assert!(server.json("/skServer/eventsRoutingData").await["events"].is_array());
    let paths = server.json("/skServer/paths").await;
    assert_eq!(paths["/vessels/*/navigation/speedOverGround"]["units"], "m/s");
}

/// Ends a server and starts another one with what it has left.
async fn again(server: Server) -> Server {
    let ended = server.terminate().await;
    ServerOptions::new().directory(&ended.directory).start().await
}

async fn changed_settings_are_kept(_: &Server) {
    let server =
        ServerOptions::new().setting("unknown", json!({"keep": [1, 2]})).setting("mdns", json!(false)).start().await;
    let shown = server.json("/skServer/settings").await;
    assert_eq!((&shown["options"]["mdns"], &shown["pruneContextsMinutes"]), (&json!(false), &json!(60)));
    assert_eq!(shown["loggingDirectory"], json!(server.directory().canonicalize().expect("it is there")));
    let body = json!({"options": {"wsPingInterval": 12_345}, "port": 4567, "pruneContextsMinutes": 5,
        "interfaces": {"tcp": false}, "courseApi": {"apiOnly": true}, "staleness": {"defaultTimeout": 90}});
    done(&server, Method::PUT, "/skServer/settings", body, "Settings changed").await;
    for (body, text) in [
        (json!({"port": 1}), "Invalid settings payload at /options: an object is expected"),
        (
            json!({"options": {}, "staleness": {"autoTimeoutSamples": 1}}),
            "Invalid staleness payload at /autoTimeoutSamples: must be 2 to 1000",
        ),
    ] {
        let answer = change(&server, Method::PUT, "/skServer/settings", body).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (400, text));
    }
    let before = server.json("/skServer/settings").await;
    let server = again(server).await;
    let shown = server.json("/skServer/settings").await;
    assert_eq!(shown, before);
    assert_eq!((&shown["options"]["wsPingInterval"], &shown["port"]), (&json!(12_345), &json!(4567)));
    assert_eq!((&shown["pruneContextsMinutes"], &shown["interfaces"]["tcp"]), (&json!(5), &json!(false)));
    assert_eq!((&shown["courseApi"]["apiOnly"], &shown["staleness"]["defaultTimeout"]), (&json!(true), &json!(90.0)));
    let text = std::fs::read_to_string(server.directory().join("settings.json")).expect("settings");
    let saved: Json = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&saved["unknown"], &saved["mdns"]),
        (&json!({"keep": [1, 2]}), &json!(false)),
        "what is not named stays"
    );
}

async fn the_vessel_is_changed(_: &Server) {
    let server = Server::start().await;
    let before = server.json("/skServer/vessel").await;
    let uuid = before["uuid"].as_str().expect("a made-up identity").to_owned();
    assert_eq!(server.tree("self").await, json!(format!("vessels.{uuid}")));
    let mut events = Stream::connect(&server, "subscribe=none&serverevents=all").await;
    let body = json!({"name": "Aurora", "mmsi": MMSI, "draft": "1.8", "length": "12.5", "beam": 3.9, "height": 18.5,
        "gpsFromBow": "4.2", "gpsFromCenter": -0.5, "aisShipType": "36", "callsignVhf": "OJ1234"});
    done(&server, Method::PUT, "/skServer/vessel", body, "Vessel changed").await;
    let expected = json!({"name": "Aurora", "mmsi": MMSI, "draft": 1.8, "length": 12.5, "beam": 3.9, "height": 18.5,
        "gpsFromBow": 4.2, "gpsFromCenter": -0.5, "aisShipType": 36, "callsignVhf": "OJ1234"});
    assert_eq!(server.json("/skServer/vessel").await, expected, "and the uuid is gone");
    let told = json!({"name": "Aurora", "mmsi": MMSI});
    events.wait_for_frame("the vessel", |event| event["type"] == "VESSEL_INFO" && event["data"] == told).await;
    for (path, value) in [
        ("design/draft", json!({"maximum": 1.8})),
        ("design/length", json!({"overall": 12.5})),
        ("design/beam", json!(3.9)),
        ("design/airHeight", json!(18.5)),
        ("sensors/gps/fromBow", json!(4.2)),
        ("sensors/gps/fromCenter", json!(-0.5)),
        ("design/aisShipType", json!({"id": 36, "name": "Sailing"})),
    ] {
        let leaf = server.tree(&format!("vessels/self/{path}")).await;
        assert_eq!((&leaf["value"], &leaf["$source"]), (&value, &json!("defaults")), "{path}");
    }
    assert_eq!(server.tree("vessels/self/name").await, "Aurora");
    assert_eq!(server.tree("vessels/self/communication").await, json!({"callsignVhf": "OJ1234"}));
    assert_eq!(server.tree("self").await, json!(format!("vessels.{uuid}")), "until the next start");
    let refused = change(&server, Method::PUT, "/skServer/vessel", json!({"mmsi": "12"})).await;
    assert_eq!(
        (refused.status.as_u16(), refused.text.as_str()),
        (400, "Invalid vessel payload at /mmsi: nine digits are expected")
    );
    let server = again(server).await;
    assert_eq!(server.tree("self").await, json!(own_context()));
    assert_eq!(server.json("/skServer/vessel").await, expected);
    assert_eq!(server.tree("vessels/self/design/beam/value").await, 3.9);
    done(&server, Method::PUT, "/skServer/vessel", json!({"beam": "", "name": ""}), "Vessel changed").await;
    let shown = server.json("/skServer/vessel").await;
    assert_eq!((shown.get("beam"), shown.get("name"), &shown["draft"]), (None, None, &json!(1.8)));
    assert_eq!(server.tree("vessels/self/design/beam/value").await, json!(null));
}

async fn changed_connections_are_kept(_: &Server) {
    let server = ServerOptions::new().nmea_listener("one").setting("unknown", json!(1)).start().await;
    done(&server, Method::POST, "/skServer/providers", listener("two"), "Connection added").await;
    let off = json!({"id": "one", "enabled": false, "type": "NMEA0183", "options": {"type": "tcplistener"}});
    done(&server, Method::PUT, "/skServer/providers/one", off, "Connection updated").await;
    let before = server.json("/skServer/providers").await;
    let server = again(server).await;
    assert_eq!(server.json("/skServer/providers").await, before);
    NmeaPeer::connect(&server.input("two").await).await;
    assert!(server.connection_statistics("one").await["localAddress"].is_null());
}

async fn a_restart_ends_the_process_well(_: &Server) {
    let (server, admin) = ServerOptions::new().vessel(NAME, MMSI).start_claimed().await;
    assert_eq!(server.request(Method::PUT, "/skServer/restart", &[], None).await.status, 401);
    let start = Instant::now();
    let answer = server.as_who(&admin, Method::PUT, "/skServer/restart", None).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "\"Restarting...\""));
    let ended = server.ended().await;
    assert!(start.elapsed() >= Duration::from_secs(1), "the answer has time to leave");
    assert_eq!(ended.status.code(), Some(0), "whoever supervises it starts it anew");
}

async fn users_have_application_data_of_their_own(_: &Server) {
    let (server, admin) = ServerOptions::new().vessel(NAME, MMSI).start_claimed().await;
    let writer = server.add_user(&admin, "w:r", "readwrite").await;
    let reader = server.add_user(&admin, "reader", "readonly").await;
    let device = server.add_device(&admin, "reader", "readwrite").await;
    let (own, global) = (format!("{APPS}/user/kip/1.0"), format!("{APPS}/global/kip/1.0"));
    let post = async |token: &str, path: &str, by: &str| {
        server.as_who(token, Method::POST, path, Some(json!({"by": by}))).await.status.as_u16()
    };
    for (token, by, to_own, to_global) in [
        (&admin, "admin", 200, 200),
        (&writer, "writer", 200, 401),
        (&reader, "reader", 401, 401),
        (&device, "device", 200, 401),
    ] {
        assert_eq!((post(token, &own, by).await, post(token, &global, by).await), (to_own, to_global), "{by}");
    }
    let get = async |token: &str, path: &str| server.as_who(token, Method::GET, path, None).await.json();
    assert_eq!(get(&admin, &own).await, json!({"by": "admin"}));
    assert_eq!(get(&writer, &own).await, json!({"by": "writer"}));
    assert_eq!(get(&device, &own).await, json!({"by": "device"}));
    assert_eq!(get(&reader, &own).await, json!({}), "not that of the device with the same name");
    assert_eq!(get(&reader, &global).await, json!({"by": "admin"}));
    assert_eq!(server.get(&own).await.status, 401);
    let folders = std::fs::read_dir(server.directory().join("applicationData/users")).expect("the users").count();
    assert_eq!(folders, 2, "the admin's and the writer's");
}
