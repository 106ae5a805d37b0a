//! The rows of limits in a plugin's status: what is used, and how often more was wanted (§8.4).

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::CallTarget;
use super::super::limits::PluginOverride;
use super::guest::{GuestSource, fetching};
use super::server::{Server, patiently};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn enabled() -> Value {
    json!({"enabled": true, "configuration": {}})
}

fn networked() -> Value {
    json!({"wasmCapabilities": {"network": {"allow": ["127.0.0.1"]}}})
}

/// A server on which the plugin `p` has these limits.
async fn with_limits(limits: Value) -> Server {
    let mut server = Server::new().await;
    let limits = limits.as_object().cloned().expect("an object");
    server.settings.overrides.insert("p".into(), PluginOverride { limits, ..PluginOverride::default() });
    server.configure("p", enabled());
    server
}

#[actix::test]
async fn the_table_has_its_row() {
    let server = with_limits(json!({"tableElements": 50})).await;
    let guest = GuestSource::new()
        .define("(table $t 10 funcref)")
        .start("(table.grow $t (ref.null func) (i32.const 30)) (drop) (table.grow $t (ref.null func) (i32.const 11)) (drop) (i32.const 0)");
    server.install("p", &guest, json!({}));
    let manager = server.manager();
    let status = server.until_state(&manager, "p", "running").await;
    assert_eq!(status["limits"]["tableElements"], json!({"limit": 50, "used": 40, "exceeded": 1}));
    assert_eq!(manager.restart("p").await, Ok(()));
    let status = manager.status("p").await.expect("a plugin");
    let row = json!({"limit": 50, "used": 40, "exceeded": 2});
    assert_eq!(status["limits"]["tableElements"], row, "the instance's size, and what both were refused");
    manager.stop_all().await;
}

#[actix::test]
async fn files_have_their_rows() {
    let server = with_limits(json!({"fileBytes": 10, "files": 4})).await;
    let guest = GuestSource::new()
        .text("file", "data/a")
        .text("second", "data/b")
        .text("content", "0123456789")
        .define(
            r#"(func $create (param $at i32) (param $len i32) (result i32)
              (call $path_open (i32.const 3) (i32.const 1) (local.get $at) (local.get $len) (i32.const 1)
                (i64.const 0x1fffffff) (i64.const 0x1fffffff) (i32.const 0) (i32.const 0)))
            (func $write (param $at i32) (param $len i32)
              (i32.store (i32.const 16) (local.get $at)) (i32.store (i32.const 20) (local.get $len))
              (drop (call $fd_write (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 24))))"#,
        )
        // One file is left of four, and it can have ten bytes.
        .start(
            "(drop (call $create @file)) (call $write @content) (call $write @content) (call $write @content)
             (drop (call $create @second)) (i32.const 0)",
        );
    server.install_bytes("p", &guest.wasm_with(WASI), json!({}));
    let manager = server.manager();
    let status = server.until_state(&manager, "p", "running").await;
    assert_eq!(status["limits"]["fileBytes"], json!({"limit": 10, "used": 10, "exceeded": 2}), "{status}");
    assert_eq!(status["limits"]["files"], json!({"limit": 4, "used": 4, "exceeded": 1}), "{status}");
    manager.stop_all().await;
}

const WASI: &str = r#"
    (import "wasi_snapshot_preview1" "path_open"
      (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))"#;

#[actix::test]
async fn answers_have_their_row() {
    let server = with_limits(json!({"answerBytes": 65536})).await;
    let guest = GuestSource::new()
        .handler("small", "(i32.const 5)")
        .handler("full", "(local.get $max)")
        .handler("too_much", "(i32.add (local.get $max) (i32.const 1))");
    server.install("p", &guest, json!({}));
    let manager = server.manager();
    server.until_state(&manager, "p", "running").await;
    // Row: which handler is asked, whether it answers, the largest answer, refused answers.
    for (handler, answers, largest, refused) in
        [("small", true, 5, 0), ("full", true, 65_536, 0), ("small", true, 65_536, 0), ("too_much", false, 65_536, 1)]
    {
        let answer = manager.call("p", CallTarget::Http(handler.into()), "{}".into(), PATIENCE).await;
        assert_eq!(answer.is_ok(), answers, "{handler}: {answer:?}");
        let status = manager.status("p").await.expect("a plugin");
        let row = json!({"limit": 65_536, "used": largest, "exceeded": refused});
        assert_eq!(status["limits"]["answerBytes"], row, "{handler}");
    }
    manager.stop_all().await;
}

