//! What is published as Python packages, toolchains and a client library, each in a virtual environment of its own.

use super::debian;
use crate::project::Project;
use crate::stamp::{Inputs, remove};
use crate::step::{Done, step};
use crate::tool::{Tool, find};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

const NAMES: [&str; 2] = ["python3", "python"];
/// Debian's own Python, for when the first one on `PATH` has no `venv`.
const DEBIAN_PYTHON: &str = "/usr/bin/python3";
const DEBIAN_PACKAGE: &str = "python3-venv";

/// Where a virtual environment keeps its programs.
const PROGRAMS: &str = if cfg!(windows) { "Scripts" } else { "bin" };
/// Tells an environment that is complete from one whose installation was interrupted.
const COMPLETE: &str = ".windlass-complete";

/// A virtual environment with packages.
#[derive(Debug, Clone)]
pub struct Environment(PathBuf);

impl Environment {
    /// Finds the environment with exactly this package (`name==version`) in the cache, or makes it (anew).
    pub fn with(project: &Project, package: &str) -> Result<Self> {
        Self::find_or_make(directory(project, package), &format!("the Python package {package}"), &[package.as_ref()])
    }

    /// Finds the environment with exactly the packages of a requirements file, which has to name all of them, or makes it (anew).
    pub fn with_requirements(project: &Project, what: &str, file: &Path) -> Result<Self> {
        let inputs = Inputs::default().files(file, &[])?.finish();
        let dir = project.cache.join("python").join(&inputs[..16]);
        Self::find_or_make(dir, what, &["-r".as_ref(), file.as_os_str()])
    }

    fn find_or_make(dir: PathBuf, what: &str, packages: &[&OsStr]) -> Result<Self> {
        if !Self(dir.clone()).works() {
            let complete = dir.join(COMPLETE);
            let python = python()?;
            step(&format!("installing {what}"), || {
                remove(&dir)?;
                Tool::new(&python).args(["-m", "venv"]).args([&dir]).quiet()?;
                Self(dir.clone())
                    .python()
                    .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"])
                    .args(packages)
                    .hint("Python's package index must be reachable, and have the packages for this machine")
                    .quiet()?;
                std::fs::write(&complete, "").with_context(|| complete.display().to_string())?;
                Ok(Done::Made)
            })?;
        }
        Ok(Self(dir))
    }

    /// The environment with exactly this package, if it is there.
    pub fn existing(project: &Project, package: &str) -> Option<Self> {
        Some(Self(directory(project, package))).filter(Self::works)
    }

    /// Whether all of it is there, and the Python that it was made with too: it goes away when the system is upgraded.
    fn works(&self) -> bool {
        self.0.join(COMPLETE).is_file() && self.python().args(["-c", ""]).read().is_ok()
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

fn directory(project: &Project, package: &str) -> PathBuf {
    project.cache.join("python").join(package.replace("==", "-"))
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

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_environment_works_when_it_is_complete_and_its_python_runs() {
        let dir = std::env::temp_dir().join(format!("windlass-python-{}", std::process::id()));
        let environment = Environment(dir.clone());
        let python = environment.program("python");
        fs::create_dir_all(dir.join(PROGRAMS)).expect("a directory");
        fs::write(dir.join(COMPLETE), "x").expect("written");
        assert!(!environment.works(), "there is no Python");
        let runs = |code: u8| {
            fs::write(&python, format!("#!/bin/sh\nexit {code}\n")).expect("written");
            fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).expect("changed");
            environment.works()
        };
        assert_eq!((runs(1), runs(0)), (false, true));
        fs::remove_file(dir.join(COMPLETE)).expect("removed");
        assert!(!environment.works(), "it was interrupted");
        fs::remove_dir_all(dir).expect("removed");
    }
}
