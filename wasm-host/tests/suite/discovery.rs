//! Finding packages.

use std::{fs, path::Path};

use serde_json::json;
use windlass_wasm_host::{
    Capabilities, CapabilityWarning, PackageProblem, PluginId, PluginPackage, Sandbox, Storage, discover,
};

/// Writes a package of `name` at `directory`, with a module unless the manifest names none.
fn package(directory: &Path, mut json: serde_json::Value) {
    fs::create_dir_all(directory).unwrap();
    if let Some(manifest) = json["wasmManifest"].as_str()
        && !manifest.is_empty()
        && !manifest.contains("missing")
        && !manifest.contains("..")
        && !manifest.starts_with('/')
    {
        let file = directory.join(manifest);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, b"\0asm\x01\0\0\0").unwrap();
    }
    if json.get("keywords").is_none() {
        json["keywords"] = json!(["signalk-wasm-plugin"]);
    }
    fs::write(directory.join("package.json"), json.to_string()).unwrap();
}

fn names(packages: &[PluginPackage]) -> Vec<&str> {
    packages.iter().map(|package| package.name.as_str()).collect()
}

#[test]
fn packages_are_found_by_keyword_and_manifest() {
    // Row: statement, keywords, manifest, expected: listed?, problem?
    for (statement, keywords, manifest, expected) in [
        ("ABI-1", json!(["signalk-wasm-plugin"]), Some("plugin.wasm"), Some(None)),
        ("ABI-2", json!(["signalk-node-server-plugin"]), Some("build/plugin.wasm"), Some(None)),
        ("ABI-2 both", json!(["x", "signalk-node-server-plugin", "signalk-wasm-plugin"]), Some("p.wasm"), Some(None)),
        ("ABI-9", json!(["signalk-wasm-plugin"]), None, Some(Some(PackageProblem::NoManifest))),
        ("ABI-9 node", json!(["signalk-node-server-plugin"]), None, Some(Some(PackageProblem::NoManifest))),
        ("another package", json!(["signalk-webapp"]), Some("plugin.wasm"), None),
        ("pages with a plugin for Node.js", json!(["signalk-webapp", "signalk-node-server-plugin"]), None, None),
        ("pages with a plugin", json!(["signalk-webapp", "signalk-node-server-plugin"]), Some("p.wasm"), Some(None)),
        ("ABI-9 pages", json!(["signalk-webapp", "signalk-wasm-plugin"]), None, Some(Some(PackageProblem::NoManifest))),
        ("no keywords", json!([]), Some("plugin.wasm"), None),
        (
            "ABI-8 missing file",
            json!(["signalk-wasm-plugin"]),
            Some("missing.wasm"),
            Some(Some(PackageProblem::ManifestMissing { manifest: "missing.wasm".into() })),
        ),
    ] {
        let root = tempfile::tempdir().unwrap();
        let mut json = json!({"name": "p", "keywords": keywords});
        if let Some(manifest) = manifest {
            json["wasmManifest"] = json!(manifest);
        }
        package(&root.path().join("p"), json);
        let found = discover(&[root.path().to_owned()]);
        assert_eq!(found.first().map(|package| package.problem.clone()), expected, "{statement}");
        if let [PluginPackage { problem: None, wasm_file, .. }] = &found[..] {
            assert!(wasm_file.as_ref().unwrap().is_file(), "{statement}");
        }
    }
}

#[test]
fn scoped_packages_get_an_id_without_at_and_slash() {
    // ABI-3
    let root = tempfile::tempdir().unwrap();
    package(
        &root.path().join("@signalk/example"),
        json!({
            "name": "@signalk/example", "version": "1.2.3", "description": "Shows how", "wasmManifest": "plugin.wasm",
            "signalk": {"displayName": "Example", "wasm": {"subscriptions": ["navigation.*"]}},
            "signalk-plugin-enabled-by-default": true, "wasmCapabilities": {"network": true},
        }),
    );
    package(&root.path().join("my-plugin"), json!({"name": "my-plugin", "wasmManifest": "plugin.wasm"}));
    package(&root.path().join("@alpha/beta"), json!({"name": "@alpha/beta", "wasmManifest": "plugin.wasm"}));
    let found = discover(&[root.path().to_owned()]);
    assert_eq!(names(&found), ["@signalk/example", "@alpha/beta", "my-plugin"]);
    let example = &found[0];
    assert_eq!(example.id, PluginId::of_package("@signalk/example"));
    assert_eq!(example.id.as_str(), "_signalk_example", "ABI-3");
    assert_eq!(
        (example.version.as_str(), example.description.as_str(), example.display_name.as_deref()),
        ("1.2.3", "Shows how", Some("Example"))
    );
    assert_eq!(example.subscriptions.as_deref(), Some(&["navigation.*".to_owned()][..]));
    assert!(example.enabled_by_default && example.capabilities.network.is_granted() && !example.bundled);
    assert_eq!(found[2].id.as_str(), "my-plugin");
    assert!(!found[2].enabled_by_default && found[2].subscriptions.is_none());
}