#[actix::test]
async fn requests_have_their_row() {
    // To a port where nobody listens: each is sent, and counts.
    let server = with_limits(json!({"fetchesPerMinute": 3})).await;
    let ask = |times: usize| "(call $ask)".repeat(times);
    let more = format!(r#"(func (export "more") (result i32) {} (i32.const 0))"#, ask(3));
    server.install_bytes("p", &fetching("http://127.0.0.1:9/", &ask(2), &more), networked());
    let manager = server.manager();
    let status = server.until_state(&manager, "p", "running").await;
    assert_eq!(status["limits"]["fetchesPerMinute"], json!({"limit": 3, "used": 2, "exceeded": 0}), "{status}");
    manager.call("p", CallTarget::Http("more".into()), "{}".into(), PATIENCE).await.expect("it works");
    let status = manager.status("p").await.expect("a plugin");
    assert_eq!(status["limits"]["fetchesPerMinute"], json!({"limit": 3, "used": 3, "exceeded": 2}), "{status}");
    manager.stop_all().await;
}

#[actix::test]
async fn log_lines_have_their_row() {
    let server = with_limits(json!({"logLinesPerSecond": 5})).await;
    let guest = GuestSource::new().text("line", "again").start(
        r#"(loop $again
             (call $debug @line)
             (global.set $count (i32.add (global.get $count) (i32.const 1)))
             (br_if $again (i32.lt_u (global.get $count) (i32.const 1000))))
           (i32.const 0)"#,
    );
    server.install("p", &guest, json!({}));
    let manager = server.manager();
    let status = server.until_state(&manager, "p", "running").await;
    let row = &status["limits"]["logLinesPerSecond"];
    // On a slow machine a second or two pass meanwhile.
    assert!(
        row["limit"] == 5 && row["exceeded"].as_u64().is_some_and(|dropped| (900..=995).contains(&dropped)),
        "{row}"
    );
    manager.stop_all().await;
}

#[actix::test]
async fn requests_to_a_plugin_have_its_own_deadline() {
    let mut server = with_limits(json!({"deadlines": {"request": 1234}})).await;
    server.settings.limits.sandbox.deadlines.request = Duration::from_millis(9876);
    for name in ["p", "@a/other"] {
        server.install(name, &GuestSource::new(), json!({}));
    }
    let manager = server.manager();
    for (id, milliseconds) in [("p", 1234), ("_a_other", 9876), ("@a/other", 9876), ("none", 9876)] {
        assert_eq!(manager.request_deadline(id).as_millis(), milliseconds, "{id}");
    }
    manager.stop_all().await;
}

/// Answers every request, and counts them.
fn answering() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (url, answered) =
        (format!("http://{}/", listener.local_addr().expect("an address")), Arc::new(AtomicUsize::new(0)));
    let counter = answered.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            // A request fits into one read; who has gone is not counted.
            if stream.read(&mut [0; 4096]).is_ok_and(|size| size > 0)
                && stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").is_ok()
            {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    (url, answered)
}

#[actix::test]
async fn answers_are_part_of_a_plugins_share_of_the_processor() {
    const MANY: usize = 60;
    // Each answer keeps it busy for some milliseconds, and it asks again then. It has no polls and no deltas, which would be held up too.
    let server = with_limits(json!({"cpuShare": 0.01, "fetchesPerMinute": 10_000})).await;
    let (url, answered) = answering();
    let handler = r#"(func (export "responseHandler") (param i32 i32 i32 i32) (local $n i32)
        (local.set $n (i32.const 20000000))
        (loop $again
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (i32.store (i32.const 0) (local.get $n))
          (br_if $again (local.get $n)))
        (call $ask_later))"#;
    server.install_bytes("p", &fetching(&url, "(call $ask_later)", handler), networked());
    let manager = server.manager();
    let waiting = async {
        loop {
            let status = manager.status("p").await.expect("a plugin");
            if status["limits"]["cpuShare"]["exceeded"] != 0 || answered.load(Ordering::Relaxed) >= MANY {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    let status = patiently(waiting).await.expect("it is held up, or has had many answers");
    let row = &status["limits"]["cpuShare"];
    assert!(row["exceeded"].as_u64() > Some(0) && row["used"].as_f64() >= Some(0.01), "{row}");
    let held_up = answered.load(Ordering::Relaxed);
    assert!((2..MANY).contains(&held_up), "{held_up}");
    manager.stop_all().await;
}
