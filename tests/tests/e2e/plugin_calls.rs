//! What a running plugin is called with, and what its calls do: polls, version 2 deltas, server events.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use windlass_tests::{Server, ServerOptions, Stream, WatPlugin};

const ID: &str = "probe";

async fn running(plugin: &WatPlugin, capabilities: Json) -> Server {
    let package = json!({
        "name": ID, "version": "1.0.0", "wasmManifest": "plugin.wasm", "keywords": ["signalk-wasm-plugin"],
        "wasmCapabilities": capabilities,
    });
    let server = ServerOptions::new()
        .json_file("node_modules/probe/package.json", &package)
        .file("node_modules/probe/plugin.wasm", plugin.wasm())
        .json_file("plugin-config-data/probe.json", &json!({"enabled": true, "configuration": {}}))
        .start()
        .await;
    server.eventually("/skServer/plugins/probe/status", |status| status["state"] == "running").await;
    server
}

/// A delta with one value, as text in the module.
fn delta(path: &str, value: &str) -> String {
    format!("@'{{\"updates\":[{{\"values\":[{{\"path\":\"{path}\",\"value\":{value}}}]}}]}}'@")
}

#[tokio::test]
async fn poll_comes_once_a_second_beginning_a_second_after_the_start() {
    // ABI-45
    let emits = |path| format!("(call $sk_handle_message {})", delta(path, "1"));
    let plugin = WatPlugin::new()
        .env("sk_handle_message", "(param i32 i32)")
        .start(emits("test.start"))
        .poll(emits("test.poll"));
    let server = running(&plugin, json!({})).await;
    let mut stream = Stream::connect(&server, "subscribe=all").await;
    let mut when = Vec::new();
    let started = stream.wait_for_path("test.start").await;
    for _ in 0..4 {
        let frame = stream.wait_for_path("test.poll").await;
        when.push(frame.timestamp.parse::<Timestamp>().expect("a timestamp"));
    }
    let first: Timestamp = started.timestamp.parse().expect("a timestamp");
    let seconds = |from: Timestamp, to: Timestamp| (to - from).total(jiff::Unit::Second).expect("seconds");
    assert!(seconds(first, when[0]) > 0.9, "the first poll came {} s after the start", seconds(first, when[0]));
    // Late ones are not made up for: it may take longer on a busy machine, never less.
    assert!(seconds(when[0], when[3]) > 2.8, "four polls within {} s", seconds(when[0], when[3]));
    server.post("/skServer/plugins/probe/disable", &json!({})).await;
    let stopped = server.eventually("/skServer/plugins/probe/status", |status| status["state"] == "stopped").await;
    assert_eq!(stopped["memoryBytes"], 0, "there is nothing left to poll: {stopped}");
}

#[tokio::test]
async fn a_delta_of_version_2_is_streamed_but_not_in_the_tree() {
    // ABI-26, ABI-35
    let plugin = WatPlugin::new().env("sk_handle_message", "(param i32 i32 i32)").poll(format!(
        "(call $sk_handle_message {} (i32.const 2)) (call $sk_handle_message {} (i32.const 1)) \
         (call $sk_handle_message {} (i32.const 0))",
        delta("test.two", "2"),
        delta("test.one", "1"),
        delta("test.zero", "0"),
    ));
    let server = running(&plugin, json!({})).await;
    let mut stream = Stream::connect(&server, "subscribe=all").await;
    for (path, value) in [("test.two", 2), ("test.one", 1), ("test.zero", 0)] {
        let seen = stream.wait_for_path(path).await;
        assert_eq!((seen.value, seen.source.as_str()), (json!(value), ID));
    }
    assert_eq!(server.tree("vessels/self/test/one/value").await, 1);
    assert_eq!(server.tree("vessels/self/test/zero/value").await, 0);
    assert_eq!(server.tree_status("vessels/self/test/two").await, 404);
}

#[tokio::test]
async fn server_events_reach_plugins_that_ask_for_them_and_come_from_them() {
    let plugin = WatPlugin::new()
        .env("sk_subscribe_events", "(param i32 i32) (result i32)")
        .env("sk_emit_event", "(param i32 i32 i32 i32) (result i32)")
        .start("(drop (call $sk_subscribe_events @'[\"PLUGIN_HELLO\"]'@))")
        .poll("(drop (call $sk_emit_event @\"HELLO\" @'{\"greeting\":\"ahoy\"}'@))")
        .field("(func (export \"event_handler\") (param i32 i32) (call $sk_set_status @\"heard it\"))");
    let server = running(&plugin, json!({"serverEvents": true})).await;
    let mut stream = Stream::connect(&server, "subscribe=none&serverevents=all").await;
    let event = stream.wait_for_frame("the plugin's event", |frame| frame["type"] == "PLUGIN_HELLO").await;
    assert_eq!(event, json!({"type": "PLUGIN_HELLO", "from": ID, "data": {"greeting": "ahoy"}}));
    server.eventually("/skServer/plugins/probe/status", |status| status["statusMessage"] == "heard it").await;
}

#[tokio::test]
async fn server_events_need_the_capability() {
    let plugin = WatPlugin::new()
        .env("sk_emit_event", "(param i32 i32 i32 i32) (result i32)")
        .poll("(call $must_be (i32.const 0) (call $sk_emit_event @\"HELLO\" @\"1\"))");
    let server = running(&plugin, json!({})).await;
    server.eventually("/skServer/plugins/probe/status", |status| status["statusMessage"] == "held").await;
}

#[tokio::test]
async fn what_the_module_calls_itself_does_not_matter() {
    // ABI-12
    let plugin = WatPlugin::new().field(
        "(func (export \"plugin_id\") (param $to i32) (param $room i32) (result i32)
            (call $answer (local.get $to) @\"somebody-else\"))",
    );
    let server = running(&plugin, json!({})).await;
    let list = server.json("/skServer/plugins").await;
    assert_eq!((&list[0]["id"], list.as_array().map(Vec::len)), (&json!(ID), Some(1)), "{list}");
    assert_eq!(server.get("/skServer/plugins/somebody-else").await.status, 404);
}
