//! Plugins in Rust, and the SDK they use. None of these crates is a member of the workspace: they are
//! laid out as their authors would lay them out.

use super::{EXAMPLES, Example, Language, MODULE};
use crate::project::Project;
use crate::setup::wasm_rust::WasmRust;
use crate::stamp::{self, Inputs};
use crate::step::step;
use crate::tool::Tool;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The SDK's folder.
pub fn sdk(project: &Project) -> PathBuf {
    project.root.join("examples/sdk/rust")
}

/// The folders of all Rust crates that are no members of the workspace: the SDK and the plugins.
pub fn crates(project: &Project) -> Vec<PathBuf> {
    let plugins = EXAMPLES.iter().filter(|example| example.language == Language::Rust);
    std::iter::once(sdk(project)).chain(plugins.map(|example| example.dir(project))).collect()
}

/// Cargo on this machine, for one of [`crates`].
pub fn native_cargo(project: &Project, dir: &Path, args: &[&str]) -> Tool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Tool::new(cargo).args(args).dir(dir).env("CARGO_TARGET_DIR", project.cache.join("plugin-target"))
}

/// Runs the tests of one of [`crates`] on this machine.
pub fn test(project: &Project, dir: &Path) -> Result<()> {
    native_cargo(project, dir, &["test", "--locked"]).loud()
}

/// Builds the module, if a source of the plugin or of the SDK changed.
pub fn build(project: &Project, example: Example) -> Result<()> {
    let dir = example.dir(project);
    let rust = WasmRust::find(&dir)?;
    step(&format!("building the plugin {}", example.name), || {
        let inputs = Inputs::default()
            .files(&dir, &[MODULE, "target"])?
            .files(&sdk(project), &["target"])?
            .text(&rust.version(&dir)?);
        let output = dir.join(MODULE);
        stamp::make(project, example.name, inputs, &output, || {
            let built = rust.build(project, &dir, example.name, "--locked")?;
            std::fs::copy(&built, &output).with_context(|| built.display().to_string())?;
            Ok(())
        })
    })
}
