//! The compilers that the set-up has installed for the example plugins.

use std::path::{Path, PathBuf};
use std::process::Command;

use windlass_tests::test_file;

const TARGET: &str = "wasm32-wasip1";
/// What cargo sets for the test, and would turn another cargo's build into something else.
const OUTER: [&str; 8] = [
    "RUSTC",
    "RUSTDOC",
    "CARGO",
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "CARGO_BUILD_TARGET",
    "LD_LIBRARY_PATH",
];

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
pub fn build_rust(folder: &Path, module: &str) -> PathBuf {
    let has_target = |list: &str| list.lines().any(|line| line == TARGET);
    let rustup = outside(Command::new("rustup")).args(["target", "list", "--installed"]).current_dir(folder).output();
    let mut cargo = match rustup {
        Ok(output) if has_target(&String::from_utf8_lossy(&output.stdout)) => outside(Command::new("cargo")),
        _ => debian_cargo(),
    };
    let target = cache().join("wasm-target");
    cargo
        .args(["build", "--offline", "--release", "--target", TARGET, "--target-dir"])
        .arg(&target)
        .current_dir(folder);
    if cargo.get_program() != "cargo" {
        cargo.arg("-Zbuild-std=std,panic_abort");
    }
    run(&mut cargo);
    target.join(TARGET).join("release").join(format!("{module}.wasm"))
}

/// The cargo of Debian's packages, with which the standard library is built from source.
fn debian_cargo() -> Command {
    let version = run(outside(Command::new("/usr/bin/rustc")).arg("-vV"));
    let llvm = version.lines().find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next());
    let llvm = llvm.expect("there is a Rust compiler for WASM: run `cargo xtask build-plugins`, which installs one");
    let mut cargo = outside(Command::new("/usr/bin/cargo"));
    cargo
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTDOC", "/usr/bin/rustdoc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_WASIP1_LINKER", format!("lld-{llvm}"))
        .env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", "-Clink-self-contained=no -Lnative=/usr/lib/wasm32-wasi");
    cargo
}

fn outside(mut command: Command) -> Command {
    for name in OUTER {
        command.env_remove(name);
    }
    command
}

/// Where the set-up keeps what it has built.
fn cache() -> PathBuf {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    home.expect("HOME or XDG_CACHE_HOME is set").join("windlass")
}
