//! Node.js and npm: for the dashboard, the AssemblyScript plugin and the packages of the tests.

use crate::stamp::Inputs;
use crate::step::Done;
use crate::tool::Tool;
use anyhow::{Context, Result, bail};
use std::path::Path;

const OLDEST: u32 = 20;
const HINT: &str = "Node.js 20 or newer with npm is needed: install it from your system's packages or nodejs.org";

/// Makes sure that there is a Node.js we can use.
pub fn check() -> Result<()> {
    let version = version()?;
    let major = version
        .strip_prefix('v')
        .and_then(|rest| rest.split('.').next()?.parse::<u32>().ok())
        .with_context(|| format!("`node --version` answers {version:?}; {HINT}"))?;
    if major < OLDEST {
        bail!("Node.js {version} is too old; {HINT}");
    }
    Ok(())
}

/// The version of Node.js, like `v20.19.0`.
pub fn version() -> Result<String> {
    Tool::new("node").args(["--version"]).hint(HINT).read()
}

/// npm in a package's directory.
pub fn npm(dir: &Path, args: &[&str]) -> Tool {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    Tool::new(npm).args(["--no-audit", "--no-fund", "--no-update-notifier"]).args(args).dir(dir).hint(HINT)
}

/// Installs exactly what a package's lock file says. A note of the lock file in `node_modules` makes
/// the second time quick.
pub fn install(dir: &Path) -> Result<Done> {
    let lock = dir.join("package-lock.json");
    let wanted = Inputs::default()
        .files(&dir.join("package.json"), &[])?
        .files(&lock, &[])
        .context("the lock file belongs into the repository")?
        .text(&version()?)
        .finish();
    let note = dir.join("node_modules/.windlass-lock");
    if std::fs::read_to_string(&note).is_ok_and(|was| was == wanted) {
        return Ok(Done::UpToDate);
    }
    // Scripts of foreign packages have no business in a build, and none of ours needs them.
    npm(dir, &["ci", "--ignore-scripts", "--loglevel=error"])
        .hint("the npm registry must be reachable, or npm's cache filled")
        .quiet()?;
    std::fs::write(&note, wanted).with_context(|| note.display().to_string())?;
    Ok(Done::Made)
}
