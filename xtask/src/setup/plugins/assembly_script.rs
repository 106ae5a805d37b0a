//! Plugins in AssemblyScript: their packages bring the compiler, and a script `build`.

use super::{Example, MODULE};
use crate::project::Project;
use crate::setup::node;
use crate::stamp::{self, Inputs};
use crate::step::step;
use anyhow::Result;

/// What several plugins import, and a folder in it that only tests do.
const SHARED: &str = "shared";
const TEST_HOST: &str = "host";

/// Builds the module, if a source changed.
pub fn build(project: &Project, example: Example) -> Result<()> {
    let dir = example.dir(project);
    step(&format!("installing the AssemblyScript compiler for {}", example.name), || node::install(&dir))?;
    step(&format!("building the plugin {}", example.name), || {
        let inputs = Inputs::default()
            .files(&dir, &[MODULE, "node_modules", "tests", "README.md"])?
            .files(&project.plugins().join(SHARED), &[TEST_HOST])?
            .text(&node::version()?);
        stamp::make(project, example.name, inputs, &dir.join(MODULE), || {
            node::npm(&dir, &["run", "build"]).hint("the output says which source is wrong").quiet()
        })
    })
}

/// Runs the package's tests in Node.js.
pub fn test(project: &Project, example: Example) -> Result<()> {
    node::npm(&example.dir(project), &["test"]).loud()
}
