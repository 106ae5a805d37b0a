//! What becomes of values and notifications, and whether plugins run.

use serde_json::json;
use windlass_tests::{Continuity, Publisher, Server, ServerOptions, Stream, WatPlugin, delta};

use super::{changed, effects, hold};

const OWN: &str = "/signalk/v1/api/vessels/self";

#[tokio::test]
async fn silent_ships_are_forgotten_sooner() {
    let server = Server::start().await;
    let mut flow = Continuity::start(&server).await;
    let mut stream = Stream::connect(&server, "subscribe=none").await;
    let other = "vessels.urn:mrn:imo:mmsi:230011111";
    let mut said = delta("ais", "navigation.speedOverGround", 1);
    said["context"] = json!(other);
    stream.send(&said).await;
    server.eventually("/signalk/v1/api/vessels", |all| all.get("urn:mrn:imo:mmsi:230011111").is_some()).await;
    // 0.6 seconds.
    hold(&changed(&server, json!({"options": {}, "pruneContextsMinutes": 0.01})).await, &["pruneContextsMinutes"]);
    server.eventually("/signalk/v1/api/vessels", |all| all.get("urn:mrn:imo:mmsi:230011111").is_none()).await;
    // For ever again: two seconds are not too long.
    hold(&changed(&server, json!({"options": {}, "pruneContextsMinutes": 0})).await, &["pruneContextsMinutes"]);
    stream.send(&said).await;
    server.eventually("/signalk/v1/api/vessels", |all| all.get("urn:mrn:imo:mmsi:230011111").is_some()).await;
    flow.flows_on(200).await;
    assert!(server.json("/signalk/v1/api/vessels").await.get("urn:mrn:imo:mmsi:230011111").is_some());
    flow.finish().await;
}

#[tokio::test]
async fn values_that_are_stale_already_are_taken_away() {
    let server = Server::start().await;
    let mut flow = Continuity::start(&server).await;
    let mut publisher = Publisher::connect(&server).await;
    publisher.value("silent", "environment.depth.belowKeel", 4.2).await;
    let stale = json!({"enforceDataTimeouts": true, "useDefaultTimeouts": true, "defaultTimeout": 1,
        "staleCheckIntervalMs": 100});
    let report = changed(&server, json!({"options": {}, "staleness": stale})).await;
    let mut settings: Vec<_> =
        report["changes"].as_array().expect("changes").iter().map(|c| c["setting"].clone()).collect();
    settings.sort_by_key(ToString::to_string);
    assert_eq!(
        json!(settings),
        json!([
            "staleness.defaultTimeout",
            "staleness.enforceDataTimeouts",
            "staleness.staleCheckIntervalMs",
            "staleness.useDefaultTimeouts",
        ])
    );
    // Nothing has come since it is watched.
    let depth = format!("{OWN}/environment/depth/belowKeel");
    let leaf = server.eventually(&depth, |leaf| leaf["value"].is_null()).await;
    assert_eq!(leaf["state"]["timedOut"], true, "{leaf}");
    // What goes on is not stale.
    let speed = server.json(&format!("{OWN}/navigation/speedOverGround")).await;
    assert!(speed["value"].is_u64(), "{speed}");
    let off = json!({"options": {}, "staleness": {"enforceDataTimeouts": false}});
    hold(&changed(&server, off).await, &["staleness.enforceDataTimeouts"]);
    publisher.value("silent", "environment.depth.belowKeel", 4.3).await;
    // For two seconds: it would be stale after one, if it were watched.
    flow.flows_on(200).await;
    assert_eq!(server.json(&depth).await["value"], 4.3);
    flow.finish().await;
}

#[tokio::test]
async fn notifications_are_managed_or_not() {
    let server = Server::start().await;
    let mut watcher = Stream::connect(&server, "subscribe=self").await;
    let mut sender = Stream::connect(&server, "subscribe=none").await;
    let alarm = |message: &str| json!({"state": "alarm", "method": ["visual"], "message": message});
    let mut comes_as = async |message: &str| {
        sender.send(&delta("s", "notifications.fire", alarm(message))).await;
        watcher.wait_for(message, |value| value.value["message"] == message).await.value
    };
    let managed = comes_as("one").await;
    assert!(managed["id"].is_string() && managed["status"].is_object(), "{managed}");
    let off = json!({"options": {}, "notifications": {"manageNotifications": false}});
    hold(&changed(&server, off).await, &["notifications.manageNotifications"]);
    assert_eq!(comes_as("two").await, alarm("two"));
    let on = json!({"options": {}, "notifications": {"manageNotifications": true}});
    hold(&changed(&server, on).await, &["notifications.manageNotifications"]);
    let managed = comes_as("three").await;
    assert!(managed["id"].is_string() && managed["status"].is_object(), "{managed}");
}

#[tokio::test]
async fn plugins_are_run_or_not() {
    let package = json!({"name": "counting", "version": "1.0.0", "wasmManifest": "plugin.wasm",
        "keywords": ["signalk-wasm-plugin"], "wasmCapabilities": {"dataRead": true, "dataWrite": true, "storage": "none"}});
    let server = ServerOptions::new()
        .json_file("node_modules/counting/package.json", &package)
        .file("node_modules/counting/plugin.wasm", WatPlugin::counting("test.seen", 1, "").wasm())
        .json_file("plugin-config-data/counting.json", &json!({"enabled": true, "configuration": {}}))
        .start()
        .await;
    let state = "/skServer/plugins/counting/status";
    server.eventually(state, |status| status["state"] == "running").await;
    let mut flow = Continuity::start(&server).await;
    server.eventually(&format!("{OWN}/test/seen"), |leaf| leaf["value"].is_string()).await;
    hold(&changed(&server, json!({"options": {}, "interfaces": {"wasm": false}})).await, &["interfaces.wasm"]);
    let listed = server.json("/skServer/plugins").await;
    assert_ne!(listed[0]["state"], "running", "{listed}");
    let before = server.json(&format!("{OWN}/test/seen")).await;
    flow.flows_on(20).await;
    assert_eq!(server.json(&format!("{OWN}/test/seen")).await, before, "it counts no more");
    hold(&changed(&server, json!({"options": {}, "interfaces": {"wasm": true}})).await, &["interfaces.wasm"]);
    server.eventually(state, |status| status["state"] == "running").await;
    server.eventually(&format!("{OWN}/test/seen"), |leaf| leaf["timestamp"] != before["timestamp"]).await;
    flow.finish().await;
}

#[tokio::test]
async fn what_this_server_has_no_use_for_is_named() {
    let server = Server::start().await;
    let body = json!({"options": {"wsCompression": true, "useBLEManager": true, "enablePluginLogging": false},
        "courseApi": {"apiOnly": true}, "interfaces": {"rest": false, "playground": false}});
    let report = changed(&server, body).await;
    let mut unused: Vec<_> = effects(&report).as_array().expect("a list").iter().map(ToString::to_string).collect();
    unused.sort();
    assert_eq!(
        unused,
        [
            r#"["courseApi.apiOnly","unused"]"#,
            r#"["interfaces.playground","unused"]"#,
            r#"["interfaces.rest","unused"]"#,
            r#"["options.enablePluginLogging","unused"]"#,
            r#"["options.useBLEManager","unused"]"#,
            r#"["options.wsCompression","unused"]"#,
        ]
    );
    let whys = report["changes"].as_array().expect("a list").iter().map(|change| change["why"].as_str());
    assert!(whys.into_iter().all(|why| why.is_some_and(|why| why.starts_with("This server "))), "{report}");
}
