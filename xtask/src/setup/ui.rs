//! The dashboard: a web page that is bundled by Node.js and then part of the server's binary.

use super::node;
use crate::project::Project;
use crate::stamp::{self, Inputs};
use crate::step::step;
use anyhow::Result;

/// Builds `ui/dist` when a source changed.
pub fn build(project: &Project) -> Result<()> {
    let dir = project.root.join("ui");
    step("installing the npm packages of the UI", || node::install(&dir))?;
    step("building the UI", || {
        let inputs = Inputs::default().files(&dir, &["node_modules", "dist"])?.text(&node::version()?);
        stamp::make(project, "ui", inputs, &project.ui_dist(), || {
            node::npm(&dir, &["run", "build"]).hint("the output says which source is wrong").quiet()
        })
    })
}

/// Checks the types, which the build doesn't.
pub fn check(project: &Project) -> Result<()> {
    let dir = project.root.join("ui");
    node::install(&dir)?;
    node::npm(&dir, &["run", "check"]).loud()
}

/// Runs the UI's own tests.
pub fn test(project: &Project) -> Result<()> {
    node::npm(&project.root.join("ui"), &["test"]).loud()
}
