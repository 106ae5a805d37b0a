//! Plugins in standard Go: modules without dependencies, and tests of the built module in Node.js.

use super::{Example, MODULE};
use crate::project::Project;
use crate::setup::go::Go;
use crate::setup::node;
use crate::stamp::{self, Inputs};
use crate::step::step;
use anyhow::Result;

/// Builds the module, if a source or the compiler changed.
pub fn build(project: &Project, example: Example) -> Result<()> {
    let dir = example.dir(project);
    let go = Go::find(project)?;
    step(&format!("building the plugin {}", example.name), || {
        let inputs = Inputs::default().files(&dir, &[MODULE, "tests", "README.md"])?.text(go.version());
        stamp::make(project, example.name, inputs, &dir.join(MODULE), || {
            go.tool(project, &dir, &["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", MODULE, "."])
                .env("GOOS", "wasip1")
                .env("GOARCH", "wasm")
                .hint("the output says which source is wrong")
                .quiet()
        })
    })
}

/// Vets the sources, and runs the tests of the packages on this machine and those of the module in Node.js.
pub fn test(project: &Project, example: Example) -> Result<()> {
    let dir = example.dir(project);
    let go = Go::find(project)?;
    go.tool(project, &dir, &["vet", "./..."]).env("GOOS", "wasip1").env("GOARCH", "wasm").loud()?;
    go.tool(project, &dir, &["test", "./..."]).loud()?;
    node::npm(&dir, &["test"]).loud()
}
