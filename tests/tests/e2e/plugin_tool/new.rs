//! `windlass plugin new`: what it writes is complete, and works.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::toolchains::{assembly_script_packages, build_rust, npm, run};
use super::{Outcome, command, temporary, tool, write};

const LANGUAGES: [(&str, &str); 4] =
    [("rust", "src/lib.rs"), ("assemblyscript", "assembly/index.ts"), ("go", "main.go"), ("c", "src/plugin.c")];

fn make(language: &str, folder: &Path) {
    let folder = folder.to_str().expect("a path in UTF-8");
    tool(&["new", "@me/depth-keeper", "--lang", language, "--dir", folder]).succeeded();
}

/// Checks a plugin that was made and built, and looks at what all four do.
fn works(folder: &Path) {
    let outcome = tool(&[Path::new("check"), folder]);
    outcome.shows(&[
        "@me/depth-keeper 0.1.0, id _me_depth-keeper",
        "plugin_name     Depth keeper",
        "plugin_schema   1 setting: offset",
        "http_endpoints  GET /api/depth",
        "status: Waiting for environment.depth.belowTransducer",
        r#"{"path":"plugins.depthKeeper.leastDepth","value":null}"#,
        "status: Least depth 7",
        "It runs.",
    ]);
    for bad in ["warning:", "note:"] {
        assert!(!outcome.out.contains(bad), "{}", outcome.out);
    }
    outcome.succeeded();
}

#[test]
fn a_plugin_is_written_in_each_language_and_nothing_is_overwritten() {
    for (language, source) in LANGUAGES {
        let place = temporary();
        let new = || {
            let mut new = command();
            new.current_dir(place.path()).args(["new", "@me/depth-keeper", "--lang", language]);
            Outcome::of(new.output().expect("the binary runs"))
        };
        let outcome = new();
        outcome.shows(&["_me_depth-keeper", source, "package.json", "README.md", "windlass plugin check ."]);
        outcome.succeeded();
        let folder = place.path().join("depth-keeper");
        let package: Json = serde_json::from_slice(&std::fs::read(folder.join("package.json")).unwrap()).unwrap();
        assert_eq!(package["name"], "@me/depth-keeper", "{language}");
        assert!(folder.join(source).is_file(), "{language}");

        write(&folder.join("package.json"), "mine");
        std::fs::remove_file(folder.join("README.md")).unwrap();
        let reason = new().failed();
        assert!(reason.contains("already") && reason.contains("--dir"), "{reason}");
        assert_eq!(std::fs::read_to_string(folder.join("package.json")).unwrap(), "mine", "{language}");
        assert!(!folder.join("README.md").exists(), "half of it was written: {language}");
    }
}

#[test]
fn what_can_not_be_is_refused() {
    for name in ["Depth", "../up", "@me", "a b", ""] {
        let reason = tool(&["new", name, "--lang", "c", "--dir", "/nonexistent/x"]).failed();
        assert!(reason.contains("package name"), "{reason}");
    }
    let outcome = tool(&["new", "depth", "--lang", "cobol"]);
    assert!(!outcome.success && outcome.err.contains("assemblyscript"), "{outcome:?}");
    let place = temporary();
    write(&place.path().join("taken"), "a file");
    let taken = place.path().join("taken/below");
    let reason = tool(&["new", "depth", "--lang", "c", "--dir", taken.to_str().unwrap()]).failed();
    assert!(reason.contains("taken"), "{reason}");
}

#[test]
fn the_plugin_in_assemblyscript_is_built_tested_and_runs() {
    let place = temporary();
    make("assemblyscript", place.path());
    symlink(assembly_script_packages(), place.path().join("node_modules")).unwrap();
    run(npm(place.path()).args(["run", "build"]));
    run(npm(place.path()).arg("test"));
    works(place.path());
}

#[test]
fn the_plugin_in_rust_is_built_and_runs() {
    let place = temporary();
    make("rust", place.path());
    let module = build_rust(place.path(), "depth-keeper");
    std::fs::copy(module, place.path().join("plugin.wasm")).unwrap();
    works(place.path());
}

#[test]
fn the_tests_of_the_plugin_in_c_pass() {
    let place = temporary();
    make("c", place.path());
    let printed = run(npm(place.path()).arg("test"));
    assert!(printed.contains("all is well"), "{printed}");
    // The tests can fail.
    let source = place.path().join("src/depth.c");
    let broken = std::fs::read_to_string(&source).unwrap().replace("value += depth->offset;", "");
    write(&source, broken);
    let output = Command::new("npm").arg("test").current_dir(place.path()).output().expect("npm runs");
    assert!(!output.status.success());
}
