//! `screenshots`: the pictures of the documentation, as the browser tests take them.

use super::test;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::fs;

/// The pictures that the documentation shows, of the many that the tests take.
const SHOWN: [&str; 14] = [
    "dashboard-desktop",
    "dashboard-desktop-night",
    "dashboard-phone",
    "data-desktop",
    "data-detail-desktop",
    "alarms-desktop",
    "apps-desktop",
    "plugins-list-desktop",
    "connections-desktop",
    "connections-trial-phone",
    "server-performance-desktop",
    "server-flow-desktop",
    "security-users-desktop",
    "security-request-phone",
];

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("there are no arguments to this, but {args:?} was given");
    }
    let taken = tempfile::tempdir().context("a folder for the pictures")?;
    test::run_with(project, &["ui::".to_owned()], &[("WINDLASS_SCREENSHOTS", taken.path())])?;
    let folder = project.root.join("docs/screenshots");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for name in SHOWN {
        let (from, to) = (taken.path().join(name).with_extension("png"), folder.join(name).with_extension("png"));
        fs::copy(&from, &to).with_context(|| format!("no test has taken the picture {name}"))?;
    }
    println!("{} pictures are in {}", SHOWN.len(), folder.display());
    Ok(())
}
