//! New modules for running plugins, while deltas flow.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value as Json, json};
use windlass_tests::{Counter, Server, ServerOptions, Stream, WatPlugin};

const ID: &str = "echo";
const COUNTER: &str = "test.counter";
const RELOADS: usize = 100;
/// 500 deltas a second, more than the busiest boat network has.
const PERIOD: Duration = Duration::from_millis(2);

fn module(name: &str) -> Vec<u8> {
    WatPlugin::echo("test.echo").body("plugin_name", format!("(call $answer (local.get $to) @\"{name}\")")).wasm()
}

async fn server_with_echo() -> Server {
    let package = json!({
        "name": ID, "version": "1.0.0", "wasmManifest": "plugin.wasm", "keywords": ["signalk-wasm-plugin"],
        "signalk": {"wasm": {"subscriptions": [COUNTER]}},
    });
    let server = ServerOptions::new()
        .json_file("node_modules/echo/package.json", &package)
        .file("node_modules/echo/plugin.wasm", module("Echo 0"))
        .json_file("plugin-config-data/echo.json", &json!({"enabled": true, "configuration": {}}))
        .start()
        .await;
    server.eventually("/skServer/plugins/echo/status", |status| status["state"] == "running").await;
    server
}

fn module_file(server: &Server) -> PathBuf {
    server.directory().join("node_modules/echo/plugin.wasm")
}

async fn name_of(server: &Server) -> Json {
    server.json("/skServer/plugins/echo").await["name"].clone()
}

#[tokio::test]
async fn a_hundred_reloads_lose_nothing_and_keep_the_order() {
    // ABI-89
    let server = server_with_echo().await;
    let mut echoes = Stream::connect(&server, "subscribe=none").await;
    echoes.subscribe("vessels.self", json!([{"path": "test.echo", "policy": "instant"}])).await;
    let counter = Counter::start(&server, "reload.counter", COUNTER, PERIOD).await;
    for reload in 1..=RELOADS {
        let name = format!("Echo {}", reload % 7);
        std::fs::write(module_file(&server), module(&name)).expect("the module can be replaced");
        let answer = server.post("/skServer/plugins/echo/reload", &json!({})).await;
        assert_eq!(answer.status, 200, "reload {reload}: {}", answer.text);
        assert_eq!(name_of(&server).await, json!(name), "reload {reload}");
    }
    let sent = counter.stop().await;
    for expected in 1..=sent {
        let value = echoes.wait_for_path("test.echo").await;
        let number = &value.value["updates"][0]["values"][0]["value"];
        assert_eq!((number, value.source.as_str()), (&json!(expected), ID), "of {sent}");
    }
    let status = server.json("/skServer/plugins/echo/status").await;
    assert_eq!((&status["droppedDeltas"], &status["crashCount"]), (&json!(0), &json!(0)), "{status}");
    assert_eq!(status["statusMessage"], "Reloaded successfully");
}

#[tokio::test]
async fn a_module_that_is_none_leaves_the_old_one_running() {
    // ABI-89
    let server = server_with_echo().await;
    let trapping = WatPlugin::echo("test.echo").body("plugin_start", "unreachable").wasm();
    for (bad, reason) in [(b"no module at all".to_vec(), "not a WebAssembly module"), (trapping, "plugin_start")] {
        std::fs::write(module_file(&server), bad).expect("the module can be replaced");
        let answer = server.post("/skServer/plugins/echo/reload", &json!({})).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert!(answer.json()["error"].as_str().is_some_and(|error| error.contains(reason)), "{}", answer.text);
        let status = server.eventually("/skServer/plugins/echo/status", |status| status["state"] == "running").await;
        assert_eq!(status["crashCount"], 0, "{status}");
        let mut echoes = Stream::connect(&server, "subscribe=none").await;
        echoes.subscribe("vessels.self", json!([{"path": "test.echo", "policy": "instant"}])).await;
        let counter = Counter::start(&server, "reload.counter", COUNTER, PERIOD).await;
        echoes.wait_for("a further echo", |value| value.value["updates"][0]["values"][0]["value"] == 5).await;
        counter.stop().await;
    }
    let answer = server.post("/skServer/plugins/no-such-plugin/reload", &json!({})).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
}
