//! The compilers that the set-up has installed for the example plugins.

use std::path::{Path, PathBuf};
use std::process::Command;

use windlass_tests::test_file;
use xtask::{Project, WasmRust};

/// Runs a program that must succeed, and returns what it printed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}

/// npm in a folder; it must find there what it needs.
pub fn npm(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder).env("npm_config_offline", "true").env("npm_config_audit", "false");
    npm
}

/// The compiler for AssemblyScript and the SDK, of an example that uses the same versions.
pub fn assembly_script_packages() -> PathBuf {
    let packages = test_file("../examples/plugins/hello-assemblyscript/node_modules");
    assert!(packages.is_dir(), "{} is missing: run `cargo xtask build-plugins`", packages.display());
    packages
}

/// Builds a Rust plugin as `cargo xtask build-plugins` builds the examples, with the crates that these have brought, and returns the
/// module.
pub fn build_rust(folder: &Path, name: &str) -> PathBuf {
    let module =
        Project::locate().and_then(|project| WasmRust::find(folder)?.build(&project, folder, name, "--offline"));
    module.unwrap_or_else(|error| panic!("{error:#}"))
}
