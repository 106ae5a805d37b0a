//! `windlass plugin check`: what is said of good and bad modules.

use serde_json::{Value as Json, json};
use windlass_tests::WatPlugin;

use super::{Outcome, package, temporary, tool, write};

fn check(module: &[u8], description: Json) -> Outcome {
    let place = temporary();
    package(place.path(), module, description);
    tool(&["check", place.path().to_str().expect("a temporary path is text")])
}

/// Checks a module alone.
fn check_module(module: &[u8]) -> Outcome {
    let place = temporary();
    let file = place.path().join("some.wasm");
    write(&file, module);
    tool(&["check", file.to_str().expect("a temporary path is text")])
}

#[test]
fn a_good_plugin_is_shown_and_runs() {
    let plugin = WatPlugin::echo("test.echo").env("sk_debug", "(param i32 i32)").poll(r#"(call $sk_debug @"tick")"#);
    let outcome = check(&plugin.wasm(), json!({"name": "@me/probe"}));
    outcome.shows(&[
        "@me/probe 1.2.3, id _me_probe",
        "buffer ABI",
        "memory: 4096 KiB to begin with, no bound of its own",
        "env.sk_handle_message",
        "(param i32 i32)",
        "needs dataWrite",
        "plugin_name     Probe",
        "plugin_schema   no settings",
        "debug: tick (×3)",
        r#"delta: {"updates":[{"values":[{"path":"test.echo","value":{"context":"vessels.urn:mrn:imo:mmsi:230099999""#,
        "It runs.",
    ]);
    outcome.succeeded();
}

#[test]
fn a_module_alone_tells_what_it_needs() {
    let plugin = WatPlugin::echo("test.echo")
        .env("sk_register_put_handler", "(param i32 i32 i32 i32) (result i32)")
        .start(r#"(drop (call $sk_register_put_handler @"vessels.self" @"a.b"))"#);
    let outcome = check_module(&plugin.wasm());
    outcome.shows(&[
        "capabilities that it needs: dataRead, dataWrite, putHandlers",
        "answers PUT of vessels.self a.b",
        "warning: it answers PUT of vessels.self a.b, but does not export handle_put_vessels_self_a_b",
    ]);
    outcome.succeeded();
}

#[test]
fn what_package_json_and_the_module_do_not_agree_on_is_said() {
    let plugin = WatPlugin::new()
        .env("sk_register_put_handler", "(param i32 i32 i32 i32) (result i32)")
        .start(r#"(drop (call $sk_register_put_handler @"vessels.self" @"a.b"))"#);
    let capabilities = json!({"rawSockets": true, "storage": "vfs-only", "dataRead": "yes", "telepathy": true});
    let outcome = check(&plugin.wasm(), json!({"wasmCapabilities": capabilities}));
    outcome.shows(&[
        "warning: the capability putHandlers is needed for sk_register_put_handler, but package.json does not declare it",
        "sk_register_put_handler is refused: it needs putHandlers",
        "warning: wasmCapabilities.dataRead is \"yes\"",
        "warning: wasmCapabilities.telepathy",
        "note: package.json declares the capability rawSockets, which the module does not use: it could be false",
        "note: package.json declares the capability storage, which the module does not use: it could be \"none\"",
    ]);
    outcome.succeeded();
}

#[test]
fn unknown_and_old_functions_are_named() {
    let plugin = WatPlugin::new()
        .env("sk_frobnicate", "(param i32) (result i32)")
        .env("sk_emit_delta", "(param i32 i32)")
        .poll(r#"(call $sk_emit_delta @'{"updates":[{}]}'@)"#);
    let outcome = check(&plugin.wasm(), json!({}));
    outcome.shows(&[
        "warning: env.sk_frobnicate is unknown to this server: calls give 0",
        "note: env.sk_emit_delta is an old name of sk_handle_message",
        "warning: it emits a delta that servers drop: an update has neither",
    ]);
    outcome.succeeded();
    let outcome = check(&WatPlugin::new().import("elsewhere", "sk_debug", "(param i32 i32)").wasm(), json!({}));
    outcome.shows(&["elsewhere.sk_debug", "does not exist: the module can't be loaded"]);
    assert!(outcome.failed().contains("elsewhere.sk_debug"));
}

#[test]
fn endpoints_and_schema_are_looked_at() {
    let plugin = WatPlugin::new()
        .body("plugin_schema", r#"(call $answer (local.get $to) @'{"properties":{"a":{"type":"number","default":"3"}}}'@)"#)
        .field(
            r#"(func (export "http_endpoints") (param $to i32) (param $room i32) (result i32)
                (call $answer (local.get $to) @'[{"method":"GET","path":"/x","handler":"nowhere"},{"method":"PATCH","path":"/y","handler":"plugin_name"},{"path":"/z"}]'@))"#,
        );
    let outcome = check(&plugin.wasm(), json!({}));
    outcome.shows(&[
        "warning: the setting \"a\" is of the type \"number\", but its default is a string",
        "http_endpoints  GET /x, PATCH /y",
        "warning: the endpoint GET /x names the handler nowhere",
        "warning: the endpoint PATCH /y is not mounted",
        "lacks method, path or handler",
        "note: package.json should declare the capability httpEndpoints",
    ]);
    outcome.succeeded();
    let plugin = WatPlugin::new().body("plugin_schema", r#"(call $answer (local.get $to) @"no JSON")"#);
    let outcome = check(&plugin.wasm(), json!({}));
    outcome.shows(&["warning: plugin_schema gives no JSON"]);
    outcome.succeeded();
}

#[test]
fn exports_of_a_wrong_type_are_named() {
    let plugin = WatPlugin::new().field(r#"(func (export "event_handler") (result i32) (i32.const 0))"#);
    let outcome = check(&plugin.wasm(), json!({}));
    outcome.shows(&["warning: event_handler is (result i32), but servers call it as (text: i32, len: i32)"]);
}

#[test]
fn what_can_not_run_fails_with_the_reason() {
    let endless = WatPlugin::new().body("plugin_name", "(loop $forever (br $forever)) (i32.const 0)");
    let component = b"\0asm\x0d\0\x01\0".to_vec();
    let lacking = wat::parse_str(
        "(module (memory (export \"memory\") 1) (func (export \"plugin_name\") (result i32) (i32.const 0)))",
    );
    for (module, reason) in [
        (component, "WebAssembly component"),
        (b"hello".to_vec(), "not a WebAssembly module"),
        (lacking.expect("a module"), "plugin_schema"),
        (WatPlugin::new().start("unreachable").wasm(), "plugin_start: trapped"),
        (WatPlugin::new().poll("unreachable").wasm(), "poll: trapped"),
        (WatPlugin::new().body("init", "unreachable").wasm(), "initialising the module failed"),
        (WatPlugin::new().body("plugin_start", "(i32.const 3)").wasm(), "error code 3"),
        (endless.wasm(), "still running after 2000 ms"),
        (WatPlugin::new().memory("60000").wasm(), "60000 pages"),
    ] {
        let outcome = check_module(&module);
        assert!(!outcome.out.contains("It runs."), "{}", outcome.out);
        let said = outcome.failed();
        assert!(said.contains("can't run") && said.contains(reason), "{said}");
    }
}

#[test]
fn a_configuration_can_be_given() {
    // It starts when its configuration is as long as this one.
    let config = r#"{"a":1,"enableDebug":false}"#;
    let picky = format!("(i32.ne (local.get $length) (i32.const {}))", config.len());
    let place = temporary();
    let file = place.path().join("picky.wasm");
    write(&file, WatPlugin::new().body("plugin_start", picky).wasm());
    let file = file.to_str().expect("a temporary path is text");
    assert!(tool(&["check", file]).failed().contains("--config"));
    tool(&["check", file, "--config", "{\"a\": 1}"]).succeeded();
    assert!(tool(&["check", file, "--config", "[]"]).failed().contains("no JSON object"));
}

#[test]
fn a_plugin_can_not_steer_the_terminal() {
    let plugin = WatPlugin::new().start("(call $sk_set_status @\"red \u{1b}[31m\")");
    let outcome = check(&plugin.wasm(), json!({}));
    outcome.shows(&["status: red \\u{1b}[31m"]);
    assert!(!outcome.out.contains('\u{1b}'));
}

#[test]
fn the_network_is_kept_off_unless_it_is_let_in() {
    let plugin = WatPlugin::new()
        .env("sk_has_capability", "(param i32 i32) (result i32)")
        .start(r#"(call $verdict (call $sk_has_capability @"network"))"#);
    let place = temporary();
    package(place.path(), &plugin.wasm(), json!({"wasmCapabilities": {"network": true}}));
    let path = place.path().to_str().expect("a temporary path is text");
    let outcome = tool(&["check", path]);
    outcome.shows(&["trial, without the network (--network lets it):", "status: held"]);
    let outcome = tool(&["check", path, "--network"]);
    outcome.shows(&["trial:\n", "status: ESCAPED"]);
    outcome.succeeded();
}

#[test]
fn what_is_no_package_is_named() {
    let place = temporary();
    let path = place.path().to_str().expect("a temporary path is text").to_owned();
    let check = || tool(&["check", &path]).failed();
    assert!(check().contains("no package.json"));
    for (text, reason) in [
        ("{", "can't be read as JSON"),
        ("{}", "no name"),
        (r#"{"name":"x"}"#, "signalk-wasm-plugin"),
        (r#"{"name":"x","keywords":["signalk-wasm-plugin"]}"#, "Missing wasmManifest"),
        (r#"{"name":"x","keywords":["signalk-wasm-plugin"],"wasmManifest":"../x.wasm"}"#, "outside"),
    ] {
        write(&place.path().join("package.json"), text);
        let said = check();
        assert!(said.contains(reason), "{said}");
    }
    assert!(tool(&["check", "/nonexistent.wasm"]).failed().contains("/nonexistent.wasm"));
}
