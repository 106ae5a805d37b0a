//! Settings that are changed while the server runs: what they are about changes, and nobody else notices.

mod data;
mod outputs;
mod ports;
mod requests;

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Answer, Json, Server, ServerOptions};

const SETTINGS: &str = "/skServer/settings";

/// A change, by a page that wants to know what becomes of it.
async fn change(server: &Server, body: &Json) -> Answer {
    let accept = [("Accept", "application/json")];
    server.request(Method::PUT, SETTINGS, &accept, Some(body.to_string())).await
}

/// A change that is made. Returns what has become of it.
async fn changed(server: &Server, body: Json) -> Json {
    let answer = change(server, &body).await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.text);
    answer.json()
}

/// A change that is refused, with these words; nothing is saved.
async fn refused(server: &Server, body: Json, words: &[&str]) {
    let before = server.json(SETTINGS).await;
    let answer = change(server, &body).await;
    assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    for word in words {
        assert!(answer.text.contains(word), "{word} in {}", answer.text);
    }
    assert_eq!(server.json(SETTINGS).await, before, "nothing is saved");
}

/// `[setting, effect]` of each change.
fn effects(report: &Json) -> Json {
    let changes = report["changes"].as_array().expect("a list of changes");
    changes.iter().map(|change| json!([change["setting"], change["effect"]])).collect()
}

/// Only these settings were changed, and all of them hold.
fn hold(report: &Json, settings: &[&str]) {
    let expected: Json = settings.iter().map(|setting| json!([setting, "now"])).collect();
    assert_eq!((effects(report), &report["moved"]), (expected, &json!(false)), "{report}");
}

/// Ends a server and starts it again with its own settings.
async fn again(server: Server) -> Server {
    let directory = server.terminate().await.directory;
    ServerOptions::new().directory(&directory).with_its_settings().start().await
}
