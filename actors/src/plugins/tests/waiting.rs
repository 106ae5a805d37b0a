//! Plugins that wait for something outside when something is wanted of them.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::super::PluginManager;
use super::guest::fetching;
use super::server::Server;

/// Far less than the server would be waited for, which is half a minute.
const PROMPT: Duration = Duration::from_secs(2);
/// Asks, and waits for the answer, again and again.
const POLL: &str = r#"(func (export "poll") (result i32) (call $ask) (i32.const 0))"#;

/// A server that takes connections and never answers.
struct Silent(Arc<TcpListener>);

impl Silent {
    fn new() -> Self {
        Self(Arc::new(TcpListener::bind("127.0.0.1:0").expect("a port")))
    }

    fn url(&self) -> String {
        format!("http://{}/", self.0.local_addr().expect("an address"))
    }

    /// Waits until somebody connects. The plugin waits for an answer from then on.
    async fn accept(&self) -> TcpStream {
        let listener = self.0.clone();
        spawn_blocking(move || listener.accept().expect("a connection").0).await.expect("no panic")
    }
}

fn networked() -> Value {
    json!({"wasmCapabilities": {"network": {"allow": ["127.0.0.1"]}}})
}

fn with_config(server: &Server, enabled: bool) -> PluginManager {
    server.configure("patient", json!({"enabled": enabled, "configuration": {}}));
    server.manager()
}

#[actix::test]
async fn a_plugin_that_waits_for_an_answer_is_stopped_at_once() {
    let (server, silent) = (Server::new().await, Silent::new());
    server.install_bytes("patient", &fetching(&silent.url(), "", POLL), networked());
    let manager = with_config(&server, false);
    let mut connections = Vec::new();
    // Each of them once with a plugin that waits, the last one ends the server.
    for what in ["disable", "restart", "configure", "reload", "stop all"] {
        assert_eq!(manager.set_enabled("patient", true).await, Ok(()), "{what}");
        connections.push(silent.accept().await);
        let begun = Instant::now();
        let (result, state) = match what {
            "disable" => (manager.set_enabled("patient", false).await, "stopped"),
            "restart" => (manager.restart("patient").await, "running"),
            "configure" => (manager.save_config("patient", json!({"configuration": {"a": 1}})).await, "running"),
            "reload" => (manager.reload("patient").await, "running"),
            _ => {
                manager.stop_all().await;
                (Ok(()), "stopped")
            }
        };
        // A busy machine may take its time to compile and start something.
        let most = if what == "disable" { PROMPT } else { 4 * PROMPT };
        assert!(begun.elapsed() < most, "{what}: {:?}", begun.elapsed());
        assert_eq!(result, Ok(()), "{what}");
        let status = manager.status("patient").await.expect("a plugin");
        assert_eq!((&status["state"], &status["crashCount"]), (&json!(state), &json!(0)), "{what}: {status}");
        if state == "running" {
            // It asks again as soon as it runs, and waits again.
            connections.push(silent.accept().await);
            assert_eq!(manager.set_enabled("patient", false).await, Ok(()), "{what}");
        }
    }
}

#[actix::test]
async fn a_plugin_that_waits_while_it_is_started_is_stopped_at_once() {
    let (server, silent) = (Server::new().await, Silent::new());
    server.install_bytes("patient", &fetching(&silent.url(), "(call $ask)", ""), networked());
    let manager = with_config(&server, true);
    let _connection = silent.accept().await;
    assert_eq!(manager.status("patient").await.expect("a plugin")["state"], "starting");
    let begun = Instant::now();
    assert_eq!(manager.set_enabled("patient", false).await, Ok(()));
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    let status = manager.status("patient").await.expect("a plugin");
    assert_eq!((&status["state"], &status["crashCount"]), (&json!("stopped"), &json!(0)), "{status}");
    manager.stop_all().await;
}

#[actix::test]
async fn enabling_a_plugin_that_runs_lets_it_wait() {
    let (mut server, silent) = (Server::new().await, Silent::new());
    server.install_bytes("patient", &fetching(&silent.url(), "", POLL), networked());
    server.timing.answer = Duration::from_millis(50);
    let manager = with_config(&server, true);
    let mut connection = silent.accept().await;
    // It has no reason to stop; the answer says that it will be done.
    assert_eq!(manager.set_enabled("patient", true).await, Ok(()));
    spawn_blocking(move || {
        use std::io::Write;
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").expect("it is listened to");
        connection
    })
    .await
    .expect("no panic");
    let _second = silent.accept().await;
    let status = manager.status("patient").await.expect("a plugin");
    assert_eq!(status["fetches"]["failed"], 0, "{status}");
    manager.stop_all().await;
}
