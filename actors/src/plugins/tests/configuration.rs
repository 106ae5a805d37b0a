//! Enabling, configuring and stopping (§1.5, §6.1, §8.2).

use std::fs;

use serde_json::{Value, json};

use super::super::PluginError;
use super::guest::GuestSource;
use super::server::{Server, patiently};

/// Reports each start with its configuration and how many this instance has had, and each stop.
fn reporter() -> GuestSource {
    GuestSource::new()
        .report("config", "test.config")
        .report("stopped", "test.stopped")
        .report("again", "test.again")
        .text("yes", "true")
        .start(
            r#"(call $report @config (local.get $at) (local.get $len))
               (if (global.get $count) (then (call $report @again @yes)))
               (global.set $count (i32.const 1)) (i32.const 0)"#,
        )
        .export("plugin_stop", "(call $report @stopped @yes) (i32.const 0)")
}

#[actix::test]
async fn a_plugin_without_configuration_is_listed_and_leaves_no_trace() {
    // ABI-1, ABI-13
    let server = Server::new().await;
    let guest = reporter().text("name", "Nice name").text("schema", r#"{"type":"object","properties":{}}"#);
    server.install("@a/quiet", &guest, json!({"description": "d"}));
    let manager = server.manager();
    let first = manager.list().await;
    assert_eq!((&first[0]["id"], &first[0]["type"]), (&json!("_a_quiet"), &json!("wasm")), "complete at once");
    let mut events = server.listen();
    let item = loop {
        let item = manager.list().await[0].clone();
        if item["name"] == "Nice name" {
            break item;
        }
        patiently(events.recv()).await.flatten().expect("an event");
    };
    assert_eq!(
        item,
        json!({
            "id": "_a_quiet", "name": "Nice name", "packageName": "@a/quiet", "keywords": ["signalk-wasm-plugin"],
            "version": "1.2.3", "description": "d", "schema": {"type": "object", "properties": {}},
            "statusMessage": "", "state": "stopped", "data": {}, "type": "wasm", "bundled": false,
        })
    );
    assert_eq!(
        manager.info("@a/quiet").await,
        Ok(
            json!({"enabled": false, "enabledByDefault": false, "id": "_a_quiet", "name": "Nice name", "version": "1.2.3"})
        )
    );
    assert_eq!(manager.config("_a_quiet").await, Ok(json!({"enabled": false, "enableDebug": false})));
    assert!(!server.directory.path().join("plugin-config-data").exists());
    assert_eq!(server.values_so_far("test.config"), [] as [Value; 0]);
    assert_eq!(manager.info("none").await, Err(PluginError::Unknown("none".into())));
    manager.stop_all().await;
}

#[actix::test]
async fn configurations_are_saved_and_given_to_the_plugin() {
    // ABI-15, ABI-16, ABI-17, ABI-18, ABI-19, ABI-22
    let mut server = Server::new().await;
    server.install("probe", &reporter(), json!({}));
    let manager = server.manager();
    let body = json!({"enabled": true, "configuration": {"b": 1.0, "a": "ø"}});
    assert_eq!(manager.save_config("probe", body).await, Ok(()));
    assert_eq!(manager.status("probe").await.expect("a plugin")["state"], "running");
    let text = fs::read_to_string(server.config_file("probe")).expect("the file");
    assert!(text.starts_with("{\n  \"configuration\": {\n    \"b\": "), "{text}");
    assert_eq!(server.values("test.config", 1).await, [json!({"b": 1, "a": "ø", "enableDebug": false})]);

    let mut file = server.saved("probe");
    file["mine"] = json!(7);
    file["enableLogging"] = json!(true);
    fs::write(server.config_file("probe"), file.to_string()).expect("written");
    assert_eq!(manager.save_config("probe", json!({"enableDebug": true})).await, Ok(()));
    let saved = json!({
        "configuration": {"b": 1.0, "a": "ø"}, "enabled": true, "enableDebug": true, "mine": 7, "enableLogging": true,
    });
    assert_eq!(server.saved("probe"), saved);
    assert_eq!(manager.config("probe").await, Ok(saved));
    assert_eq!(server.values("test.config", 2).await[1], json!({"b": 1, "a": "ø", "enableDebug": true}));
    assert_eq!(server.values("test.stopped", 1).await, [json!(true)], "one stop");
    assert_eq!(server.values("test.again", 1).await, [json!(true)], "the same instance");

    assert_eq!(manager.restart("probe").await, Ok(()));
    assert_eq!(server.values("test.config", 3).await.len(), 3);
    assert_eq!(server.values_so_far("test.again").len(), 1, "another instance");

    assert_eq!(manager.set_enabled("probe", false).await, Ok(()));
    let status = manager.status("probe").await.expect("a plugin");
    assert_eq!((&status["state"], &status["statusMessage"]), (&json!("stopped"), &json!("Stopped")));
    assert_eq!(server.values("test.stopped", 3).await.len(), 3);
    assert_eq!(manager.restart("probe").await, Err(PluginError::NotEnabled("probe".into())));
    assert_eq!(manager.save_config("probe", json!([])).await, Err(PluginError::NotAnObject));
    assert_eq!(server.saved("probe")["enabled"], false);
    manager.stop_all().await;
    assert_eq!(server.values_so_far("test.stopped").len(), 3, "a stopped plugin is not stopped again");
}

#[actix::test]
async fn a_start_that_fails_is_reported_and_saved_all_the_same() {
    let mut server = Server::new().await;
    let guest = GuestSource::new()
        .report("polled", "test.polled")
        .text("one", "1")
        .start("(i32.eq (local.get $len) (i32.const 21))")
        .export("poll", "(call $report @polled @one) (i32.const 1)");
    server.install("picky", &guest, json!({}));
    let manager = server.manager();
    let reason = "Plugin start() returned error code: 1";
    let result = manager.save_config("picky", json!({"enabled": true})).await;
    assert_eq!(result, Err(PluginError::Start(reason.into())));
    let status = manager.status("picky").await.expect("a plugin");
    assert_eq!((&status["state"], &status["errorMessage"]), (&json!("error"), &json!(reason)));
    assert_eq!((&status["crashCount"], server.saved("picky")["enabled"].clone()), (&json!(0), json!(true)));
    assert_eq!(server.values_so_far("test.polled"), [] as [Value; 0]);
    // ABI-46: polls that return something are no errors.
    assert_eq!(manager.save_config("picky", json!({"configuration": {"a": 1}})).await, Ok(()));
    server.values("test.polled", 3).await;
    assert_eq!(manager.status("picky").await.expect("a plugin")["state"], "running");
    let entry = server.board.get("picky").expect("an entry");
    assert_eq!(entry.last_error, Some(format!("Failed to start: {reason}")), "ABI-94");
    manager.stop_all().await;
}

#[actix::test]
async fn packages_and_the_environment_can_enable() {
    // ABI-14
    let mut server = Server::new().await;
    server.install("eager", &reporter(), json!({"signalk-plugin-enabled-by-default": true}));
    server.install("@x/named", &reporter(), json!({}));
    server.install("refused", &reporter(), json!({"signalk-plugin-enabled-by-default": true}));
    server.configure("refused", json!({"enabled": false}));
    server.install("undecided", &reporter(), json!({"signalk-plugin-enabled-by-default": true}));
    server.configure("undecided", json!({"configuration": {}}));
    server.settings.enabled_by_default = vec!["_x_named".into()];
    let manager = server.manager();
    assert_eq!(server.updates("test.config", 2).await.len(), 2);
    for (id, state) in [("eager", "running"), ("@x/named", "running"), ("refused", "stopped"), ("undecided", "stopped")]
    {
        server.until_state(&manager, id, state).await;
    }
    assert_eq!(server.saved("eager")["enabled"], true);
    assert!(!server.config_file("_x_named").exists());
    let list = manager.list().await;
    let named = list.iter().find(|item| item["id"] == "_x_named").expect("listed");
    assert_eq!(named["data"], json!({"enabled": true}));
    manager.stop_all().await;
}

#[actix::test]
async fn plugins_can_be_switched_off_together() {
    // ABI-20, ABI-21
    for (wasm, state) in [(true, "stopped"), (false, "disabled")] {
        let mut server = Server::new().await;
        server.install("probe", &reporter(), json!({"signalk": {"displayName": "Shown"}}));
        server.configure("probe", json!({"enabled": true}));
        server.settings.wasm_enabled = wasm;
        server.settings.disable_all = wasm;
        let mut events = server.listen();
        let manager = server.manager();
        while wasm && manager.list().await[0]["name"] != "Probe" {
            patiently(events.recv()).await.flatten().expect("an event");
        }
        let item = manager.list().await[0].clone();
        assert_eq!((&item["state"], &item["data"]["enabled"]), (&json!(state), &json!(false)));
        if !wasm {
            assert_eq!((&item["name"], &item["statusMessage"]), (&json!("Shown"), &json!("WASM interface disabled")));
        }
        assert_eq!(manager.restart("probe").await, Err(PluginError::NotEnabled("probe".into())));
        assert_eq!(manager.save_config("probe", json!({"configuration": {"a": 1}})).await, Ok(()));
        assert_eq!(server.saved("probe")["configuration"], json!({"a": 1}));
        manager.stop_all().await;
        assert_eq!(server.values_so_far("test.config"), [] as [Value; 0]);
    }
}

#[actix::test]
async fn a_plugin_reads_and_saves_its_own_configuration() {
    // ABI-42, ABI-43
    let mut server = Server::new().await;
    let guest = reporter().text("saved", r#"{"n": 2.0}"#).text("bad", "{").report("read", "test.read").export(
        "poll",
        r#"(if (i32.eqz (global.get $heap)) (then (unreachable)))
           (if (i32.eq (global.get $count) (i32.const 1)) (then
             (if (i32.ne (call $save @bad) (i32.const -1)) (then (unreachable)))
             (if (i32.ne (call $save @saved) (i32.const 0)) (then (unreachable)))
             (global.set $count (i32.const 2))
             (call $report @read (i32.const 65536) (call $read (i32.const 65536) (i32.const 100)))))
           (i32.const 0)"#,
    );
    server.install("saver", &guest, json!({}));
    server.configure("saver", json!({"enabled": true, "enableDebug": true, "configuration": {"n": 1}}));
    let manager = server.manager();
    assert_eq!(server.values("test.read", 1).await, [json!({"n": 2})]);
    assert_eq!(server.saved("saver"), json!({"enabled": true, "enableDebug": true, "configuration": {"n": 2}}));
    assert_eq!(server.values_so_far("test.config").len(), 1, "no restart");
    assert_eq!(manager.restart("saver").await, Ok(()));
    assert_eq!(server.values("test.config", 2).await[1], json!({"n": 2, "enableDebug": true}));
    manager.stop_all().await;
}
