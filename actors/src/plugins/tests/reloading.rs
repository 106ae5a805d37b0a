//! New modules for running plugins (§7.3, 7.4).

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{PluginError, PluginManager};
use super::guest::GuestSource;
use super::server::{Server, delta, patiently};

fn enabled() -> Value {
    json!({"enabled": true, "configuration": {"kept": 1}})
}

fn only_input() -> Value {
    json!({"signalk": {"wasm": {"subscriptions": ["input.*"]}}})
}

/// Reports every delta, and says which module it is.
fn reporter(name: &str) -> GuestSource {
    GuestSource::new()
        .text("name", name)
        .text("module", format!("{name:?}"))
        .report("started", "test.started")
        .report("seen", "test.seen")
        .start("(call $report @started @module) (i32.const 0)")
        .delta_handler("(call $report @seen (local.get $at) (local.get $len))")
}

fn numbers(seen: &[Value]) -> Vec<u64> {
    seen.iter().map(|delta| delta["updates"][0]["values"][0]["value"].as_u64().expect("a number")).collect()
}

async fn running(server: &Server, id: &str) -> PluginManager {
    let manager = server.manager();
    server.until_state(&manager, id, "running").await;
    manager
}

#[actix::test]
async fn a_hundred_reloads_lose_nothing_and_keep_the_order() {
    // ABI-89
    let mut server = Server::new().await;
    server.settings.limits.emitted_deltas_per_second = 1_000_000;
    let modules = [reporter("One").wasm(), reporter("Two").wasm()];
    server.install_bytes("echo", &modules[0], only_input());
    server.configure("echo", enabled());
    let manager = running(&server, "echo").await;
    let mut sent = 0;
    for round in 1..=100 {
        server.install_bytes("echo", &modules[round % 2], only_input());
        let reloading = actix::spawn({
            let manager = manager.clone();
            async move { manager.reload("echo").await }
        });
        // As long as it takes, as fast as it goes; but never more than a queue holds.
        let mut burst = 0;
        while !reloading.is_finished() || burst == 0 {
            if burst < 100 {
                server.publish(delta("input.n", json!(sent))).await;
                sent += 1;
                burst += 1;
            } else {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(reloading.await.expect("no panic"), Ok(()), "round {round}");
        let name = manager.info("echo").await.expect("a plugin")["name"].clone();
        assert_eq!(name, ["One", "Two"][round % 2]);
        server.values("test.seen", sent).await;
    }
    assert_eq!(numbers(&server.values_so_far("test.seen")), (0..sent as u64).collect::<Vec<_>>());
    let status = manager.status("echo").await.expect("a plugin");
    assert_eq!((&status["droppedDeltas"], &status["crashCount"]), (&json!(0), &json!(0)), "{status}");
    assert_eq!((&status["statusMessage"], &status["state"]), (&json!("Reloaded successfully"), &json!("running")));
    assert_eq!(server.values_so_far("test.started").len(), 101);
    manager.stop_all().await;
}

#[actix::test]
async fn of_1200_deltas_during_a_reload_the_newest_thousand_are_replayed() {
    // ABI-90
    let mut server = Server::new().await;
    server.settings.limits.emitted_deltas_per_second = 1_000_000;
    server.install("echo", &reporter("Old"), only_input());
    server.configure("echo", enabled());
    let manager = running(&server, "echo").await;
    // The new module takes its time to start: it waits for the last of the deltas to be in the data model.
    let slow = reporter("New").text("path", "input.n").start(
        r#"(loop $wait
             (br_if $wait (i32.ne (call $get @path (i32.const 65536) (i32.const 100)) (i32.const 4)))
             (br_if $wait (i32.ne (i32.load (i32.const 65536)) (i32.const 0x39393131))))
           (i32.const 0)"#,
    );
    server.install("echo", &slow, only_input());
    let mut changes = server.listen();
    let reloading = actix::spawn({
        let manager = manager.clone();
        async move { manager.reload("echo").await }
    });
    loop {
        let event = patiently(changes.recv()).await.flatten().expect("an event");
        if event["data"][0]["state"] == "starting" {
            break;
        }
    }
    // The plugin has reported that it starts just before it tells the broker; the broker has heard it when it counts as buffering.
    while manager.statistics().await["bufferingPlugins"] != 1 {
        tokio::task::yield_now().await;
    }
    for n in 0..1200 {
        server.publish(delta("input.n", json!(n))).await;
    }
    assert_eq!(reloading.await.expect("no panic"), Ok(()));
    let seen = server.values("test.seen", 1000).await;
    assert_eq!(numbers(&seen), (200..1200).collect::<Vec<_>>());
    let status = manager.status("echo").await.expect("a plugin");
    assert_eq!(status["droppedDeltas"], 200, "{status}");
    manager.stop_all().await;
}

#[actix::test]
async fn a_module_that_is_no_good_changes_nothing() {
    // ABI-89
    let mut server = Server::new().await;
    server.install("echo", &reporter("Old"), only_input());
    server.configure("echo", enabled());
    let manager = running(&server, "echo").await;
    let trapping = reporter("New").start("(unreachable)");
    let refusing = reporter("New").start("(i32.const 7)");
    let mut sent = 0;
    let mut starts = 1;
    for (wasm, reason, restarts) in [
        (b"#!/bin/sh".to_vec(), "not a WebAssembly module", 0),
        (reporter("New").export("_initialize", "(unreachable)").wasm(), "trapped", 0),
        (trapping.wasm(), "plugin_start: trapped", 1),
        (refusing.wasm(), "Plugin start() returned error code: 7", 1),
    ] {
        server.install_bytes("echo", &wasm, only_input());
        let error = manager.reload("echo").await.expect_err("refused");
        assert!(matches!(&error, PluginError::Invalid(text) if text.contains(reason)), "{error:?}");
        let status = manager.status("echo").await.expect("a plugin");
        assert_eq!((&status["state"], &status["crashCount"]), (&json!("running"), &json!(0)), "{status}");
        assert_eq!(manager.info("echo").await.expect("a plugin")["name"], "Old");
        server.publish(delta("input.n", json!(sent))).await;
        sent += 1;
        assert_eq!(numbers(&server.values("test.seen", sent).await).len(), sent);
        starts += restarts;
        assert_eq!(server.values("test.started", starts).await.len(), starts, "{reason}");
    }
    fs::remove_file(server.settings.roots[0].join("echo/plugin.wasm")).expect("removed");
    let error = manager.reload("echo").await.expect_err("refused").to_string();
    assert!(error.contains("does not exist"), "{error}");
    assert_eq!(manager.reload("none").await, Err(PluginError::Unknown("none".into())));
    manager.stop_all().await;
}

#[actix::test]
async fn a_reload_takes_over_what_the_package_says() {
    // ABI-89
    let mut server = Server::new().await;
    let configured =
        |name| reporter(name).start("(call $report @started (local.get $at) (local.get $len)) (i32.const 0)");
    server.install("echo", &configured("Old"), only_input());
    server.configure("echo", enabled());
    let manager = running(&server, "echo").await;
    let more = json!({
        "version": "2.0.0", "wasmCapabilities": {"dataRead": true},
        "signalk": {"wasm": {"subscriptions": ["other.*"]}},
    });
    let new = configured("New").text("schema", r#"{"type":"object","properties":{"a":{"type":"number"}}}"#);
    server.install("echo", &new, more);
    assert_eq!(manager.reload("echo").await, Ok(()));
    let item = manager.list().await[0].clone();
    assert_eq!((&item["name"], &item["version"]), (&json!("New"), &json!("2.0.0")));
    assert!(item["schema"]["properties"]["a"].is_object(), "{item}");
    let started = server.values("test.started", 2).await;
    assert_eq!(started[1], json!({"kept": 1, "enableDebug": false}), "with the saved configuration");
    server.publish(delta("input.n", json!(1))).await;
    server.publish(delta("other.n", json!(2))).await;
    assert_eq!(numbers(&server.values("test.seen", 1).await), [2]);
    manager.stop_all().await;
}

#[actix::test]
async fn a_broken_plugin_is_mended_by_a_reload() {
    let mut server = Server::new().await;
    server.install("absent", &reporter("Mended"), json!({"wasmManifest": "later.wasm"}));
    server.install_bytes("damaged", b"nonsense", json!({}));
    server.install("crashing", &reporter("Old").start("(unreachable)"), json!({}));
    server.install("off", &reporter("Old"), json!({}));
    for id in ["absent", "damaged", "crashing"] {
        server.configure(id, enabled());
    }
    let manager = server.manager();
    for (id, state) in [("absent", "error"), ("damaged", "error"), ("crashing", "crashed"), ("off", "stopped")] {
        server.until_state(&manager, id, state).await;
        server.install(id, &reporter("Mended"), json!({}));
        assert_eq!(manager.reload(id).await, Ok(()), "{id}");
        let status = manager.status(id).await.expect("a plugin");
        let expected = if id == "off" { "stopped" } else { "running" };
        assert_eq!((&status["state"], &status["errorMessage"]), (&json!(expected), &Value::Null), "{status}");
        assert_eq!(manager.info(id).await.expect("a plugin")["name"], "Mended");
    }
    assert_eq!(server.values("test.started", 3).await.len(), 3);
    manager.stop_all().await;
}

#[actix::test]
async fn a_crashed_plugin_keeps_its_module_when_the_new_one_is_no_better() {
    let server = Server::new().await;
    server.install("echo", &reporter("Old").start("(unreachable)"), json!({"version": "1.0.0"}));
    server.configure("echo", enabled());
    let manager = server.manager();
    server.until_state(&manager, "echo", "crashed").await;
    server.install("echo", &reporter("New").start("(i32.const 7)"), json!({"version": "2.0.0"}));
    let refused = manager.reload("echo").await;
    assert!(matches!(&refused, Err(PluginError::Invalid(reason)) if reason.contains("error code: 7")), "{refused:?}");
    let status = server.until(&manager, "echo", |status| status["state"] == "crashed").await;
    assert_eq!(status["version"], "1.0.0", "{status}");
    assert_eq!(manager.info("echo").await.expect("a plugin")["name"], "Old");
    manager.stop_all().await;
}

#[actix::test]
async fn a_reload_stops_what_is_not_wanted_any_more() {
    let mut server = Server::new().await;
    let stopping = || {
        reporter("Old")
            .report("stopped", "test.stopped")
            .export("plugin_stop", "(call $report @stopped @module) (i32.const 0)")
    };
    server.install("echo", &stopping(), only_input());
    server.configure("echo", enabled());
    let manager = running(&server, "echo").await;
    // Behind the server's back.
    fs::remove_file(server.config_file("echo")).expect("removed");
    server.install("echo", &reporter("New"), only_input());
    assert_eq!(manager.reload("echo").await, Ok(()));
    let status = manager.status("echo").await.expect("a plugin");
    assert_eq!((&status["state"], &status["errorMessage"]), (&json!("stopped"), &Value::Null), "{status}");
    assert_eq!(server.values("test.stopped", 1).await, [json!("Old")]);
    assert_eq!(manager.statistics().await["totalSubscriptions"], 0);
    server.publish(delta("input.n", json!(1))).await;
    assert_eq!(manager.set_enabled("echo", true).await, Ok(()));
    server.publish(delta("input.n", json!(2))).await;
    assert_eq!(numbers(&server.values("test.seen", 1).await), [2]);
    manager.stop_all().await;
}

#[actix::test]
async fn two_reloads_at_once_are_one_too_many() {
    let server = Server::new().await;
    server.install("echo", &reporter("Old"), only_input());
    server.configure("echo", enabled());
    let manager = running(&server, "echo").await;
    let (first, second) = futures_util::join!(manager.reload("echo"), manager.reload("echo"));
    assert_eq!((first, second), (Ok(()), Err(PluginError::Busy("echo".into()))));
    assert_eq!(manager.reload("echo").await, Ok(()), "free again");
    manager.stop_all().await;
}

#[actix::test]
async fn a_change_of_the_files_is_noticed_where_they_are_watched() {
    let mut server = Server::new().await;
    server.settings.watch = true;
    server.timing.watch = Duration::from_millis(5);
    server.install("echo", &reporter("Old"), only_input());
    server.configure("echo", enabled());
    let manager = running(&server, "echo").await;
    server.install("echo", &reporter("Newer"), only_input());
    server.until(&manager, "echo", |status| status["statusMessage"] == "Reloaded successfully").await;
    assert_eq!(manager.info("echo").await.expect("a plugin")["name"], "Newer");
    manager.stop_all().await;
}

#[actix::test]
async fn every_change_is_announced() {
    // ABI-95; a plugin that is switched off for its crashes is in `crashes`.
    let server = Server::new().await;
    server.install("echo", &reporter("Old"), only_input());
    let manager = server.manager();
    let mut events = server.listen();
    let mut announced = async |wanted: &dyn Fn(&Value) -> bool| loop {
        let event = patiently(events.recv()).await.flatten().expect("an event");
        if event["type"] == "PLUGINS_CHANGED" && wanted(&event["data"][0]) {
            break;
        }
    };
    announced(&|item| item["state"] == "stopped" && item["name"] == "Old").await;
    assert_eq!(manager.save_config("echo", json!({"enabled": true, "configuration": {"a": 1}})).await, Ok(()));
    announced(&|item| item["state"] == "running" && item["data"]["configuration"]["a"] == 1).await;
    assert_eq!(manager.set_enabled("echo", false).await, Ok(()));
    announced(&|item| item["state"] == "stopped").await;
    assert_eq!(manager.set_enabled("echo", true).await, Ok(()));
    announced(&|item| item["state"] == "running").await;
    server.install("echo", &reporter("New"), only_input());
    assert_eq!(manager.reload("echo").await, Ok(()));
    announced(&|item| item["state"] == "running" && item["name"] == "New").await;
    manager.stop_all().await;
}
