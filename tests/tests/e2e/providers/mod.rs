//! Resources, weather data, radars and binary streams of plugins.

mod acl;
mod failures;
mod guest;
mod radars;
mod resources;
mod streams;
mod weather;

use reqwest::Method;
use serde_json::{Value as Json, json};
use windlass_tests::{Server, ServerOptions};

use guest::Guest;

const ID: &str = "5a3f2b1c-0d9e-4c8b-9a7f-1234567890ab";
const OTHER: &str = "6a3f2b1c-0d9e-4c8b-9a7f-1234567890ab";

/// Installs and enables a plugin that may provide everything.
fn install(options: ServerOptions, name: &str, id: &str, guest: &Guest) -> ServerOptions {
    let capabilities = json!({"resourceProvider": true, "weatherProvider": true, "radarProvider": true});
    install_restricted(options, name, guest, &capabilities)
        .json_file(format!("plugin-config-data/{id}.json"), &json!({"enabled": true, "configuration": {}}))
}

/// Installs a plugin that may do this, without enabling it.
fn install_restricted(options: ServerOptions, name: &str, guest: &Guest, capabilities: &Json) -> ServerOptions {
    let package = json!({"name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
        "wasmManifest": "plugin.wasm", "wasmCapabilities": capabilities});
    options
        .json_file(format!("node_modules/{name}/package.json"), &package)
        .file(format!("node_modules/{name}/plugin.wasm"), guest.wasm())
}

async fn until_running(server: &Server, id: &str) {
    server.eventually(&format!("/skServer/plugins/{id}/status"), |status| status["state"] == "running").await;
}

async fn put(server: &Server, path: &str, body: &Json) -> (u16, Json) {
    let answer = server.request(Method::PUT, path, &[], Some(body.to_string())).await;
    (answer.status.as_u16(), answer.json())
}

async fn delete(server: &Server, path: &str) -> u16 {
    server.request(Method::DELETE, path, &[], None).await.status.as_u16()
}

fn failed(status: u16, message: &str) -> (u16, Json) {
    (status, json!({"state": "FAILED", "statusCode": status, "message": message}))
}

fn completed(status: u16, message: &str) -> (u16, Json) {
    (status, json!({"state": "COMPLETED", "statusCode": status, "message": message}))
}

/// Keeps one waypoint, and shows what a list of the type `echo` was asked with.
fn keeper() -> Guest {
    Guest::new("(drop (call $resources @waypoints)) (drop (call $resources @echo)) (drop (call $weather @display))")
        .text("waypoints", "waypoints")
        .text("echo", "echo")
        .text("display", "Test weather")
        .text("asked", r#"{"asked":"#)
        .text("end", "}")
        .text("colon", ":")
        .text("open", "{")
        .text("echotype", r#""resourceType":"echo"}"#)
        .text("refuse", "refuse me")
        .text("full", "disk full")
        .text("unknown", r#"{"error":"no such resource"}"#)
        .text("observation", r#"[{"type":"observation","asked":"#)
        .text("daily", r#"[{"type":"point"},{"type":"daily","asked":"#)
        .text("close", "}]")
        .handler(
            "resources_list_resources",
            "(if (call $has @echotype) (then (call $put @asked) (call $request) (call $put @end))
             (else (if (global.get $kept)
                (then (call $put @open) (call $put_id) (call $put @colon) (call $put_value) (call $put @end)))))",
        )
        .handler("resources_get_resource", "(if (call $stored) (then (call $put_value)) (else (call $put @unknown)))")
        .handler("resources_set_resource", "(if (call $has @refuse) (then (call $put @full)) (else (call $keep)))")
        .handler(
            "resources_delete_resource",
            "(if (call $stored) (then (global.set $kept (i32.const 0))) (else (call $put @unknown)))",
        )
        .handler("weather_get_observations", "(call $put @observation) (call $request) (call $put @close)")
        .handler("weather_get_forecasts", "(call $put @daily) (call $request) (call $put @close)")
}

/// Provides waypoints, has none, and takes none.
fn refuser() -> Guest {
    Guest::new("(drop (call $resources @waypoints))")
        .text("waypoints", "waypoints")
        .text("full", "disk full")
        .text("unknown", r#"{"error":"no such resource"}"#)
        .handler("resources_list_resources", "")
        .handler("resources_get_resource", "(call $put @unknown)")
        .handler("resources_set_resource", "(call $put @full)")
        .handler("resources_delete_resource", "(call $put @full)")
}

fn waypoint(name: &str) -> Json {
    json!({"name": name, "feature": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [24.5, 60]}}})
}
