//! Toolchains that are published as Python packages, each in a virtual environment of its own.

use super::debian;
use crate::project::Project;
use crate::stamp::remove;
use crate::step::{Done, step};
use crate::tool::{Tool, find};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

const NAMES: [&str; 2] = ["python3", "python"];
/// Debian's own Python, for when the first one on `PATH` has no `venv`.
const DEBIAN_PYTHON: &str = "/usr/bin/python3";
const DEBIAN_PACKAGE: &str = "python3-venv";

/// Where a virtual environment keeps its programs.
const PROGRAMS: &str = if cfg!(windows) { "Scripts" } else { "bin" };
/// Tells an environment that is complete from one whose installation was interrupted.
const COMPLETE: &str = ".windlass-complete";

/// A virtual environment with one package.
#[derive(Debug, Clone)]
pub struct Environment(PathBuf);

impl Environment {
    /// Finds the environment with exactly this package (`name==version`) in the cache, or makes it.
    pub fn with(project: &Project, package: &str) -> Result<Self> {
        let dir = project.cache.join("python").join(package.replace("==", "-"));
        let complete = dir.join(COMPLETE);
        if !complete.is_file() {
            let python = python()?;
            step(&format!("installing the Python package {package}"), || {
                remove(&dir)?;
                Tool::new(&python).args(["-m", "venv"]).args([&dir]).quiet()?;
                Self(dir.clone())
                    .python()
                    .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"])
                    .args([package])
                    .hint("Python's package index must be reachable, and have the package for this machine")
                    .quiet()?;
                std::fs::write(&complete, package).with_context(|| complete.display().to_string())?;
                Ok(Done::Made)
            })?;
        }
        Ok(Self(dir))
    }

    /// The environment's Python.
    pub fn python(&self) -> Tool {
        Tool::new(self.program("python"))
    }

    /// A program that the package brought.
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join(PROGRAMS).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// A Python that can make virtual environments; Debian's is installed when we may.
fn python() -> Result<PathBuf> {
    let found = || NAMES.iter().filter_map(|name| find(name)).chain([PathBuf::from(DEBIAN_PYTHON)]);
    if let Some(python) = found().find(|python| makes_environments(python)) {
        return Ok(python);
    }
    if debian::release().is_some() && debian::may_install() {
        step("installing Debian's Python", || {
            debian::install(&[DEBIAN_PACKAGE])?;
            Ok(Done::Made)
        })?;
    }
    match found().find(|python| makes_environments(python)) {
        Some(python) => Ok(python),
        None => bail!(
            "Python 3 with its module venv is needed: `{}` on Debian, or install Python",
            debian::command(&[DEBIAN_PACKAGE])
        ),
    }
}

/// Debian has Pythons without these modules.
fn makes_environments(python: &Path) -> bool {
    Tool::new(python).args(["-c", "import ensurepip, venv"]).read().is_ok()
}
