//! A C compiler that makes WASI modules.
//!
//! On Debian four packages make clang one. A Python package brings Zig, whose C compiler has all that is
//! needed in itself. `WASM_C=debian` or `zig` chooses one. `auto`, the default, takes what is there, Debian's
//! first. When nothing is, it installs Debian's where we may, and Zig where we may not or that fails.

use super::debian;
use super::python::Environment;
use crate::project::Project;
use crate::step::{Done, step};
use crate::tool::Tool;
use anyhow::{Context, Result, bail};

/// Compiler, linker, C library and the functions that the compiler itself calls.
const DEBIAN_PACKAGES: [&str; 4] = ["clang", "lld", "wasi-libc", "libclang-rt-dev-wasm32"];
const DEBIAN_CLANG: &str = "/usr/bin/clang";
const ZIG_PACKAGE: &str = "ziglang==0.17.1";

/// A library whose functions a server calls, rather than a program.
const LIBRARY: [&str; 2] = ["--target=wasm32-wasi", "-mexec-model=reactor"];

/// A compiler that is ready to use.
#[derive(Debug, Clone)]
pub enum WasmC {
    /// Debian's clang.
    Debian,
    /// Zig in a virtual environment.
    Zig(Environment),
}

impl WasmC {
    /// Finds a compiler, or installs what is missing.
    pub fn find(project: &Project) -> Result<Self> {
        match std::env::var("WASM_C").as_deref() {
            Ok("debian") => Self::debian(),
            Ok("zig") => Self::zig(project),
            Ok("auto" | "") | Err(_) => Self::auto(project),
            Ok(other) => bail!("WASM_C is {other:?}; it can be auto, debian or zig"),
        }
    }

    /// The compiler, for modules that are libraries.
    pub fn compiler(&self, project: &Project) -> Tool {
        match self {
            Self::Debian => Tool::new(DEBIAN_CLANG).args(["--sysroot=/usr"]),
            Self::Zig(environment) => environment
                .python()
                .args(["-m", "ziglang", "cc"])
                .env("ZIG_GLOBAL_CACHE_DIR", project.cache.join("zig"))
                .env("ZIG_LOCAL_CACHE_DIR", project.cache.join("zig")),
        }
        .args(LIBRARY)
    }

    /// What distinguishes this compiler's output from another's.
    pub fn version(&self) -> Result<String> {
        match self {
            Self::Debian => Tool::new(DEBIAN_CLANG).args(["--version"]).read(),
            Self::Zig(_) => Ok(ZIG_PACKAGE.to_owned()),
        }
    }

    fn auto(project: &Project) -> Result<Self> {
        let on_debian = debian::release().is_some();
        if on_debian && debian::installed(&DEBIAN_PACKAGES) {
            return Ok(Self::Debian);
        }
        if let Some(environment) = Environment::existing(project, ZIG_PACKAGE) {
            return Ok(Self::Zig(environment));
        }
        if !on_debian {
            return Self::zig(project).context("a C compiler for WASI is needed");
        }
        if !debian::may_install() {
            let command = debian::command(&DEBIAN_PACKAGES);
            return Self::zig(project).with_context(|| format!("a C compiler for WASI is needed: run `{command}`"));
        }
        Self::debian().or_else(|refused| {
            let instead = || format!("Debian's C compiler for WASI can't be had ({refused:#}), and Zig's neither");
            Self::zig(project).with_context(instead)
        })
    }

    fn debian() -> Result<Self> {
        if debian::release().is_none() {
            bail!("WASM_C=debian works on Debian only; use zig");
        }
        if debian::installed(&DEBIAN_PACKAGES) {
            return Ok(Self::Debian);
        }
        if !debian::may_install() {
            bail!("a C compiler for WASI is needed: run `{}`", debian::command(&DEBIAN_PACKAGES));
        }
        step("installing Debian's C compiler for WASM", || {
            debian::install(&DEBIAN_PACKAGES)?;
            Ok(Done::Made)
        })?;
        Ok(Self::Debian)
    }

    fn zig(project: &Project) -> Result<Self> {
        Environment::with(project, ZIG_PACKAGE).map(Self::Zig)
    }
}
