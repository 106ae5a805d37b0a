//! The page of the plugins.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::json;
use windlass_tests::{Json, Server, ServerOptions, chromium, demo_plugins, run_script};

use super::assert_picture;
use crate::packages::{ID, archive, npm_with_registry};

fn demo() -> ServerOptions {
    ServerOptions::new().argument("--demo").environment("WINDLASS_DEMO_PLUGINS", demo_plugins())
}

/// Uses a part of the page at one of the two sizes. What the script says.
async fn use_page(server: &Server, folder: &Path, view: &str, part: &str, pictures: &[&str]) -> Json {
    let (address, browser) = (server.url("/"), chromium());
    let arguments = [OsStr::new(&address), folder.as_os_str(), OsStr::new(view), OsStr::new(part)];
    let said = run_script("ui/plugins.mjs", &arguments, &[("WINDLASS_CHROMIUM", browser.as_os_str())]).await;
    for picture in pictures {
        assert_picture(folder, &format!("plugins-{picture}-{view}.png"));
    }
    serde_json::from_str(&said).expect("the script prints JSON")
}

async fn one_is_configured(view: &str) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let server = demo().start().await;
    let pictures = ["list", "settings", "permissions", "limits", "log"];
    let said = use_page(&server, folder.path(), view, "present", &pictures).await;
    assert_eq!(said["greeting"], "Ahoy from AssemblyScript");
    // What was clicked has taken effect, and is kept.
    let hello = server.json("/skServer/plugins/_windlass_hello-assemblyscript/config").await;
    assert_eq!((&hello["enabled"], &hello["configuration"]["greeting"]), (&json!(true), &json!("Ahoy")));
}

async fn one_comes_and_goes(view: &str) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let place = folder.path();
    std::fs::rename(archive(place, "1.0.0", json!({})), place.join("package.tgz")).expect("renamed");
    std::fs::write(place.join("broken.tgz"), "no archive").expect("written");
    let path = npm_with_registry(place, "2.0.0", &archive(place, "2.0.0", json!({})));
    let server = demo().environment("npm_config_offline", "true").environment("PATH", path).start().await;
    use_page(&server, place, view, "new", &["install"]).await;
    assert_eq!(server.get(&format!("/skServer/plugins/{ID}/status")).await.status, 404, "it was removed");
    assert!(!server.directory().join("node_modules/@me/probe").exists());
}

#[tokio::test]
async fn a_plugin_is_switched_on_configured_and_watched_at_a_desk() {
    one_is_configured("desktop").await;
}

#[tokio::test]
async fn a_plugin_is_switched_on_configured_and_watched_on_a_phone() {
    one_is_configured("phone").await;
}

#[tokio::test]
async fn a_plugin_is_installed_updated_and_removed_at_a_desk() {
    one_comes_and_goes("desktop").await;
}

#[tokio::test]
async fn a_plugin_is_installed_updated_and_removed_on_a_phone() {
    one_comes_and_goes("phone").await;
}
