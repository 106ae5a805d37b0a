//! Plugins that fail, and what they do to others.

use std::time::Duration;

use serde_json::{Value, json};
use windlass_wasm_host::{Deadlines, Limits};

use super::guest::GuestSource;
use super::server::{Server, delta, patiently};

const DISABLED: &str = "Plugin repeatedly crashing, automatic restart disabled";

fn enabled() -> Value {
    json!({"enabled": true, "configuration": {}})
}

/// Says that it was started.
fn started() -> GuestSource {
    GuestSource::new().report("started", "test.started").text("yes", "true")
}

#[actix::test]
async fn a_plugin_that_always_crashes_is_restarted_three_times() {
    // ABI-87, ABI-95. The broker's clock stands still until nobody has anything to do, then jumps to the next restart.
    tokio::time::pause();
    let mut server = Server::new().await;
    let guest = started().start("(call $report @started @yes) (i32.const 0)").export("poll", "(unreachable)");
    server.install("faulty", &guest, json!({}));
    server.configure("faulty", enabled());
    let since = tokio::time::Instant::now();
    let mut events = server.listen();
    let manager = server.manager();
    loop {
        let event = patiently(events.recv()).await.flatten().expect("an event");
        if event["data"][0]["state"] == "error" {
            assert_eq!(
                (&event["type"], &event["data"][0]["statusMessage"]),
                (&json!("PLUGINS_CHANGED"), &json!(DISABLED))
            );
            break;
        }
    }
    assert!(since.elapsed() >= Duration::from_secs(7), "1 s, 2 s and 4 s: {:?}", since.elapsed());
    let status = manager.status("faulty").await.expect("a plugin");
    assert_eq!((&status["state"], &status["errorMessage"]), (&json!("error"), &json!(DISABLED)));
    assert_eq!((&status["crashCount"], &status["restartBackoff"]), (&json!(4), &Value::Null));
    assert!(status["lastCrash"].is_string(), "{status}");
    assert_eq!(server.values_so_far("test.started").len(), 4);
    server.values("notifications.server.plugins.faulty", 1).await;
    let alarm = server.view.node(&["vessels", "self", "notifications", "server", "plugins", "faulty", "value"]);
    assert_eq!(alarm, Some(json!({"state": "alert", "method": ["visual"], "message": DISABLED})));
    assert_eq!(server.saved("faulty")["enabled"], true);
    let last_error = server.board.get("faulty").and_then(|entry| entry.last_error).expect("the crash before");
    assert!(last_error.starts_with("Crashed: poll: trapped"), "{last_error}");
    manager.stop_all().await;
}

#[actix::test]
async fn a_crash_costs_one_delta() {
    let mut server = Server::new().await;
    // The tenth delta of an instance is its last.
    let guest =
        started().report("seen", "test.seen").start("(call $report @started @yes) (i32.const 0)").delta_handler(
            r#"(global.set $count (i32.add (global.get $count) (i32.const 1)))
               (if (i32.eq (global.get $count) (i32.const 10)) (then (unreachable)))
               (call $report @seen (local.get $at) (local.get $len))"#,
        );
    server.install("fragile", &guest, json!({"signalk": {"wasm": {"subscriptions": ["input.*"]}}}));
    server.configure("fragile", enabled());
    let manager = server.manager();
    server.until_state(&manager, "fragile", "running").await;
    tokio::time::pause();
    for n in 0..15 {
        server.publish(delta("input.n", json!(n))).await;
    }
    let seen = server.values("test.seen", 14).await;
    let numbers: Vec<_> = seen.iter().map(|d| d["updates"][0]["values"][0]["value"].clone()).collect();
    let expected: Vec<_> = (0..15).filter(|n| *n != 9).map(Value::from).collect();
    assert_eq!(numbers, expected, "each once and in order, without the one that it crashed on");
    assert_eq!(server.values_so_far("test.started").len(), 2);
    manager.stop_all().await;
}

