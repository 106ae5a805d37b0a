//! Data connections, and which source is believed.

use std::ffi::OsStr;

use serde_json::json;
use windlass_tests::{Json, Server, ServerOptions, chromium, run_script};

use super::{assert_picture, run};

/// Runs a script at one of the two sizes, and looks whether the pictures are there.
async fn use_page(script: &str, view: &str, pictures: &[&str]) -> (Server, Json) {
    use_page_with(script, view, pictures, &[]).await
}

/// The same, with something more that the script is told.
async fn use_page_with(script: &str, view: &str, pictures: &[&str], more: &[&str]) -> (Server, Json) {
    let server = Server::start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let address = server.url("/");
    let mut arguments = vec![OsStr::new(&address), folder.path().as_os_str(), OsStr::new(view)];
    arguments.extend(more.iter().map(OsStr::new));
    let browser = chromium();
    let browser = [("WINDLASS_CHROMIUM", browser.as_os_str())];
    let said = run_script(&format!("ui/{script}.mjs"), &arguments, &browser).await;
    for picture in pictures {
        assert_picture(folder.path(), &format!("{picture}-{view}.png"));
    }
    (server, serde_json::from_str(&said).expect("the script prints JSON"))
}

async fn an_input_is_tried_added_and_watched(view: &str) {
    let pictures =
        ["connections-new", "connections-trial", "connections-details", "connections", "connections-failing"];
    let (server, saved) = use_page("connections", view, &pictures).await;
    assert_eq!((&saved["id"], &saved["type"]), (&json!("Mast"), &json!("NMEA0183")));
    assert!(saved["options"]["port"].is_u64(), "{saved}");
    assert_eq!(server.json("/skServer/providers").await, json!([]), "it is deleted");
}

#[tokio::test]
async fn an_input_is_tried_added_and_watched_at_a_desk() {
    an_input_is_tried_added_and_watched("desktop").await;
}

#[tokio::test]
async fn an_input_is_tried_added_and_watched_at_a_phone() {
    an_input_is_tried_added_and_watched("phone").await;
}

async fn an_input_is_edited_switched_and_deleted(view: &str) {
    let (server, saved) = use_page("connections-edit", view, &[]).await;
    assert_eq!(saved["options"]["theirs"], json!({"kept": [1]}), "what no form knows: {saved}");
    assert_eq!((&saved["id"], &saved["options"]["ignoredSentences"]), (&json!("Bow/port side"), &json!("DBT")));
    assert_eq!(server.json("/skServer/providers").await, json!([]), "all are deleted");
}

#[tokio::test]
async fn an_input_is_edited_switched_and_deleted_at_a_desk() {
    an_input_is_edited_switched_and_deleted("desktop").await;
}

#[tokio::test]
async fn an_input_is_edited_switched_and_deleted_at_a_phone() {
    an_input_is_edited_switched_and_deleted("phone").await;
}

/// SK-154, SK-155, SK-156, SK-160
async fn priorities_take_effect(view: &str) {
    let pictures = ["priorities-offered", "priorities", "priorities-rule"];
    let (server, saved) = use_page("connections-priorities", view, &pictures).await;
    assert_eq!(saved["groups"], json!([{"id": "Position", "sources": ["Mast.GP", "Stern.GN"]}]));
    let rule = json!([{"sourceRef": "Mast.GP", "timeout": -1}, {"sourceRef": "Stern.GN", "timeout": 500}]);
    assert_eq!(saved["overrides"], json!({"navigation.speedOverGround": rule}));
    assert_eq!(saved["defaults"], json!({"fallbackMs": 500}));
    let empty = json!({"groups": [], "overrides": {}, "defaults": {}});
    assert_eq!(server.json("/skServer/priorities").await, empty, "all are removed");
}

#[tokio::test]
async fn priorities_take_effect_at_a_desk() {
    priorities_take_effect("desktop").await;
}

#[tokio::test]
async fn priorities_take_effect_at_a_phone() {
    priorities_take_effect("phone").await;
}

#[tokio::test]
async fn priorities_are_ordered_by_keys_and_by_finger() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let said = run("connections-order.mjs", &server.url("/"), folder.path()).await;
    assert_eq!(said, json!({"keys": ["Stern.GN", "Mast.GP"], "finger": ["Mast.GP", "Stern.GN"]}));
}

async fn access_to_another_server_is_asked_for(view: &str) {
    let (other, admin) = ServerOptions::new().vessel("Other", "230022520").start_claimed().await;
    let port = other.port().to_string();
    let (_, saved) = use_page_with("connections-access", view, &["connections-access"], &[&port, &admin]).await;
    assert_eq!(
        saved["options"],
        json!({"type": "ws", "host": "127.0.0.1", "port": other.port(), "selfHandling": "noSelf"})
    );
}

#[tokio::test]
async fn access_to_another_server_is_asked_for_at_a_desk() {
    access_to_another_server_is_asked_for("desktop").await;
}

#[tokio::test]
async fn access_to_another_server_is_asked_for_at_a_phone() {
    access_to_another_server_is_asked_for("phone").await;
}
