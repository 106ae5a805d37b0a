//! `setup`: only fetch and build what the other commands need.

use crate::project::Project;
use crate::setup::Tests;
use anyhow::Result;

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    super::no_args(args)?;
    let _lock = project.lock()?;
    Tests::prepare(project).map(drop)
}
