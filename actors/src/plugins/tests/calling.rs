//! Requests to plugins that have other things to do as well.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::{CallTarget, PluginCallError};
use super::guest::GuestSource;
use super::server::{Server, delta, patiently};

const PATIENCE: Duration = Duration::from_secs(60);

fn enabled() -> Value {
    json!({"enabled": true, "configuration": {}})
}

fn only_input() -> Value {
    json!({"signalk": {"wasm": {"subscriptions": ["input.*"]}}})
}

#[actix::test]
async fn answers_and_deltas_get_through_between_requests() {
    let mut server = Server::new().await;
    server.settings.limits.sandbox.deadlines.request = PATIENCE;
    server.settings.limits.cpu_share = 1.0;
    // The n-th request ends when the value at `go` is at least n. It looks only now and then.
    let guest = GuestSource::new()
        .text("go", "go")
        .report("seen", "test.seen")
        .handler(
            "work",
            r#"(local $pause i32)
               (global.set $count (i32.add (global.get $count) (i32.const 1)))
               (loop $wait
                 (local.set $pause (i32.const 1000000))
                 (loop $rest
                   (local.set $pause (i32.sub (local.get $pause) (i32.const 1)))
                   (br_if $rest (local.get $pause)))
                 (br_if $wait (i32.ne (call $get @go (i32.const 65536) (i32.const 100)) (i32.const 1)))
                 (br_if $wait
                   (i32.lt_u (i32.load8_u (i32.const 65536)) (i32.add (i32.const 48) (global.get $count)))))
               (i32.const 0)"#,
        )
        .delta_handler("(call $report @seen (local.get $at) (local.get $len))");
    server.install("busy", &guest, only_input());
    server.configure("busy", enabled());
    let manager = server.manager();
    server.until_state(&manager, "busy", "running").await;
    let (answered, mut answers) = mpsc::unbounded_channel();
    for _ in 0..8 {
        let (manager, answered) = (manager.clone(), answered.clone());
        actix::spawn(async move {
            let target = CallTarget::Http("work".to_owned());
            let answer = manager.call("busy", target, "{}".to_owned(), PATIENCE).await;
            answered.send(answer).expect("the test waits");
        });
    }
    for n in 1..=8 {
        server.publish(delta("input.n", json!(n))).await;
        server.publish(delta("go", json!(n))).await;
        // The next request has begun by then, or will, and can't end before it is told to.
        assert_eq!(patiently(answers.recv()).await, Some(Some(Ok(None))), "answer {n}");
        if n == 7 {
            server.values("test.seen", 1).await;
        }
    }
    assert_eq!(server.values("test.seen", 8).await.len(), 8);
    manager.stop_all().await;
}

#[actix::test]
async fn those_that_wait_behind_a_crash_are_told() {
    let server = Server::new().await;
    server.install("fragile", &GuestSource::new().handler("work", "(unreachable)"), json!({}));
    server.configure("fragile", enabled());
    let manager = server.manager();
    server.until_state(&manager, "fragile", "running").await;
    let call = || {
        let target = CallTarget::Http("work".to_owned());
        manager.call("fragile", target, "{}".to_owned(), PATIENCE)
    };
    let (first, second, third) = futures_util::join!(call(), call(), call());
    assert!(matches!(&first, Err(PluginCallError::Crashed(reason)) if reason.contains("trapped")), "{first:?}");
    assert_eq!((second, third), (Err(PluginCallError::NotRunning), Err(PluginCallError::NotRunning)));
    assert_eq!(manager.status("fragile").await.expect("a plugin")["crashCount"], 1);
    manager.stop_all().await;
}
