//! Node.js and npm: for the dashboard, the AssemblyScript plugin and the packages of the tests.

use crate::stamp::Inputs;
use crate::step::Done;
use crate::tool::Tool;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// What the dashboard's build tool runs on: these major versions from a minor one on, and all later ones.
const OLDEST: [(u32, u32); 2] = [(20, 19), (22, 12)];
const HINT: &str = "Node.js 20.19 or newer, or 22.12 or newer, with npm is needed: \
    install it from your system's packages or nodejs.org";

/// Makes sure that there is a Node.js we can use.
pub fn check() -> Result<()> {
    let version = version()?;
    let (major, minor) = parse(&version).with_context(|| format!("`node --version` answers {version:?}; {HINT}"))?;
    if !is_usable(major, minor) {
        bail!("Node.js {version} can't be used; {HINT}");
    }
    Ok(())
}

/// The major and the minor version of one like `v20.19.0`.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn is_usable(major: u32, minor: u32) -> bool {
    let newest = OLDEST.iter().map(|(major, _)| *major).max();
    OLDEST.iter().any(|(known, oldest)| major == *known && minor >= *oldest)
        || newest.is_some_and(|newest| major > newest)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_major_and_minor() {
        for (version, expected) in [
            ("v18.20.0", Some(false)),
            ("v20.18.3", Some(false)),
            ("v20.19.0", Some(true)),
            ("v21.9.0", Some(false)),
            ("v22.11.0", Some(false)),
            ("v22.12.0", Some(true)),
            ("v23.0.0", Some(true)),
            ("v24.1.0-nightly", Some(true)),
            ("20.19.0", None),
            ("v20", None),
        ] {
            assert_eq!(parse(version).map(|(major, minor)| is_usable(major, minor)), expected, "{version}");
        }
    }
}
