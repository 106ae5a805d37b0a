//! The page of the web apps.

use serde_json::json;
use windlass_tests::{Json, ServerOptions};

use super::{assert_picture, run_with};

fn package(name: &str, more: Json) -> Json {
    let mut package = json!({"name": name, "version": "1.2.3", "keywords": ["signalk-webapp"]});
    package.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    package
}

#[tokio::test]
async fn installed_web_apps_are_listed_and_opened() {
    let logbook = json!({
        "description": "Writes down where you were, and what the weather was like",
        "author": "A. Skipper",
        "signalk": {"displayName": "Logbook", "appIcon": "icon.svg"},
    });
    let icon =
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><circle cx="32" cy="32" r="30"/></svg>"#;
    let server = ServerOptions::new()
        .argument("--demo")
        .json_file("node_modules/log-book/package.json", &package("log-book", logbook))
        .file("node_modules/log-book/public/index.html", "<!DOCTYPE html><title>Logbook</title>")
        .file("node_modules/log-book/public/icon.svg", icon)
        .json_file("node_modules/@boat/charts/package.json", &package("@boat/charts", json!({})))
        .file("node_modules/@boat/charts/public/index.html", "<!DOCTYPE html><title>Charts of the boat</title>")
        .start()
        .await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let said = run_with("apps.mjs", &server.url("/"), folder.path(), &["2"]).await;
    let opened = ["desktop", "phone"]
        .iter()
        .flat_map(|view| [format!("{view}, new tab: Logbook"), format!("{view}, here: Charts of the boat")]);
    assert_eq!(said["opened"], json!(opened.collect::<Vec<_>>()));
    for view in ["desktop", "phone"] {
        assert_picture(folder.path(), &format!("apps-{view}.png"));
    }
}

#[tokio::test]
async fn without_web_apps_the_page_says_how_to_install_one() {
    let server = ServerOptions::new().argument("--demo").start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    run_with("apps.mjs", &server.url("/"), folder.path(), &["0"]).await;
    assert_picture(folder.path(), "apps-none-phone.png");
}
