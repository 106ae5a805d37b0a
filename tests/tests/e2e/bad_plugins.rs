//! Plugins that are broken or hostile: they are listed with the reason, and nobody else is disturbed.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use windlass_tests::{Continuity, Server, ServerOptions};

/// Short deadlines, and four times the memory that the fixtures begin with.
const LIMITS: &str = "[plugins.limits]\nmemoryBytes = 16777216\n[plugins.limits.deadlines]\ninitialize = 250\nmetadata = 250\n\
                      start = 250\nstop = 250\npoll = 250\ndelta = 250\n";
/// What a plugin says that is given up.
const GIVEN_UP: &str = "Plugin repeatedly crashing, automatic restart disabled";

const TRAP: &str = "unreachable";
const LOOP: &str = "(loop $forever (br $forever)) unreachable";
/// Takes memory until there is no more, as a leak does, and then fails, as an allocator does.
const GROW: &str = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";

/// The exports of a plugin with the buffer ABI: name, type, and a body that does it right. `initialize` is called by
/// the start section.
const EXPORTS: [(&str, &str, &str); 9] = [
    ("initialize", "", "nop"),
    ("_initialize", "", "nop"),
    (
        "allocate",
        "(param $size i32) (result i32)",
        "(global.get $free) (global.set $free (i32.add (global.get $free) (local.get $size)))",
    ),
    (
        "plugin_name",
        "(param $to i32) (param i32) (result i32)",
        "(i32.store8 (local.get $to) (i32.const 66)) (i32.const 1)",
    ),
    (
        "plugin_schema",
        "(param $to i32) (param i32) (result i32)",
        "(i32.store16 (local.get $to) (i32.const 0x7d7b)) (i32.const 2)",
    ),
    ("plugin_start", "(param i32 i32) (result i32)", "(i32.const 0)"),
    ("plugin_stop", "(result i32)", "(i32.const 0)"),
    ("poll", "(result i32)", "(i32.const 0)"),
    ("delta_handler", "(param i32 i32)", "nop"),
];

/// A plugin whose named export has this body instead of the right one.
fn module(changed: &str, body: &str) -> Vec<u8> {
    let mut text = String::from("(module (memory (export \"memory\") 64) (global $free (mut i32) (i32.const 1024))");
    for (name, kind, right) in EXPORTS {
        let body = if name == changed { body } else { right };
        write!(text, "(func ${name} (export \"{name}\") {kind} {body})").expect("a String takes everything");
    }
    text.push_str("(start $initialize))");
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// A configuration directory with installed, enabled plugins.
struct Packages(ServerOptions);

impl Packages {
    fn new() -> Self {
        Self(ServerOptions::new().file("windlass.toml", LIMITS))
    }

    fn add(self, name: &str, wasm: Option<&[u8]>) -> Self {
        let package = json!({"name": name, "version": "1.0.0", "wasmManifest": "plugin.wasm",
            "keywords": ["signalk-node-server-plugin", "signalk-wasm-plugin"],
            "wasmCapabilities": {"dataRead": true, "dataWrite": true, "storage": "none"}});
        self.add_described(name, package.to_string(), wasm)
    }

    fn add_described(self, name: &str, package_json: String, wasm: Option<&[u8]>) -> Self {
        let folder = format!("node_modules/{name}");
        let enabled = json!({"enabled": true, "configuration": {}});
        let mut options = self
            .0
            .file(format!("{folder}/package.json"), package_json)
            .json_file(format!("plugin-config-data/{name}.json"), &enabled);
        if let Some(wasm) = wasm {
            options = options.file(format!("{folder}/plugin.wasm"), wasm);
        }
        Self(options)
    }
}

/// The plugin's status, once it is as wanted.
async fn status(server: &Server, id: &str, wanted: impl Fn(&Json) -> bool) -> Json {
    server.eventually(&format!("/skServer/plugins/{id}/status"), wanted).await
}

fn text<'a>(status: &'a Json, key: &str) -> &'a str {
    status[key].as_str().unwrap_or_default()
}

