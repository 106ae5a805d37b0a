//! The server's own page: figures, flow, logs, settings, backup, restart.

use std::ffi::OsStr;
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value as Json, json};
use windlass_tests::{BETWEEN_LOOKS, PATIENCE, ServerOptions, chromium, recordings, run_script};

use super::assert_picture;

fn boat() -> ServerOptions {
    ServerOptions::new().secured().argument("--playback").argument(recordings().join("plaka.log"))
}

/// Does everything on the page at this size.
async fn run_the_server(view: &str) {
    let server = boat().vessel("Aurora", "230099999").start().await;
    let admin = server.claim().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let (address, port) = (server.url("/"), server.port());
    let restarting = folder.path().join("restarting");
    let restart = async {
        // The clicks before take longer than anything else that is waited for.
        let deadline = Instant::now() + 4 * PATIENCE;
        while !restarting.exists() {
            assert!(Instant::now() < deadline, "nobody restarts the server");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let level = server.as_who(&admin, Method::GET, "/windlass/logging", None).await.json();
        let vessel = server.as_who(&admin, Method::GET, "/skServer/vessel", None).await.json();
        let ended = server.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.logs.tail());
        let server = boat().directory(&ended.directory).port(port).start().await;
        (level, vessel, server.as_who(&admin, Method::GET, "/skServer/settings", None).await.json(), server)
    };
    let arguments = [OsStr::new(&address), folder.path().as_os_str(), OsStr::new(view)];
    let browser = chromium();
    let environment = [("WINDLASS_CHROMIUM", browser.as_os_str())];
    let clicks = run_script("ui/server.mjs", &arguments, &environment);
    let (said, (level, vessel, settings, _server)) = tokio::join!(clicks, restart);
    let said: Json = serde_json::from_str(&said).expect("the script prints JSON");
    assert_eq!(said["name"], format!("Borealis {view}"));
    assert_eq!(level, json!({"level": "debug"}), "the level was raised by a click");
    // She had been renamed after the backup was made.
    assert_eq!((&vessel["name"], &vessel["length"]), (&json!(format!("Borealis {view}")), &json!(12.5)), "{vessel}");
    assert_eq!(settings["logCountToKeep"], 72);
    assert!(said["log"].as_u64().is_some_and(|length| length > 100), "{said}");
    assert!(said["backup"].as_u64().is_some_and(|length| length > 500), "{said}");
    for tab in ["performance", "flow", "details", "logs", "settings", "restore", "backup"] {
        assert_picture(folder.path(), &format!("server-{tab}-{view}.png"));
    }
}

#[tokio::test]
async fn an_admin_runs_the_server_at_a_desk() {
    run_the_server("desktop").await;
}

#[tokio::test]
async fn an_admin_runs_the_server_from_a_phone() {
    run_the_server("phone").await;
}
