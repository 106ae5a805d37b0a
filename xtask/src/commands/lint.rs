//! `lint`: everything that can be said about the code without running it. All checks run, also when
//! one of them fails: one look shows everything.

use crate::project::Project;
use crate::setup::{
    self,
    plugins::{native_cargo, rust_crates, rust_sdk},
};
use crate::step::{Done, chapter, step};
use crate::tool::Tool;
use anyhow::{Result, bail};
use std::ffi::OsStr;
use std::path::PathBuf;

const DENY_VERSION: &str = "0.20.2";
const CLIPPY: [&str; 4] = ["--all-targets", "--", "-D", "warnings"];

/// What is checked, and how.
type Check = (&'static str, fn(&Project) -> Result<()>);

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    super::no_args(args)?;
    let checks: [Check; 5] = [
        ("checking the formatting", format),
        ("checking with clippy", clippy),
        ("checking the documentation", documentation),
        ("checking the types of the UI", setup::check_ui),
        ("checking dependencies and licences", dependencies),
    ];
    let failed: Vec<_> = checks
        .into_iter()
        .filter_map(|(what, check)| chapter(what, || check(project)).err())
        .map(|error| format!("{error:#}"))
        .collect();
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}

fn format(project: &Project) -> Result<()> {
    let mut result = project.cargo(&["fmt", "--all", "--check"]).hint("`cargo fmt --all` puts it right").loud();
    for dir in rust_crates(project) {
        let hint = format!("`cargo fmt` in {} puts it right", dir.display());
        result = result.and(native_cargo(project, &dir, &["fmt", "--check"]).hint(hint).loud());
    }
    result
}

fn clippy(project: &Project) -> Result<()> {
    // The profile of the product, so that build scripts and macros are compiled once.
    project.cargo(&["clippy", "--release", "--workspace"]).args(CLIPPY).loud()?;
    for dir in rust_crates(project) {
        native_cargo(project, &dir, &["clippy", "--locked"]).args(CLIPPY).loud()?;
    }
    Ok(())
}

fn documentation(project: &Project) -> Result<()> {
    project
        .cargo(&["doc", "--release", "--workspace", "--no-deps", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .loud()?;
    // What the authors of plugins read.
    native_cargo(project, &rust_sdk(project), &["doc", "--locked", "--no-deps", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .loud()
}

fn dependencies(project: &Project) -> Result<()> {
    let deny = install_deny(project)?;
    for dir in std::iter::once(project.root.clone()).chain(rust_crates(project)) {
        Tool::new(&deny)
            .args([OsStr::new("--manifest-path"), dir.join("Cargo.toml").as_os_str()])
            .args(["--config", "deny.toml", "check"])
            // One list for all: what only another needs is no news. A crate whose manifest names no
            // licence is judged by its licence file.
            .args(["--allow", "license-not-encountered"])
            .args(["--allow", "license-exception-not-encountered"])
            .args(["--allow", "no-license-field"])
            // The database of advisories is a git repository, which build machines may not reach.
            .args(["bans", "licenses"])
            .dir(&project.root)
            .hint("deny.toml gives the reasons")
            .loud()?;
    }
    Ok(())
}

/// Finds cargo-deny in the cache, or builds it there.
fn install_deny(project: &Project) -> Result<PathBuf> {
    let tools = project.cache.join("tools");
    let deny = tools.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    step("installing cargo-deny", || {
        let version = Tool::new(&deny).args(["--version"]).read();
        if version.is_ok_and(|version| version == format!("cargo-deny {DENY_VERSION}")) {
            return Ok(Done::UpToDate);
        }
        project
            .cargo(&["install", "cargo-deny", "--locked", "--force"])
            .args(["--version", DENY_VERSION, "--root"])
            .args([&tools])
            // Not in the target directory of the server, which would wait for this and keep it.
            .env("CARGO_TARGET_DIR", tools.join("target"))
            .quiet()?;
        crate::stamp::remove(&tools.join("target"))?;
        Ok(Done::Made)
    })?;
    Ok(deny)
}