#[tokio::test]
async fn what_is_no_usable_module_is_listed_with_the_reason() {
    let good = module("", "");
    let component = b"\0asm\x0d\0\x01\0";
    let stranger = wat::parse_str("(module (import \"env\" \"launch_rocket\" (func)) (memory (export \"memory\") 1))");
    let nothing = wat::parse_str("(module)").expect("a module");
    let too_much = wat::parse_str("(module (memory (export \"memory\") 65000))").expect("a module");
    let cases: Vec<(&str, Option<Vec<u8>>, &str)> = vec![
        ("no-wasm", Some(b"this is a text".to_vec()), "not a WebAssembly module"),
        ("empty", Some(Vec::new()), "not a WebAssembly module"),
        ("truncated", Some(good[..good.len() / 2].to_vec()), "damaged"),
        ("garbage", Some([&good[..8], &[0xff; 64]].concat()), "damaged"),
        ("component", Some(component.to_vec()), "component"),
        ("stranger", Some(stranger.expect("a module")), "not a plugin"),
        ("nothing", Some(nothing), "does not export"),
        ("too-much-memory", Some(too_much), "memory"),
        ("missing", None, "does not exist"),
    ];
    let mut packages = Packages::new().add("good", Some(&good));
    for (name, wasm, _) in &cases {
        packages = packages.add(name, wasm.as_deref());
    }
    let no_manifest = json!({"name": "no-manifest", "keywords": ["signalk-wasm-plugin"]}).to_string();
    let escaping =
        json!({"name": "escaping", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "../../baseDeltas.json"});
    let server = packages
        .add_described("no-manifest", no_manifest, None)
        .add_described("escaping", escaping.to_string(), None)
        .add_described("broken-json", "{\"name\": \"broken-json\", \"keywords\": [\"signalk-wasm-plugin\"".into(), None)
        .add_described("no-plugin", json!({"name": "no-plugin", "main": "index.js"}).to_string(), None)
        .0
        .start()
        .await;
    let mut flowing = Continuity::start(&server).await;
    let others = [("no-manifest", "wasmManifest"), ("escaping", "outside"), ("broken-json", "JSON")];
    let all = cases.iter().map(|(name, _, reason)| (*name, *reason)).chain(others);
    for (name, reason) in all.clone() {
        let status = status(&server, name, |status| status["state"] == "error").await;
        assert!(text(&status, "errorMessage").contains(reason), "{name}: {status}");
        assert!(!text(&status, "statusMessage").is_empty(), "{name}: {status}");
        server.logs().wait_for(&["ERROR", name]).await;
    }
    status(&server, "good", |status| status["state"] == "running").await;
    let list = server.json("/skServer/plugins").await;
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), all.count() + 1, "the good one too, but no package that is no plugin");
    flowing.flows_on(50).await;
    flowing.finish().await;
}

/// Runs one plugin for each export, with that export broken, and sees that each ends where it should.
async fn every_export_is(body: &str, reason: &str) {
    let name_of = |export: &str| format!("bad-{}", export.replace('_', "-"));
    let mut packages = Packages::new().add("good", Some(&module("", "")));
    for (export, ..) in EXPORTS {
        packages = packages.add(&name_of(export), Some(&module(export, body)));
    }
    let server = packages.0.start().await;
    // Its deltas are what the plugins get.
    let mut flowing = Continuity::start(&server).await;
    for (export, ..) in EXPORTS {
        let name = name_of(export);
        if export == "plugin_stop" {
            status(&server, &name, |status| status["state"] == "running").await;
            server.post(&format!("/skServer/plugins/{name}/disable"), &json!({})).await;
            let status = status(&server, &name, |status| status["state"] == "error").await;
            assert!(text(&status, "errorMessage").contains("plugin_stop"), "{status}");
        } else {
            let crashed = status(&server, &name, |status| status["crashCount"].as_u64() >= Some(1)).await;
            assert!(["crashed", "starting", "running", "error"].contains(&text(&crashed, "state")), "{crashed}");
        }
        server.logs().wait_for(&["ERROR", &name, reason]).await;
    }
    for (export, ..) in EXPORTS.iter().filter(|(export, ..)| *export != "plugin_stop") {
        let given_up = status(&server, &name_of(export), |status| status["state"] == "error").await;
        assert_eq!((&given_up["errorMessage"], &given_up["crashCount"]), (&json!(GIVEN_UP), &json!(4)), "{export}");
    }
    let good = status(&server, "good", |status| status["state"] == "running").await;
    assert_eq!(good["crashCount"], 0);
    flowing.flows_on(50).await;
    flowing.finish().await;
    let ended = server.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.logs.tail());
}

#[tokio::test]
async fn a_plugin_that_traps_in_any_export() {
    every_export_is(TRAP, "trapped").await;
}

#[tokio::test]
async fn a_plugin_that_loops_forever_in_any_export() {
    every_export_is(LOOP, "still running after 250 ms").await;
}

#[tokio::test]
async fn a_plugin_that_grows_its_memory_without_end() {
    let leak = "(drop (memory.grow (i32.const 64))) (i32.const 0)";
    let server = Packages::new()
        .add("glutton", Some(&module("poll", GROW)))
        .add("leak", Some(&module("poll", leak)))
        .0
        .start()
        .await;
    let mut flowing = Continuity::start(&server).await;
    server.logs().wait_for(&["ERROR", "glutton", "memory"]).await;
    let given_up = status(&server, "glutton", |status| status["state"] == "error").await;
    assert_eq!(given_up["errorMessage"], GIVEN_UP);
    // A plugin that only holds what it gets stays below the cap.
    let held = status(&server, "leak", |status| status["memoryBytes"].as_u64() >= Some(16 * 1024 * 1024)).await;
    assert_eq!((&held["state"], &held["memoryBytes"]), (&json!("running"), &json!(16 * 1024 * 1024)));
    let consumers = server.statistics().await["broker"]["consumers"].clone();
    assert!(consumers.is_array(), "{consumers}");
    flowing.flows_on(50).await;
    flowing.finish().await;
}
