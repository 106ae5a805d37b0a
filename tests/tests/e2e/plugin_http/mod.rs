//! What plugins serve over HTTP: endpoints, files, web apps, and the PUT requests that they handle.

mod endpoints;
mod files;
mod put;
mod script;

use reqwest::Method;
use serde_json::{Value as Json, json};
use windlass_tests::{Answer, Server, ServerOptions, WatPlugin};

/// Short enough to wait for, long enough for a busy machine to come meanwhile.
const LIMITS: &str = "[plugins.limits.deadlines]\nrequest = 2000\n";

/// `allocate` with as much memory as there may be; an answer of megabytes needs it.
const ALLOCATE: &str = "(local $at i32) (local $missing i32)
    (local.set $at (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $size)))
    (local.set $missing (i32.sub (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
    (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
        (if (i32.eq (memory.grow (i32.add (i32.div_u (local.get $missing) (i32.const 65536)) (i32.const 1))) (i32.const -1))
            (then (return (i32.const 0))))))
    (local.get $at)";

/// A handler of the buffer ABI.
fn handler(name: &str, body: &str) -> String {
    format!(
        "(func (export \"{name}\") (param $at i32) (param $length i32) (param $to i32) (param $room i32) (result i32) {body})"
    )
}

/// One that always answers the same.
fn constant(name: &str, answer: &str) -> String {
    handler(name, &format!("(call $answer (local.get $to) @'{answer}'@)"))
}

fn declared(endpoints: &[(&str, &str, &str)]) -> String {
    let entry =
        |(method, path, handler): &(&str, &str, &str)| json!({"method": method, "path": path, "handler": handler});
    Json::Array(endpoints.iter().map(entry).collect()).to_string()
}

/// A plugin with endpoints: method, path and the name of the handler.
fn with_endpoints(endpoints: &[(&str, &str, &str)]) -> WatPlugin {
    let declared = declared(endpoints);
    WatPlugin::new().body("allocate", ALLOCATE).field(format!(
        "(func (export \"http_endpoints\") (param $to i32) (param i32) (result i32) (call $answer (local.get $to) @'{declared}'@))"
    ))
}

fn id(name: &str) -> String {
    name.replace(['@', '/'], "_")
}

/// Puts a package with a plugin into a configuration directory; `more` goes into its package.json.
fn install(options: ServerOptions, name: &str, wasm: Vec<u8>, more: Json) -> ServerOptions {
    let mut package = json!({"name": name, "version": "1.2.3", "wasmManifest": "plugin.wasm",
        "keywords": ["signalk-wasm-plugin"], "wasmCapabilities": {"httpEndpoints": true, "putHandlers": true}});
    let Json::Object(more) = more else { panic!("{more} is no object") };
    package.as_object_mut().expect("an object").extend(more);
    options
        .json_file(format!("node_modules/{name}/package.json"), &package)
        .file(format!("node_modules/{name}/plugin.wasm"), wasm)
        .json_file(format!("plugin-config-data/{}.json", id(name)), &json!({"enabled": true, "configuration": {}}))
}

fn options() -> ServerOptions {
    ServerOptions::new().vessel("Plugin tester", "230099999").file("windlass.toml", LIMITS)
}

async fn in_state(server: &Server, name: &str, state: &str) -> Json {
    server.eventually(&format!("/skServer/plugins/{}/status", id(name)), |status| status["state"] == state).await
}

/// Whether one of the plugin's notices has all of these words.
fn has_notice(status: &Json, words: &[&str]) -> bool {
    let notices = status["notices"].as_array().expect("a list");
    notices.iter().any(|notice| words.iter().all(|word| notice.as_str().is_some_and(|text| text.contains(word))))
}

async fn send(server: &Server, method: Method, path: &str, kind: &str, body: &str) -> Answer {
    let url = format!("http://{}{path}", server.address());
    let request = reqwest::Client::new().request(method, url).header("Content-Type", kind).body(body.to_owned());
    let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
    let (status, headers) = (answer.status(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.expect("a body") }
}
