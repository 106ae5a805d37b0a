//! `build-plugins`: only the example plugins.

use crate::project::Project;
use crate::setup;
use anyhow::Result;

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    super::no_args(args)?;
    let _lock = project.lock()?;
    let node_modules = setup::plugins::build(project)?;
    println!("▸ the plugins are in {}", node_modules.display());
    Ok(())
}
