//! `windlass plugin install`: a folder or an archive, by way of npm, whose scripts don't run.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;
use windlass_tests::{ServerOptions, WatPlugin};

use super::toolchains::{npm, run};
use super::{Outcome, command, package, temporary, tool, write};

const ID: &str = "_me_probe";
/// Where the scripts of the package say that they were run.
const TRACE: &str = "WINDLASS_TEST_TRACE";

/// A package whose scripts leave a trace.
fn scripted(folder: &Path) {
    let script = format!("node -e \"require('fs').writeFileSync(process.env.{TRACE}, 'it ran')\"");
    let scripts = json!({"preinstall": script, "install": script, "postinstall": script, "prepare": script});
    let capabilities = json!({"putHandlers": true, "dataWrite": false, "storage": "none"});
    let description = json!({"name": "@me/probe", "scripts": scripts, "wasmCapabilities": capabilities});
    package(folder, &WatPlugin::new().wasm(), description);
}

/// The package as npm packs it.
fn archive(place: &TempDir) -> PathBuf {
    let folder = place.path().join("source");
    scripted(&folder);
    let printed = run(npm(place.path()).args(["pack", "--ignore-scripts", "--silent"]).arg(&folder));
    place.path().join(printed.trim())
}

fn install(trace: &Path, arguments: &[&str]) -> Outcome {
    let mut install: Command = command();
    install.arg("install").args(arguments).env(TRACE, trace).env("npm_config_offline", "true");
    Outcome::of(install.output().expect("the binary runs"))
}

#[tokio::test]
async fn an_archive_is_installed_without_its_scripts_and_the_server_finds_it() {
    let place = temporary();
    let archive = archive(&place);
    let (archive, trace) = (archive.to_str().unwrap(), place.path().join("trace"));
    let config = place.path().join("config");
    let outcome = install(&trace, &[archive, "--config-dir", config.to_str().unwrap()]);
    outcome.shows(&["@me/probe 1.2.3 (id _me_probe)", "asks for: ", "putHandlers", "windlass plugin enable @me/probe"]);
    let asked = outcome.out.lines().find(|line| line.contains("asks for")).unwrap_or_default();
    assert!(!asked.contains("dataWrite") && !asked.contains("storage"), "{asked}");
    outcome.succeeded();
    assert!(config.join("node_modules/@me/probe/plugin.wasm").is_file());
    assert!(!trace.exists(), "a script of the package was run");

    // The scripts are real: npm alone runs them.
    let other = place.path().join("other");
    std::fs::create_dir(&other).unwrap();
    run(npm(&other).args(["install", "--no-fund", archive, "--ignore-scripts=false"]).env(TRACE, &trace));
    assert!(trace.exists(), "npm alone would have run the scripts");

    // Once more changes nothing.
    let outcome = install(&place.path().join("other-trace"), &[archive, "--config-dir", config.to_str().unwrap()]);
    assert!(!outcome.succeeded().contains("finds new packages"));

    let files = ["package.json", "plugin.wasm"];
    let server = files.iter().fold(ServerOptions::new(), |options, name| {
        let path = format!("node_modules/@me/probe/{name}");
        options.file(path.clone(), std::fs::read(config.join(path)).expect("it was installed"))
    });
    let server = server.start().await;
    let said = tool(&["enable", "@me/probe", "--url", &server.url("")]).succeeded();
    assert_eq!(said, "@me/probe: running\n");
    assert_eq!(server.json(&format!("/skServer/plugins/{ID}/status")).await["state"], "running");
}

#[test]
fn a_folder_is_linked_without_its_scripts() {
    let place = temporary();
    let source = place.path().join("source");
    scripted(&source);
    let trace = place.path().join("trace");
    let config = place.path().join("config");
    let outcome = install(&trace, &[source.to_str().unwrap(), "--config-dir", config.to_str().unwrap()]);
    outcome.shows(&["@me/probe 1.2.3 (id _me_probe)"]);
    outcome.succeeded();
    assert!(!trace.exists(), "a script of the package was run");
    assert!(config.join("node_modules/@me/probe").is_symlink());
    // Nobody listens on this port.
    write(&config.join("settings.json"), r#"{"port":1}"#);
    let list = tool(&["list", "--config-dir", config.to_str().unwrap()]).succeeded();
    assert!(list.contains("_me_probe  1.2.3  disabled"), "{list}");
}

#[test]
fn what_can_not_be_installed_is_an_error() {
    let place = temporary();
    let config = place.path().join("config");
    let config = config.to_str().unwrap();
    let trace = place.path().join("trace");
    let outcome = install(&trace, &["./no-such-folder.tgz", "--config-dir", config]);
    assert!(outcome.failed().contains("npm ended with"));
    let outcome = install(&trace, &["--config-dir", config, "--", "--global"]);
    assert!(outcome.failed().contains("--global"));
    // A package that is no plugin.
    let plain = place.path().join("plain");
    package(&plain, b"", json!({"name": "plain", "keywords": []}));
    let outcome = install(&trace, &[plain.to_str().unwrap(), "--config-dir", config]);
    assert!(outcome.succeeded().contains("is no WASM plugin"));
}
