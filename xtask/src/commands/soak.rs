//! `soak`: twenty unruly plugins under load, for as long as is asked for.

use crate::project::Project;
use anyhow::Result;

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    project
        .cargo(&["build", "--release", "--package", "windlass", "--package", "windlass-tests", "--bins", "--examples"])
        .loud()?;
    project
        .cargo(&["run", "--release", "--package", "windlass-tests", "--example", "soak", "--"])
        .args(args)
        .env("WINDLASS_BIN", project.server())
        .become_it()
}
