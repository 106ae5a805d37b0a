//! The example plugins, and a plugin that crashes on purpose.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;
use windlass_tests::{BETWEEN_LOOKS, Continuity, Server, ServerOptions, Stream, demo_plugins};

const ANCHOR_WATCH: &str = "_windlass_anchor-watch";
const TRUE_WIND: &str = "_windlass_true-wind";
/// How long the last restarts of a crashing plugin take, with room for a busy machine.
const GIVING_UP: Duration = Duration::from_secs(60);
/// How much earlier than it was a change can be seen to be.
const BLUR: Duration = Duration::from_millis(200);

async fn demo() -> Server {
    ServerOptions::new().argument("--demo").environment("WINDLASS_DEMO_PLUGINS", demo_plugins()).start().await
}

/// The plugin's item in the list, once it is in this state.
async fn listed(server: &Server, id: &str, state: &str) -> Json {
    let item = |list: &Json| list.as_array()?.iter().find(|item| item["id"] == id).cloned();
    let is_there = |list: &Json| item(list).is_some_and(|item| item["state"] == state);
    let list = server.eventually("/skServer/plugins", is_there).await;
    item(&list).expect("it was found a moment ago")
}

#[tokio::test]
async fn the_example_plugins_are_listed_and_work() {
    let server = demo().await;
    for (id, package) in [(ANCHOR_WATCH, "@windlass/anchor-watch"), (TRUE_WIND, "@windlass/true-wind")] {
        let item = listed(&server, id, "running").await;
        assert_eq!((&item["packageName"], &item["type"]), (&json!(package), &json!("wasm")), "{item}");
        for key in ["name", "version", "description", "statusMessage"] {
            assert!(item[key].is_string(), "{key} of {item}");
        }
        assert!(
            item["keywords"].as_array().is_some_and(|words| words.contains(&json!("signalk-wasm-plugin"))),
            "{item}"
        );
        assert_eq!(item["schema"]["type"], "object", "{item}");
        assert_eq!((&item["data"]["enabled"], item["bundled"].is_boolean()), (&json!(true), true), "{item}");
        let info = server.json(&format!("/skServer/plugins/{id}/")).await;
        assert_eq!((&info["enabled"], &info["id"], &info["name"]), (&json!(true), &json!(id), &item["name"]));
        let config = server.json(&format!("/skServer/plugins/{id}/config")).await;
        assert_eq!((&config["enabled"], config["configuration"].is_object()), (&json!(true), true), "{config}");
    }
    let names: Vec<_> = server.json("/skServer/plugins").await.as_array().expect("a list").clone();
    assert!(names.is_sorted_by_key(|item| item["name"].as_str().expect("a name").to_owned()));
    assert_eq!(server.json("/plugins").await.as_array().map(Vec::len), Some(names.len()));
    assert_eq!(server.get("/skServer/plugins/no-such-plugin/config").await.status, 404);

    for (path, source) in [
        ("environment.wind.speedTrue", TRUE_WIND),
        ("environment.wind.angleTrueWater", TRUE_WIND),
        ("navigation.anchor.currentRadius", ANCHOR_WATCH),
        ("navigation.anchor.maxRadius", ANCHOR_WATCH),
    ] {
        // A stream of its own, since some of them come only once.
        let mut stream = Stream::connect(&server, "").await;
        let value = stream.wait_for(path, |value| value.path == path && value.value.is_number()).await;
        assert_eq!(value.source, source, "{path}");
        let leaf = server.tree(&format!("vessels/self/{}", path.replace('.', "/"))).await;
        assert_eq!(leaf["$source"], source, "{leaf}");
    }
    let state = server.tree("vessels/self/notifications/navigation/anchor/value/state").await;
    assert!(["normal", "warn", "alarm"].iter().any(|known| state == *known), "{state}");
}

#[tokio::test]
async fn the_demo_boat_moves() {
    let server = demo().await;
    let path = "/signalk/v1/api/vessels/self/navigation/speedOverGround";
    let first = server.eventually(path, |leaf| leaf["value"].is_number()).await["value"].clone();
    let second = server.eventually(path, |leaf| leaf["value"].is_number() && leaf["value"] != first).await;
    assert!(second["value"].as_f64().is_some_and(|speed| (0.0..10.0).contains(&speed)), "{second}");
}

