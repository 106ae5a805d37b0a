//! The demo in a configuration directory of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use windlass_tests::{Server, ServerOptions, demo_plugins};

/// The demo with this folder for the user's caches; temporary files go to a folder beside it.
async fn demo(home: &TempDir) -> Server {
    let temporary = home.path().join("tmp");
    fs::create_dir_all(&temporary).expect("a folder can be made");
    let server = ServerOptions::new()
        .argument("--demo")
        .without_directory()
        .environment("WINDLASS_DEMO_PLUGINS", demo_plugins())
        .environment("HOME", home.path())
        .environment("XDG_CACHE_HOME", "")
        .environment("TMPDIR", temporary)
        .environment("DEBUG", "signalk:wasm:loader")
        .start()
        .await;
    for plugin in ["anchor-watch", "true-wind"] {
        let status = format!("/skServer/plugins/_windlass_{plugin}/status");
        server.eventually(&status, |status| status["state"] == "running").await;
    }
    server
}

/// Where the module of a plugin that is enabled in the demo came from.
async fn origin(server: &Server, plugin: &str) -> &'static str {
    let line = server.logs().wait_for(&["[_windlass_", plugin, "]"]).await;
    match (line.contains("Compiled"), line.contains("Cached")) {
        (true, false) => "compiled",
        (false, true) => "cached",
        _ => panic!("{line}"),
    }
}

fn modules(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the cache").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn what_the_demo_has_compiled_outlives_its_temporary_directory() {
    let home = tempfile::tempdir().expect("a temporary directory can be made");
    let cache = home.path().join(".cache/windlass/modules");
    let first = demo(&home).await;
    for plugin in ["anchor-watch", "true-wind"] {
        assert_eq!(origin(&first, plugin).await, "compiled", "{plugin}");
    }
    let ended = first.interrupt().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.logs.tail());
    assert!(modules(&home.path().join("tmp")).is_empty(), "its configuration is gone");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let compiled = modules(&cache);
    assert!(compiled.len() >= 2, "{compiled:?}");
    assert_eq!((mode(&cache), mode(&compiled[0])), (0o700, 0o600));

    let second = demo(&home).await;
    for plugin in ["anchor-watch", "true-wind"] {
        assert_eq!(origin(&second, plugin).await, "cached", "{plugin}");
    }
    drop(second);

    // What others could have put there is machine code that would run as the user.
    let planted = cache.join("planted.module");
    fs::write(&planted, "machine code").expect("it is ours");
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).expect("it is ours");
    let third = demo(&home).await;
    third.logs().wait_for(&["WARN", "module cache", "others could write"]).await;
    for plugin in ["anchor-watch", "true-wind"] {
        assert_eq!(origin(&third, plugin).await, "compiled", "{plugin}");
    }
    assert_eq!((mode(&cache), planted.exists()), (0o700, false));
}
