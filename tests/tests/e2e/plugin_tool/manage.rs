//! `windlass plugin list|enable|disable|reload|logs`, with a running server and without.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::json;
use windlass_tests::{BETWEEN_LOOKS, Json, PATIENCE, Server, ServerOptions, WatPlugin};

use super::{Outcome, command, package, temporary, tool, write};

const ID: &str = "_me_probe";
const NAME: &str = "@me/probe";

fn module(name: &str) -> Vec<u8> {
    WatPlugin::new()
        .env("sk_debug", "(param i32 i32)")
        .body("plugin_name", format!("(call $answer (local.get $to) @\"{name}\")"))
        .start(r#"(call $sk_debug @"begun")"#)
        .poll(r#"(call $sk_debug @"tick")"#)
        .wasm()
}

fn description() -> Json {
    json!({
        "name": NAME, "version": "1.2.3", "wasmManifest": "plugin.wasm", "keywords": ["signalk-wasm-plugin"],
        "wasmCapabilities": {"dataWrite": true},
    })
}

async fn server(enabled: bool) -> Server {
    let server = ServerOptions::new()
        .json_file("node_modules/@me/probe/package.json", &description())
        .file("node_modules/@me/probe/plugin.wasm", module("Probe"))
        .json_file(format!("plugin-config-data/{ID}.json"), &json!({"enabled": enabled, "enableDebug": true}))
        .start()
        .await;
    let state = if enabled { "running" } else { "stopped" };
    server.eventually(&format!("/skServer/plugins/{ID}/status"), |status| status["state"] == state).await;
    server
}

/// A command about a plugin of this server.
fn ask(server: &Server, arguments: &[&str]) -> Outcome {
    let url = server.url("");
    tool(&[arguments, &["--url", &url]].concat())
}

#[tokio::test]
async fn a_running_server_is_asked() {
    let server = server(false).await;
    let list = ask(&server, &["list"]).succeeded();
    assert!(list.starts_with(&format!("{ID}  1.2.3  stopped")), "{list}");
    // By either name.
    for (plugin, action, state) in [
        (NAME, "enable", "running"),
        (ID, "disable", "stopped"),
        (ID, "enable", "running"),
        (NAME, "disable", "stopped"),
    ] {
        assert_eq!(ask(&server, &[action, plugin]).succeeded(), format!("{plugin}: {state}\n"));
        assert!(ask(&server, &["list"]).succeeded().contains(state));
        let saved = server.json(&format!("/skServer/plugins/{ID}/config")).await;
        assert_eq!(saved["enabled"], action == "enable", "{saved}");
    }
    for action in ["enable", "disable", "reload", "logs"] {
        let reason = ask(&server, &[action, "no/such"]).failed();
        assert!(reason.contains("no/such"), "{reason}");
    }
    let (url, gone) = (server.url(""), server.terminate().await);
    let reason = tool(&["list", "--url", &url]).failed();
    assert!(reason.contains("no server answers") && reason.contains("--url"), "{reason}");
    drop(gone);
}

#[tokio::test]
async fn a_plugin_is_enabled_with_consent() {
    let server = server(false).await;
    assert_eq!(ask(&server, &["enable", NAME, "--consent"]).succeeded(), format!("{NAME}: running\n"));
    // An upgrade that wants more.
    let mut wider = description();
    wider["wasmCapabilities"]["putHandlers"] = true.into();
    let directory = server.terminate().await.directory;
    write(&directory.path().join("node_modules/@me/probe/package.json"), wider.to_string());
    let server = ServerOptions::new().directory(&directory).start().await;
    let status =
        server.eventually(&format!("/skServer/plugins/{ID}/status"), |status| status["state"] == "error").await;
    assert!(status.to_string().contains("putHandlers"), "{status}");
    let reason = ask(&server, &["enable", ID]).failed();
    assert!(
        reason.contains("putHandlers") && reason.contains("windlass plugin enable _me_probe --consent"),
        "{reason}"
    );
    assert_eq!(ask(&server, &["enable", ID, "--consent"]).succeeded(), format!("{ID}: running\n"));
}

#[tokio::test]
async fn a_new_module_is_loaded_and_a_bad_one_is_refused() {
    let server = server(true).await;
    let file = server.directory().join("node_modules/@me/probe/plugin.wasm");
    write(&file, module("Second"));
    assert_eq!(ask(&server, &["reload", NAME]).succeeded(), format!("{NAME}: running\n"));
    assert_eq!(server.json(&format!("/skServer/plugins/{ID}")).await["name"], "Second");
    write(&file, "nothing");
    let reason = ask(&server, &["reload", ID]).failed();
    assert!(reason.contains("not a WebAssembly module"), "{reason}");
    assert_eq!(server.json(&format!("/skServer/plugins/{ID}/status")).await["state"], "running");
}

#[tokio::test]
async fn logs_are_shown_and_followed_until_nobody_reads() {
    let server = server(true).await;
    let logs = ask(&server, &["logs", NAME]).succeeded();
    assert!(logs.lines().any(|line| line.ends_with(" begun")), "{logs}");

    let mut follow = command();
    follow.args(["logs", "-f", ID, "--url", &server.url("")]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut following = follow.spawn().expect("the binary runs");
    let mut lines = BufReader::new(following.stdout.take().expect("it is piped")).lines();
    let mut ticks = 0;
    while ticks < 3 {
        let line = lines.next().expect("it goes on").expect("it writes UTF-8");
        ticks += usize::from(line.ends_with(" tick"));
    }
    // The next line finds nobody who reads it.
    drop(lines);
    let (success, err) = ended(following).await;
    assert!(success && err.is_empty(), "{err}");
}

/// How a command ended that must end by itself, and what it said was wrong.
async fn ended(mut child: Child) -> (bool, String) {
    let begin = std::time::Instant::now();
    while child.try_wait().expect("the child can be asked").is_none() {
        if begin.elapsed() > PATIENCE {
            child.kill().expect("the own child can be ended");
            panic!("it does not end");
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    let outcome = Outcome::of(child.wait_with_output().expect("it has ended"));
    (outcome.success, outcome.err)
}

#[test]
fn without_a_server_the_packages_are_listed_and_switched() {
    let place = temporary();
    // Nobody listens on this port.
    write(&place.path().join("settings.json"), r#"{"port":1}"#);
    let ask = |arguments: &[&str]| tool(&[arguments, &["--config-dir", place.path().to_str().unwrap()]].concat());
    ask(&["list"]).shows(&["(the server does not run)", "no plugins are installed"]);
    package(&place.path().join("node_modules/@me/probe"), &module("Probe"), description());
    package(&place.path().join("node_modules/odd"), b"", json!({"name": "odd", "wasmManifest": "../../x.wasm"}));
    let list = ask(&["list"]).succeeded();
    assert!(list.contains("_me_probe  1.2.3  disabled\n") && list.contains("lies outside the package"), "{list}");
    for (plugin, action, state) in [(NAME, "enable", "enabled"), (ID, "disable", "disabled")] {
        let said = ask(&[action, plugin]).succeeded();
        assert!(said.contains("when the server is started"), "{said}");
        assert!(ask(&["list"]).succeeded().contains(&format!("_me_probe  1.2.3  {state}")));
        let saved = std::fs::read(place.path().join("plugin-config-data/_me_probe.json")).unwrap();
        let saved: Json = serde_json::from_slice(&saved).unwrap();
        assert_eq!(saved["enabled"], state == "enabled", "{saved}");
    }
    let reason = ask(&["enable", "nothing"]).failed();
    assert!(reason.contains("\"nothing\""), "{reason}");
    for arguments in [&["reload", ID][..], &["logs", ID], &["enable", ID, "--consent"]] {
        let reason = ask(arguments).failed();
        assert!(reason.contains("no server answers"), "{reason}");
    }
}