#[tokio::test]
async fn configuration_is_saved_and_reaches_the_plugin() {
    let server = demo().await;
    listed(&server, ANCHOR_WATCH, "running").await;
    let path = format!("/skServer/plugins/{ANCHOR_WATCH}");
    let data = json!({"enabled": true, "configuration": {"maxRadius": 77, "weighBeyond": 150}});
    let answer = server.post(&format!("{path}/config"), &data).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!(format!("Saved configuration for plugin {ANCHOR_WATCH}")))
    );
    assert_eq!(server.json(&format!("{path}/config")).await["configuration"], data["configuration"]);
    server.eventually("/signalk/v1/api/vessels/self/navigation/anchor/maxRadius", |leaf| leaf["value"] == 77.0).await;
    // A configuration that the plugin refuses is saved, and answered with the reason.
    let answer =
        server.post(&format!("{path}/config"), &json!({"enabled": true, "configuration": {"maxRadius": -1}})).await;
    assert_eq!(answer.status, 500, "{}", answer.text);
    assert!(answer.json()["error"].is_string(), "{}", answer.text);
    listed(&server, ANCHOR_WATCH, "error").await;
    assert!(server.post(&format!("{path}/config"), &json!([1])).await.status.as_u16() >= 400);
    server.post(&format!("{path}/disable"), &json!({})).await;
    assert_eq!(listed(&server, ANCHOR_WATCH, "stopped").await["data"]["enabled"], false);
    server.post(&format!("{path}/config"), &data).await;
    listed(&server, ANCHOR_WATCH, "running").await;
    // And it is still so after a restart of the server.
    let directory = server.terminate().await.directory;
    let again = ServerOptions::new()
        .directory(&directory)
        .argument("--demo")
        .environment("WINDLASS_DEMO_PLUGINS", demo_plugins())
        .start()
        .await;
    assert_eq!(again.json(&format!("{path}/config")).await["configuration"], data["configuration"]);
}

/// One thing a plugin's status said, and when.
#[derive(Debug)]
struct Change {
    at: Instant,
    state: String,
    crashes: u64,
}

/// Notes each change of a plugin's state until it is in error.
async fn follow(server: &Server, id: &str) -> Vec<Change> {
    let start = Instant::now();
    let mut changes: Vec<Change> = Vec::new();
    loop {
        let status = server.json(&format!("/skServer/plugins/{id}/status")).await;
        let state = status["state"].as_str().expect("a plugin has a state").to_owned();
        let crashes = status["crashCount"].as_u64().expect("crashes are counted");
        if changes.last().is_none_or(|last| (&last.state, last.crashes) != (&state, crashes)) {
            changes.push(Change { at: Instant::now(), state, crashes });
        }
        if changes.last().is_some_and(|last| last.state == "error") {
            return changes;
        }
        assert!(start.elapsed() < GIVING_UP, "the plugin is not given up: {changes:#?}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

#[tokio::test]
async fn a_plugin_that_crashes_in_polls_is_restarted_three_times() {
    crashes_while_the_stream_has_no_gap("crashOnPoll").await;
}

#[tokio::test]
async fn a_plugin_that_crashes_in_deltas_is_restarted_three_times() {
    crashes_while_the_stream_has_no_gap("crashOnDelta").await;
}

async fn crashes_while_the_stream_has_no_gap(setting: &str) {
    let server = demo().await;
    listed(&server, ANCHOR_WATCH, "running").await;
    listed(&server, TRUE_WIND, "running").await;
    let flowing = Continuity::start(&server).await;
    let mut notifications = Stream::connect(&server, "subscribe=none").await;
    notifications.subscribe("vessels.self", json!([{"path": "notifications.server.plugins.*"}])).await;

    let path = format!("/skServer/plugins/{ANCHOR_WATCH}/config");
    let answer = server.post(&path, &json!({"enabled": true, "configuration": {setting: true}})).await;
    assert!([200, 500].contains(&answer.status.as_u16()), "{}", answer.text);
    let changes = follow(&server, ANCHOR_WATCH).await;

    let crashed: Vec<_> =
        changes.iter().filter(|change| change.state == "crashed").map(|c| (c.crashes, c.at)).collect();
    for (crash, seconds) in [(1, 1), (2, 2), (3, 4)] {
        let backoff = Duration::from_secs(seconds);
        let Some((_, at)) = crashed.iter().find(|(crashes, _)| *crashes == crash) else {
            panic!("crash {crash} is not to be seen: {changes:#?}");
        };
        let back = changes.iter().find(|change| change.at > *at);
        let pause = back.expect("it went on, to the error in the end").at.duration_since(*at);
        // Slower is a matter of the machine; much slower is a broken promise.
        assert!(
            pause > backoff - BLUR && pause < backoff * 2 + BLUR,
            "{setting}: crash {crash}: {pause:?}\n{changes:#?}"
        );
    }
    assert_eq!(changes.last().map(|last| last.crashes), Some(4), "{setting}: {changes:#?}");

    let item = listed(&server, ANCHOR_WATCH, "error").await;
    assert_eq!(item["statusMessage"], "Plugin repeatedly crashing, automatic restart disabled");
    assert_eq!(item["data"]["enabled"], true, "what was saved stays");
    let raised = format!("notifications.server.plugins.{ANCHOR_WATCH}");
    let alert = notifications.wait_for_path(&raised).await;
    assert_eq!(alert.value["state"], "alert", "{alert:?}");
    server.logs().wait_for(&["ERROR", ANCHOR_WATCH, "repeatedly crashing"]).await;

    // Nobody else noticed.
    assert!(flowing.finish().await > 500);
    assert_eq!(listed(&server, TRUE_WIND, "running").await["id"], TRUE_WIND);
    assert_eq!(server.json(&format!("/skServer/plugins/{TRUE_WIND}/status")).await["crashCount"], 0);

    // A person can bring it back.
    let answer = server.post(&path, &json!({"enabled": true, "configuration": {}})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    listed(&server, ANCHOR_WATCH, "running").await;
}
