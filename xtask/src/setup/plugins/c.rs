//! Plugins in C: all files of the folder `src` in one module, and tests of that in Node.js.

use super::{Example, MODULE};
use crate::project::Project;
use crate::setup::node;
use crate::setup::wasm_c::WasmC;
use crate::stamp::{self, Inputs};
use crate::step::step;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Warnings are errors: the set-up knows the compilers, and the sources have none.
const OPTIONS: [&str; 6] = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Os", "-s"];

/// Builds the module, if a source or the compiler changed.
pub fn build(project: &Project, example: Example) -> Result<()> {
    let dir = example.dir(project);
    let c = WasmC::find(project)?;
    step(&format!("building the plugin {}", example.name), || {
        let sources = dir.join("src");
        let inputs = Inputs::default().files(&sources, &[])?.text(&OPTIONS.join(" ")).text(&c.version()?);
        stamp::make(project, example.name, inputs, &dir.join(MODULE), || {
            c.compiler(project)
                .args(OPTIONS)
                .args(["-o", MODULE])
                .args(c_files(&sources)?)
                .dir(&dir)
                .hint("WASM_C=debian or WASM_C=zig chooses another compiler")
                .quiet()
        })
    })
}

/// Runs the tests of the module in Node.js.
pub fn test(project: &Project, example: Example) -> Result<()> {
    node::npm(&example.dir(project), &["test"]).loud()
}

/// The files to compile, in a stable order.
fn c_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
