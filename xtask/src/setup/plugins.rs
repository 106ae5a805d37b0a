//! The example plugins: built in their source folders, then copied to where the demo finds them.

use super::node;
use super::wasm_rust::{TARGET, WasmRust};
use crate::project::Project;
use crate::stamp::{self, Inputs, remove};
use crate::step::step;
use crate::tool::Tool;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

const ANCHOR_WATCH: &str = "anchor-watch";
const TRUE_WIND: &str = "true-wind";
const MODULE: &str = "plugin.wasm";

/// Builds the plugins whose sources changed, and returns a `node_modules` that has them all.
pub fn build(project: &Project) -> Result<PathBuf> {
    anchor_watch(project)?;
    true_wind(project)?;
    let node_modules = project.checkout.join("demo/node_modules");
    let scope = node_modules.join("@windlass");
    // A plugin that is no longer among the examples must not stay in the demo.
    remove(&scope)?;
    for name in [ANCHOR_WATCH, TRUE_WIND] {
        publish(&project.plugins().join(name), &scope.join(name))
            .with_context(|| format!("copying the plugin {name}"))?;
    }
    Ok(node_modules)
}

/// Runs the plugins' own tests: the Rust one's on this machine, the AssemblyScript one's in Node.js.
pub fn test(project: &Project) -> Result<()> {
    native_cargo(project, &["test", "--locked"]).loud()?;
    node::npm(&project.plugins().join(TRUE_WIND), &["test"]).loud()
}

/// Cargo for the Rust plugin on this machine; the plugin is no member of the workspace.
pub fn native_cargo(project: &Project, args: &[&str]) -> Tool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Tool::new(cargo)
        .args(args)
        .dir(project.plugins().join(ANCHOR_WATCH))
        .env("CARGO_TARGET_DIR", project.cache.join("plugin-target"))
}

fn anchor_watch(project: &Project) -> Result<()> {
    let dir = project.plugins().join(ANCHOR_WATCH);
    let rust = WasmRust::find(&dir)?;
    step("building the plugin anchor-watch", || {
        let inputs = Inputs::default().files(&dir, &[MODULE, "target"])?.text(&rust.version(&dir)?);
        let output = dir.join(MODULE);
        stamp::make(project, ANCHOR_WATCH, inputs, &output, || {
            // One directory for all Rust plugins, so that a standard library is built once.
            let target = project.cache.join("wasm-target");
            let built = target.join(TARGET).join("release/anchor_watch.wasm");
            remove(&built)?;
            rust.cargo(&dir)
                .args(["build", "--locked", "--release", "--target", TARGET])
                .args(rust.build_args())
                .env("CARGO_TARGET_DIR", &target)
                .hint("WASM_RUST=rustup or WASM_RUST=debian chooses another compiler")
                .quiet()?;
            std::fs::copy(&built, &output).with_context(|| built.display().to_string())?;
            Ok(())
        })
    })
}

fn true_wind(project: &Project) -> Result<()> {
    let dir = project.plugins().join(TRUE_WIND);
    step("installing the AssemblyScript compiler", || node::install(&dir))?;
    step("building the plugin true-wind", || {
        let inputs = Inputs::default().files(&dir, &[MODULE, "node_modules", "tests"])?.text(&node::version()?);
        stamp::make(project, TRUE_WIND, inputs, &dir.join(MODULE), || {
            node::npm(&dir, &["run", "build"]).hint("the output says which source is wrong").quiet()
        })
    })
}

/// Copies what npm would publish: the description, the module, and static files if there are any.
fn publish(source: &Path, target: &Path) -> Result<()> {
    std::fs::create_dir_all(target)?;
    for file in ["package.json", MODULE] {
        std::fs::copy(source.join(file), target.join(file)).context(file)?;
    }
    let public = source.join("public");
    if public.is_dir() {
        copy_dir(&public, &target.join("public"))?;
    }
    Ok(())
}

fn copy_dir(source: &Path, target: &Path) -> Result<()> {
    std::fs::create_dir_all(target)?;
    for entry in std::fs::read_dir(source)? {
        let path = entry?.path();
        let copy = target.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_dir(&path, &copy)?;
        } else {
            std::fs::copy(&path, &copy).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}