#[actix::test]
async fn enabling_by_hand_brings_a_disabled_plugin_back() {
    tokio::time::pause();
    let mut server = Server::new().await;
    // Crashes as long as its configuration is empty.
    let guest = started().start(
        r#"(if (i32.eq (local.get $len) (i32.const 21)) (then (unreachable)))
           (call $report @started @yes) (i32.const 0)"#,
    );
    server.install("curable", &guest, json!({}));
    server.configure("curable", enabled());
    let manager = server.manager();
    server.until(&manager, "curable", |status| status["statusMessage"] == DISABLED).await;
    tokio::time::resume();
    assert_eq!(manager.save_config("curable", json!({"configuration": {"fixed": 1}})).await, Ok(()));
    server.values("test.started", 1).await;
    let alarms = server.values("notifications.server.plugins.curable", 2).await;
    assert_eq!((&alarms[0]["state"], &alarms[1]["state"]), (&json!("alert"), &json!("normal")));
    manager.stop_all().await;
}

#[actix::test]
async fn a_plugin_that_never_returns_holds_up_nobody_else() {
    // ABI-50
    let mut server = Server::new().await;
    let deadlines = Deadlines { delta: Duration::from_secs(30), ..Deadlines::default() };
    server.settings.limits.sandbox = Limits { deadlines, ..Limits::default() };
    server.timing.shutdown = Duration::from_millis(50);
    let looping =
        started().report("looping", "test.looping").delta_handler("(call $debug @yes) (loop $forever (br $forever))");
    let brisk = GuestSource::new()
        .report("seen", "test.seen")
        .delta_handler("(call $report @seen (local.get $at) (local.get $len))");
    for (id, guest) in [("looping", &looping), ("brisk", &brisk)] {
        server.install(id, guest, json!({"signalk": {"wasm": {"subscriptions": ["input.*"]}}}));
        server.configure(id, enabled());
    }
    let manager = server.manager();
    for id in ["looping", "brisk"] {
        server.until_state(&manager, id, "running").await;
    }
    // Not faster than the other one can follow: its own queue is bounded as well.
    for n in 0..1200 {
        server.publish(delta("input.n", json!(n))).await;
        if n % 100 == 99 {
            server.values("test.seen", n + 1).await;
        }
    }
    let status = manager.status("looping").await.expect("a plugin");
    assert_eq!(status["state"], "running");
    let (queued, dropped) = (status["queuedDeltas"].as_u64(), status["droppedDeltas"].as_u64());
    // One batch is in the plugin's hands, the broker keeps a thousand.
    assert_eq!(queued, Some(1000), "{status}");
    assert!(dropped.is_some_and(|dropped| (100..200).contains(&dropped)), "{status}");
    // ABI-91: it does not hold up the end either.
    manager.stop_all().await;
}

#[actix::test]
async fn a_call_that_passes_its_deadline_is_a_crash() {
    let server = {
        let mut server = Server::new().await;
        server.settings.limits.sandbox.deadlines = Deadlines::all(Duration::from_millis(50));
        server
    };
    let guest = GuestSource::new().start("(loop $forever (br $forever)) (i32.const 0)");
    server.install("endless", &guest, json!({}));
    server.configure("endless", enabled());
    let manager = server.manager();
    let status = server.until(&manager, "endless", |status| status["restartBackoff"].is_u64()).await;
    assert_eq!(status["state"], "crashed");
    // 1 s, 2 s, 4 s
    let crashes = status["crashCount"].as_u64().expect("a number");
    assert_eq!(status["restartBackoff"], 1000 << (crashes - 1), "{status}");
    let message = status["statusMessage"].as_str().expect("a text");
    assert!(message.starts_with("Crashed: plugin_start: still running"), "{message}");
    assert_eq!(manager.set_enabled("endless", false).await, Ok(()));
    assert_eq!(manager.status("endless").await.expect("a plugin")["state"], "stopped");
    manager.stop_all().await;
}
