//! The configuration of a plugin that an earlier server knew by the name that the module gives itself (§1.4).

use std::fs;

use serde_json::{Value, json};

use super::super::PluginManager;
use super::guest::GuestSource;
use super::server::{Server, patiently};

/// One that calls itself `own_id`, and reports its configuration when it is started.
fn named(own_id: &str) -> GuestSource {
    GuestSource::new()
        .text("own_id", own_id)
        .getter("plugin_id", "own_id")
        .report("config", "test.config")
        .start("(call $report @config (local.get $at) (local.get $len)) (i32.const 0)")
}

/// Waits until the module has been looked at.
async fn looked_at(server: &Server, manager: &PluginManager, id: &str) -> Value {
    let mut events = server.listen();
    loop {
        let status = manager.status(id).await.expect("a plugin");
        if status["abi"] == "buffer" && status["state"] != "starting" {
            return status;
        }
        patiently(events.recv()).await.flatten().expect("an event");
    }
}

#[actix::test]
async fn a_configuration_from_the_time_of_another_id_is_copied_once() {
    let mut server = Server::new().await;
    server.install("@a/anchor-watch", &named("anchor-watch-rust"), json!({}));
    let former = json!({"enabled": true, "configuration": {"radius": 30}, "mine": 7});
    server.configure("anchor-watch-rust", former.clone());
    let manager = server.manager();
    let status = server.until_state(&manager, "_a_anchor-watch", "running").await;
    assert_eq!(server.values("test.config", 1).await, [json!({"radius": 30, "enableDebug": false})]);
    assert_eq!(server.saved("_a_anchor-watch"), former);
    assert_eq!(server.saved("anchor-watch-rust"), former, "the original stays");
    assert!(status["notices"][0].as_str().is_some_and(|text| text.contains("anchor-watch-rust.json")), "{status}");
    let changed = json!({"configuration": {"radius": 50}});
    assert_eq!(manager.save_config("_a_anchor-watch", changed).await, Ok(()));
    manager.stop_all().await;

    // Later starts leave it alone.
    let manager = server.manager();
    server.until_state(&manager, "_a_anchor-watch", "running").await;
    assert_eq!(server.saved("_a_anchor-watch")["configuration"]["radius"], 50);
    assert_eq!(server.saved("anchor-watch-rust"), former);
    manager.stop_all().await;
}

#[actix::test]
async fn a_configuration_of_its_own_is_never_replaced() {
    let server = Server::new().await;
    server.configure("former", json!({"enabled": true, "configuration": {"radius": 30}}));
    server.install("configured", &named("former"), json!({}));
    server.configure("configured", json!({"enabled": false, "configuration": {}}));
    server.install("broken", &named("former"), json!({}));
    fs::write(server.config_file("broken"), "{").expect("written");
    // Enabled by its package, but switched off when that had a name of its own: what was saved counts.
    server.configure("former-off", json!({"enabled": false, "configuration": {"a": 1}}));
    server.install("eager", &named("former-off"), json!({"signalk-plugin-enabled-by-default": true}));
    let manager = server.manager();
    for id in ["configured", "broken", "eager"] {
        assert_eq!(looked_at(&server, &manager, id).await["state"], "stopped", "{id}");
    }
    assert_eq!(server.saved("configured"), json!({"enabled": false, "configuration": {}}));
    assert_eq!(fs::read_to_string(server.config_file("broken")).expect("the file"), "{");
    assert_eq!(server.saved("eager"), json!({"enabled": false, "configuration": {"a": 1}}));
    assert_eq!(server.values_so_far("test.config"), [] as [Value; 0]);
    manager.stop_all().await;
}

#[actix::test]
async fn a_hostile_name_gets_at_nothing() {
    let server = Server::new().await;
    let secret = json!({"enabled": true, "configuration": {"secret": "word"}});
    // Outside of the directory of configurations, below it, and those of other packages.
    let data = server.directory.path().join("plugin-config-data");
    fs::create_dir_all(data.join("victim/vfs/data")).expect("made");
    for outside in [server.directory.path().join("security.json"), data.join("victim/vfs/data/state.json")] {
        fs::write(outside, secret.to_string()).expect("written");
    }
    server.install("victim", &GuestSource::new(), json!({}));
    server.configure("victim", json!({"enabled": false, "configuration": {"secret": "word"}}));
    server.configure("node-plugin", secret.clone());
    fs::create_dir_all(server.settings.roots[0].join("node-plugin")).expect("a package without wasm");
    let absolute = server.directory.path().join("security");
    let names = [
        "../security",
        "..\\security",
        "./../security",
        "victim/vfs/data/state",
        absolute.to_str().expect("UTF-8"),
        "..",
        ".",
        "",
        "victim",
        "node-plugin",
        "security\0",
        "absent",
    ];
    for (n, name) in names.iter().enumerate() {
        server.install(&format!("hostile-{n}"), &named(name), json!({}));
    }
    // One that fails when it is asked, and one that does not answer like a plugin does.
    server.install(
        "trapping",
        &GuestSource::new().define("(func (export \"plugin_id\") (param i32 i32) (result i32) unreachable)"),
        json!({}),
    );
    server.install("odd", &GuestSource::new().define("(func (export \"plugin_id\") (param f64))"), json!({}));
    let manager = server.manager();
    for id in (0..names.len()).map(|n| format!("hostile-{n}")).chain(["trapping".to_owned(), "odd".to_owned()]) {
        let status = looked_at(&server, &manager, &id).await;
        assert_eq!((&status["state"], &status["notices"]), (&json!("stopped"), &json!([])), "{id}: {status}");
        assert!(!server.config_file(&id).exists(), "{id}");
        assert!(!manager.config(&id).await.expect("a plugin").to_string().contains("word"), "{id}");
    }
    manager.stop_all().await;
}
