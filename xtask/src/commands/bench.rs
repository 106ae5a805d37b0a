//! `bench`: the benchmarks of all crates.

use crate::project::Project;
use anyhow::Result;

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    let cargo = project.cargo(&["bench", "--workspace", "--bench", "*"]);
    let cargo = if args.is_empty() { cargo } else { cargo.args(["--"]).args(args) };
    cargo.loud()
}
