//! Packages that come and go while the server runs.

use std::fs;

use serde_json::json;

use super::super::{PluginError, WebAppKind};
use super::guest::GuestSource;
use super::server::Server;

fn named(name: &str) -> GuestSource {
    GuestSource::new().text("name", name)
}

#[actix::test]
async fn a_package_that_comes_runs_and_one_that_goes_is_stopped_first() {
    let mut server = Server::new().await;
    server.install("stays", &GuestSource::new(), json!({}));
    let goes = GuestSource::new()
        .report("stopped", "test.stopped")
        .text("yes", "true")
        .export("plugin_stop", "(call $report @stopped @yes) (i32.const 0)");
    server.install("goes", &goes, json!({"keywords": ["signalk-wasm-plugin", "signalk-webapp"]}));
    server.configure("goes", json!({"enabled": true}));
    let manager = server.manager();
    server.until_state(&manager, "goes", "running").await;
    assert!(manager.look_again(&[]).await.is_ok_and(|changes| changes.added.is_empty() && changes.removed.is_empty()));

    server.install("comes", &named("Comes"), json!({"keywords": ["signalk-wasm-plugin", "signalk-webapp"]}));
    server.configure("comes", json!({"enabled": true}));
    fs::remove_dir_all(server.settings.roots[0].join("goes")).expect("removed");
    let changes = manager.look_again(&[]).await.expect("looked");
    assert_eq!((changes.added, changes.removed), (vec!["comes".to_owned()], vec!["goes".to_owned()]));
    assert_eq!(server.values_so_far("test.stopped").len(), 1, "plugin_stop was called before");
    server.until_state(&manager, "comes", "running").await;
    assert_eq!(manager.state("goes"), None);
    assert_eq!(server.board.get("goes"), None, "nothing is said about it any more");
    let apps: Vec<_> = manager.web_apps().iter().map(|app| (app.name.clone(), app.kinds.clone())).collect();
    assert_eq!(apps, [("comes".to_owned(), vec![WebAppKind::App])]);
    let packages: Vec<_> = manager.packages().into_iter().map(|one| (one.name, one.plugin, one.web_app)).collect();
    assert_eq!(
        packages,
        [("comes".to_owned(), Some("comes".to_owned()), true), ("stays".to_owned(), Some("stays".to_owned()), false)]
    );

    // Taken out by hand, it is off the list until it is looked for again.
    manager.take_out("comes").await;
    assert!(matches!(manager.info("comes").await, Err(PluginError::Unknown(_))));
    assert_eq!(manager.look_again(&[]).await.expect("looked").added, ["comes"]);
    server.until_state(&manager, "comes", "running").await;
    manager.stop_all().await;
    assert_eq!(server.values("test.stopped", 1).await.len(), 1);
}

#[actix::test]
async fn a_package_that_has_changed_is_reloaded_also_when_it_is_off() {
    let server = Server::new().await;
    for name in ["on", "off", "same"] {
        server.install(name, &named("One"), json!({}));
    }
    server.configure("on", json!({"enabled": true}));
    server.configure("same", json!({"enabled": true}));
    let manager = server.manager();
    server.until_state(&manager, "on", "running").await;
    server.until_state(&manager, "same", "running").await;
    server.until_state(&manager, "off", "stopped").await;
    server.install("on", &named("Two"), json!({"version": "2.0.0"}));
    server.install("off", &named("Two"), json!({"version": "2.0.0"}));
    server.install("same", &named("Two"), json!({}));
    let changes = manager.look_again(&["same".to_owned()]).await.expect("looked");
    assert_eq!(changes.reloaded, ["off", "on", "same"].map(|name| (name.to_owned(), Ok(()))));
    let list = manager.list().await;
    let shown: Vec<_> = list.iter().map(|item| (&item["id"], &item["name"], &item["version"])).collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    for (id, name, version) in shown {
        assert_eq!(name, "Two", "{id}");
        assert_eq!(version, if id == "same" { "1.2.3" } else { "2.0.0" }, "{id}");
    }
    manager.stop_all().await;
}

#[actix::test]
async fn the_users_own_package_takes_the_place_of_a_bundled_one_and_gives_it_back() {
    let mut server = Server::new().await;
    let bundled = server.directory.path().join("bundled");
    server.settings.roots.insert(0, bundled.clone());
    server.install("plugin", &named("Bundled"), json!({"version": "1.0.0"}));
    server.settings.roots.reverse();
    server.configure("plugin", json!({"enabled": true}));
    let manager = server.manager();
    let version = async |manager: &super::super::PluginManager| {
        server.until_state(manager, "plugin", "running").await["version"].clone()
    };
    assert_eq!(version(&manager).await, "1.0.0");
    server.install("plugin", &named("Own"), json!({"version": "2.0.0"}));
    assert_eq!(manager.look_again(&[]).await.expect("looked").added, ["plugin"]);
    assert_eq!(version(&manager).await, "2.0.0");
    fs::remove_dir_all(server.settings.roots[0].join("plugin")).expect("removed");
    manager.look_again(&[]).await.expect("looked");
    assert_eq!(version(&manager).await, "1.0.0");
    assert_eq!(manager.list().await.len(), 1);
    manager.stop_all().await;
}
