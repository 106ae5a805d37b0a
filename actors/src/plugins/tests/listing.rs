//! Packages that can't run are listed with the reason; the end of the server stops those that do.

use std::collections::HashSet;
use std::fs;

use serde_json::json;

use super::super::PluginError;
use super::guest::GuestSource;
use super::server::Server;

#[actix::test]
async fn broken_packages_are_listed_with_distinct_reasons() {
    // ABI-5, ABI-7, ABI-8, ABI-9, ABI-10
    let server = Server::new().await;
    let good = GuestSource::new();
    let wasm = good.wasm();
    server.install("good", &good, json!({}));
    server.configure("good", json!({"enabled": true}));
    server.install("no-manifest", &good, json!({"wasmManifest": null}));
    server.install("missing", &good, json!({"wasmManifest": "none.wasm"}));
    server.install("outside", &good, json!({"wasmManifest": "../good/plugin.wasm"}));
    server.install_bytes("not-wasm", b"#!/bin/sh", json!({}));
    server.install_bytes("component", b"\0asm\x0d\0\x01\0", json!({}));
    server.install_bytes("truncated", &wasm[..wasm.len() / 2], json!({}));
    server.install_bytes("no-exports", b"\0asm\x01\0\0\0", json!({}));
    server.install("@a/b", &good, json!({}));
    server.install("_a_b", &good, json!({}));
    let manager = server.manager();
    assert_eq!(manager.list().await.len(), 10, "complete at once");
    server.until_state(&manager, "good", "running").await;
    let mut reasons = HashSet::new();
    for id in ["no-manifest", "missing", "outside", "not-wasm", "component", "truncated", "no-exports"] {
        let status = server.until_state(&manager, id, "error").await;
        let reason = status["statusMessage"].as_str().expect("a text").to_owned();
        assert!(!reason.is_empty() && reasons.insert(reason), "{status}");
    }
    assert!(reasons.contains("Missing wasmManifest in package.json"), "{reasons:?}");
    let list = manager.list().await;
    let names: Vec<_> = list.iter().map(|item| item["name"].as_str().expect("a name")).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    let twins: Vec<_> = list.iter().filter(|item| item["id"] == "_a_b").collect();
    let states: Vec<_> = twins.iter().map(|twin| (&twin["packageName"], &twin["state"])).collect();
    assert!(states.contains(&(&json!("_a_b"), &json!("error"))), "{states:?}");
    assert!(!states.contains(&(&json!("@a/b"), &json!("error"))), "{states:?}");
    // The configuration of a plugin that can't run can be saved all the same.
    let saved = manager.save_config("no-manifest", json!({"enabled": true})).await;
    assert_eq!(saved, Err(PluginError::Start("Missing wasmManifest in package.json".into())));
    assert_eq!(server.saved("no-manifest")["enabled"], true);
    manager.stop_all().await;
}

#[actix::test]
async fn the_end_of_the_server_stops_each_running_plugin_once() {
    // ABI-91
    let mut server = Server::new().await;
    let guest = GuestSource::new()
        .report("stopped", "test.stopped")
        .text("yes", "true")
        .export("plugin_stop", "(call $report @stopped @yes) (i32.const 0)");
    for id in ["one", "two", "off"] {
        server.install(id, &guest, json!({}));
        server.configure(id, json!({"enabled": id != "off"}));
    }
    let manager = server.manager();
    for id in ["one", "two"] {
        server.until_state(&manager, id, "running").await;
    }
    manager.stop_all().await;
    manager.stop_all().await;
    let mut stopped: Vec<_> = server.updates("test.stopped", 2).await.into_iter().map(|(source, _)| source).collect();
    stopped.sort();
    assert_eq!(stopped, ["one", "two"]);
    let error = manager.set_enabled("off", true).await.expect_err("too late");
    assert_eq!(error, PluginError::ShutDown("off".into()));
}

#[actix::test]
async fn a_schema_that_is_no_json_costs_the_settings_page_only() {
    let server = Server::new().await;
    server.install("odd", &GuestSource::new().text("schema", "{oops").text("name", ""), json!({}));
    server.configure("odd", json!({"enabled": true}));
    let manager = server.manager();
    let status = server.until_state(&manager, "odd", "running").await;
    assert!(status["notices"][0].as_str().is_some_and(|text| text.contains("schema")), "{status}");
    let item = manager.list().await[0].clone();
    assert_eq!((&item["name"], &item["schema"]), (&json!("odd"), &json!({})));
    manager.stop_all().await;
}

#[actix::test]
async fn files_of_a_plugin_are_its_own_and_are_measured() {
    let server = Server::new().await;
    server.install("@s/files", &GuestSource::new(), json!({}));
    server.configure("_s_files", json!({"enabled": true}));
    let manager = server.manager();
    let status = server.until_state(&manager, "_s_files", "running").await;
    let root = server.directory.path().join("plugin-config-data/_s_files/vfs");
    assert_eq!(status["vfs"]["totalBytes"], 0, "{status}");
    fs::create_dir_all(root.join("data")).expect("a directory");
    fs::write(root.join("data/state"), "12345").expect("written");
    let status = manager.status("@s/files").await.expect("a plugin");
    assert_eq!(status["vfs"]["totalBytes"], 5, "{status}");
    manager.stop_all().await;
}
