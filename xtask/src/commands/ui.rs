//! `ui`: only the dashboard.

use crate::project::Project;
use crate::setup;
use anyhow::Result;

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    super::no_args(args)?;
    let _lock = project.lock()?;
    setup::build_ui(project)
}
