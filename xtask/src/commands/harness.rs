//! `harness`: the load harness against the release build of the server.

use crate::project::Project;
use anyhow::Result;

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    project.cargo(&["build", "--release", "--package", "windlass"]).loud()?;
    project
        .cargo(&["run", "--release", "--package", "windlass-load-harness", "--"])
        .args(args)
        .env("WINDLASS_BIN", project.server())
        .become_it()
}