#[cfg(unix)]
#[test]
fn linked_packages_and_scopes_are_followed() {
    // ABI-4
    use std::os::unix::fs::symlink;
    let elsewhere = tempfile::tempdir().unwrap();
    package(&elsewhere.path().join("work"), json!({"name": "linked", "wasmManifest": "build/plugin.wasm"}));
    package(&elsewhere.path().join("scope/inner"), json!({"name": "@scope/inner", "wasmManifest": "plugin.wasm"}));
    let root = tempfile::tempdir().unwrap();
    symlink(elsewhere.path().join("work"), root.path().join("linked")).unwrap();
    symlink(elsewhere.path().join("scope"), root.path().join("@scope")).unwrap();
    symlink("/nowhere/at/all", root.path().join("dangling")).unwrap();
    let found = discover(&[root.path().to_owned()]);
    assert_eq!(names(&found), ["@scope/inner", "linked"]);
    assert!(found.iter().all(|package| package.problem.is_none()), "ABI-4 {found:?}");
    assert_eq!(found[1].directory, root.path().join("linked"), "the place is not resolved");
}

#[test]
fn hidden_directories_and_broken_packages_do_not_stop_the_scan() {
    // ABI-5
    let root = tempfile::tempdir().unwrap();
    package(&root.path().join(".hidden"), json!({"name": ".hidden", "wasmManifest": "plugin.wasm"}));
    package(&root.path().join(".bin/x"), json!({"name": "x", "wasmManifest": "plugin.wasm"}));
    fs::create_dir_all(root.path().join("empty")).unwrap();
    fs::create_dir_all(root.path().join("@empty-scope")).unwrap();
    fs::write(root.path().join("a-file"), "").unwrap();
    for (name, text) in [
        ("broken", "{"),
        ("binary", "\u{0}\u{1}"),
        ("array", "[]"),
        ("broken-plugin", r#"{"name": "broken-plugin", "keywords": ["signalk-wasm-plugin"],"#),
    ] {
        fs::create_dir_all(root.path().join(name)).unwrap();
        fs::write(root.path().join(name).join("package.json"), text).unwrap();
    }
    package(&root.path().join("good"), json!({"name": "good", "wasmManifest": "plugin.wasm"}));
    let found = discover(&[root.path().to_owned(), root.path().join("does-not-exist")]);
    assert_eq!(names(&found), ["broken-plugin", "good"], "ABI-5");
    assert!(matches!(found[0].problem, Some(PackageProblem::BadPackageJson { .. })));
    assert_eq!(found[1].problem, None);
}

#[test]
fn manifests_that_are_no_paths_are_listed_with_the_reason() {
    // ABI-9: values that JavaScript takes for false are as good as none.
    for (manifest, expected) in [
        (json!(null), PackageProblem::NoManifest),
        (json!(false), PackageProblem::NoManifest),
        (json!(""), PackageProblem::NoManifest),
        (json!(true), PackageProblem::ManifestNotText { found: "true".into() }),
        (json!(["p.wasm"]), PackageProblem::ManifestNotText { found: "[\"p.wasm\"]".into() }),
        (json!({"path": 1}), PackageProblem::ManifestNotText { found: "{\"path\":1}".into() }),
    ] {
        let root = tempfile::tempdir().unwrap();
        package(&root.path().join("p"), json!({"name": "p", "main": "index.js", "wasmManifest": manifest}));
        let found = discover(&[root.path().to_owned()]);
        assert_eq!(found[0].problem.as_ref(), Some(&expected), "{manifest}");
        assert_eq!(found[0].wasm_file, None);
    }
    assert_eq!(PackageProblem::NoManifest.to_string(), "Missing wasmManifest in package.json", "ABI-9");
}

#[test]
fn plugins_never_vanish_for_the_way_their_package_json_is_written() {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in [
        // A byte order mark, and keywords in one text.
        ("bom", "\u{feff}{\"name\": \"bom\", \"keywords\": [\"signalk-wasm-plugin\"], \"wasmManifest\": \"p.wasm\"}"),
        ("words", r#"{"name": "words", "keywords": "boat, signalk-wasm-plugin x", "wasmManifest": "p.wasm"}"#),
        // Everything of a wrong type but the keywords.
        (
            "types",
            r#"{"name": "types", "keywords": [1, null, "signalk-wasm-plugin"], "wasmManifest": "p.wasm", "version": 7,
                "description": [], "signalk": "x", "wasmCapabilities": 5}"#,
        ),
        ("node", r#"{"name": "node", "keywords": ["signalk-node-server-plugin"],,}"#),
        ("other", r#"{"name": "other", "keywords": ["express"],,}"#),
    ] {
        fs::create_dir_all(root.path().join(name)).unwrap();
        fs::write(root.path().join(name).join("package.json"), text).unwrap();
        fs::write(root.path().join(name).join("p.wasm"), b"\0asm\x01\0\0\0").unwrap();
    }
    let found = discover(&[root.path().to_owned()]);
    assert_eq!(names(&found), ["bom", "node", "types", "words"]);
    assert!(matches!(found[1].problem, Some(PackageProblem::BadPackageJson { .. })));
    for usable in [&found[0], &found[2], &found[3]] {
        assert_eq!(usable.problem, None, "{}", usable.name);
    }
    assert_eq!((found[2].version.as_str(), found[2].keywords.len()), ("", 1));
    assert_eq!(found[2].capability_warnings.len(), 1);
}

#[test]
fn the_first_root_wins() {
    // ABI-6
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    package(&first.path().join("both"), json!({"name": "both", "version": "1", "wasmManifest": "plugin.wasm"}));
    package(&second.path().join("both"), json!({"name": "both", "version": "2", "wasmManifest": "plugin.wasm"}));
    package(&second.path().join("own"), json!({"name": "own", "wasmManifest": "plugin.wasm"}));
    let roots = [first.path().to_owned(), second.path().to_owned(), first.path().join(".")];
    let found = discover(&roots);
    assert_eq!(names(&found), ["both", "own"], "ABI-6");
    assert_eq!(found[0].version, "1");
    assert!(!found[0].bundled && found[1].bundled);
    assert!(found.iter().all(|package| package.problem.is_none()));
}

#[test]
fn manifests_outside_the_package_are_refused() {
    // ABI-7
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("outside.wasm"), b"\0asm\x01\0\0\0").unwrap();
    for (name, manifest) in [
        ("up", "../outside.wasm".to_owned()),
        ("up-and-down", "build/../../outside.wasm".to_owned()),
        ("nowhere", "../../does-not-exist.wasm".to_owned()),
        ("absolute", root.path().join("outside.wasm").display().to_string()),
    ] {
        package(&root.path().join(name), json!({"name": name, "wasmManifest": manifest}));
        fs::create_dir_all(root.path().join(name).join("build")).unwrap();
        let found = discover(&[root.path().to_owned()]);
        let package = found.iter().find(|package| package.name == name).unwrap();
        assert_eq!(package.problem, Some(PackageProblem::ManifestOutside { manifest }), "ABI-7 {name}");
        assert_eq!(package.wasm_file, None);
    }
    #[cfg(unix)]
    {
        package(&root.path().join("link"), json!({"name": "link", "wasmManifest": "plugin.wasm"}));
        fs::remove_file(root.path().join("link/plugin.wasm")).unwrap();
        std::os::unix::fs::symlink("../outside.wasm", root.path().join("link/plugin.wasm")).unwrap();
        let found = discover(&[root.path().to_owned()]);
        let package = found.iter().find(|package| package.name == "link").unwrap();
        assert!(matches!(package.problem, Some(PackageProblem::ManifestOutside { .. })), "ABI-7 link");
    }
    package(&root.path().join("folder"), json!({"name": "folder", "wasmManifest": "plugin.wasm"}));
    fs::remove_file(root.path().join("folder/plugin.wasm")).unwrap();
    fs::create_dir(root.path().join("folder/plugin.wasm")).unwrap();
    let found = discover(&[root.path().to_owned()]);
    let package = found.iter().find(|package| package.name == "folder").unwrap();
    assert!(matches!(package.problem, Some(PackageProblem::ManifestNotAFile { .. })));
}

#[test]
fn of_two_packages_with_one_id_the_second_is_refused() {
    // ABI-10
    let root = tempfile::tempdir().unwrap();
    package(&root.path().join("@a/b"), json!({"name": "@a/b", "wasmManifest": "plugin.wasm"}));
    package(&root.path().join("_a_b"), json!({"name": "_a_b", "wasmManifest": "plugin.wasm"}));
    let found = discover(&[root.path().to_owned()]);
    assert_eq!(names(&found), ["@a/b", "_a_b"]);
    assert_eq!(found[0].problem, None, "ABI-10");
    assert_eq!(
        found[1].problem,
        Some(PackageProblem::DuplicateId { id: PluginId::of_package("@a/b"), taken_by: "@a/b".into() }),
        "ABI-10"
    );
}

#[test]
fn the_directory_must_bear_the_packages_name() {
    let root = tempfile::tempdir().unwrap();
    package(&root.path().join("renamed"), json!({"name": "original", "wasmManifest": "plugin.wasm"}));
    package(&root.path().join("nameless"), json!({"wasmManifest": "plugin.wasm"}));
    let found = discover(&[root.path().to_owned()]);
    assert_eq!(names(&found), ["nameless", "renamed"]);
    assert!(found.iter().all(|package| matches!(package.problem, Some(PackageProblem::WrongName { .. }))));
}

#[test]
fn capabilities_have_defaults_and_strict_types() {
    let (defaults, warnings) = Capabilities::from_package_json(&json!({}));
    assert_eq!(defaults, Capabilities::default());
    assert!(warnings.is_empty());
    assert!(
        defaults.data_read
            && defaults.data_write
            && defaults.storage == Storage::VfsOnly
            && !defaults.network.is_granted()
    );
    assert_eq!(defaults.http_endpoints, None);

    let (nested, _) = Capabilities::from_package_json(&json!({
        "wasmCapabilities": {"network": false},
        "signalk": {"wasmCapabilities": {"network": true, "rawSockets": true}},
    }));
    assert!(
        !nested.network.is_granted() && nested.raw_sockets.is_granted(),
        "the top level wins, otherwise the nested key counts"
    );

    let (strict, warnings) = Capabilities::from_package_json(&json!({"wasmCapabilities": {
        "network": "yes", "dataWrite": 0, "storage": "everything", "httpEndpoints": "no", "putHandlers": true, "flying": true,
        "dataRead": false,
    }}));
    let expected = Capabilities { put_handlers: true, data_read: false, ..Capabilities::default() };
    assert_eq!(strict, expected);
    assert_eq!(warnings.len(), 5);
    assert!(warnings.contains(&CapabilityWarning::UnknownKey { key: "flying".into() }));
    let (whole, warnings) = Capabilities::from_package_json(&json!({"wasmCapabilities": true}));
    assert_eq!(whole, Capabilities::default());
    assert!(matches!(warnings[..], [CapabilityWarning::NotAnObject { .. }]));
    assert_eq!(
        Capabilities::from_package_json(&json!({"wasmCapabilities": {"httpEndpoints": false}})).0.http_endpoints,
        Some(false)
    );
}

#[test]
fn the_sandbox_follows_the_package() {
    let root = tempfile::tempdir().unwrap();
    package(
        &root.path().join("@a/b"),
        json!({"name": "@a/b", "version": "3.1.4", "wasmManifest": "p.wasm", "wasmCapabilities": {"storage": "none"}}),
    );
    package(&root.path().join("c"), json!({"name": "c", "wasmManifest": "p.wasm"}));
    let found = discover(&[root.path().to_owned()]);
    let without = Sandbox::of(&found[0], root.path().join("vfs"));
    assert_eq!(without.vfs_root, None, "ABI-30");
    let environment: Vec<_> = without.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        environment,
        ["PLUGIN_ID=@a/b", "SIGNALK_PLUGIN_ID=_a_b", "SIGNALK_PACKAGE_NAME=@a/b", "SIGNALK_PLUGIN_VERSION=3.1.4"]
    );
    assert_eq!(Sandbox::of(&found[1], root.path().join("vfs")).vfs_root, Some(root.path().join("vfs")));
    assert_eq!(Sandbox::scratch(&found[1]).vfs_root, None);
}
