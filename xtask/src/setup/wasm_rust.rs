//! A Rust compiler that makes WASI modules.
//!
//! Two routes lead there. With rustup it is one more target. Where rustup can't fetch that (no way
//! to its server, as in many build machines) Debian's packages do: Debian 12 has a recent compiler for
//! browsers and its library as source, Debian 13 has the library ready. `WASM_RUST=rustup` or
//! `debian` chooses one; `auto`, the default, takes what is there before it installs anything.

use super::debian;
use crate::project::Project;
use crate::stamp::remove;
use crate::step::{Done, step};
use crate::tool::{Tool, find};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The target of all Rust plugins.
const TARGET: &str = "wasm32-wasip1";

/// Variables that the outer cargo sets, or the user for the outer cargo, and that would turn the
/// inner one into something else.
const OUTER: [&str; 8] = [
    "RUSTC",
    "RUSTDOC",
    "CARGO",
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "CARGO_BUILD_TARGET",
    "LD_LIBRARY_PATH",
];

const RUSTUP_LIMIT: Duration = Duration::from_secs(60);
const RUSTUP_COMMAND: &str = "rustup target add wasm32-wasip1";

/// Debian 12: the compiler's version differs from the system's `rustc`, and the linker's package has
/// the LLVM version in its name.
const BOOKWORM: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc"];
const TRIXIE: [&str; 3] = ["rustc", "cargo", "libstd-rust-dev-wasm32"];

/// A compiler that is ready to use.
#[derive(Debug, Clone)]
pub enum WasmRust {
    /// rustup's compiler for this project.
    Rustup,
    /// Debian's compiler with this linker; `true`: the standard library is built from source.
    Debian(String, bool),
}

impl WasmRust {
    /// Finds a compiler, or installs what is missing. `dir` is where it will be used.
    pub fn find(dir: &Path) -> Result<Self> {
        match std::env::var("WASM_RUST").as_deref() {
            Ok("rustup") => Self::rustup(dir),
            Ok("debian") => Self::debian(),
            Ok("auto" | "") | Err(_) => Self::auto(dir),
            Ok(other) => bail!("WASM_RUST is {other:?}; it can be auto, rustup or debian"),
        }
    }

    /// Builds the crate in `dir`, whose name has `_` for each `-` in `name`, and returns its module. `dependencies` is `--locked`,
    /// or `--offline` where there is no lock file.
    pub fn build(&self, project: &Project, dir: &Path, name: &str, dependencies: &str) -> Result<PathBuf> {
        // One directory for all Rust plugins, so that a standard library is built once.
        let target = project.cache.join("wasm-target");
        let module = target.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")));
        remove(&module)?;
        self.cargo(dir)
            .args(["build", dependencies, "--release", "--target", TARGET])
            .args(self.build_args())
            .env("CARGO_TARGET_DIR", &target)
            .hint("WASM_RUST=rustup or WASM_RUST=debian chooses another compiler")
            .quiet()?;
        Ok(module)
    }

    /// Cargo of this compiler, in `dir`.
    fn cargo(&self, dir: &Path) -> Tool {
        match self {
            Self::Rustup => Tool::new("cargo").without_env(&OUTER).dir(dir),
            Self::Debian(linker, from_source) => {
                let tool = Tool::new("/usr/bin/cargo")
                    .without_env(&OUTER)
                    .dir(dir)
                    // Debian's cargo would take the first rustc on PATH.
                    .env("RUSTC", "/usr/bin/rustc")
                    .env("RUSTDOC", "/usr/bin/rustdoc");
                if !from_source {
                    return tool;
                }
                tool.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_WASM32_WASIP1_LINKER", linker).env(
                    "CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS",
                    "-Clink-self-contained=no -Lnative=/usr/lib/wasm32-wasi",
                )
            }
        }
    }

    /// Arguments that a build needs besides the usual ones.
    fn build_args(&self) -> &'static [&'static str] {
        match self {
            Self::Debian(_, true) => &["-Zbuild-std=std,panic_abort"],
            _ => &[],
        }
    }

    /// What distinguishes this compiler's output from another's.
    pub fn version(&self, dir: &Path) -> Result<String> {
        let rustc = match self {
            Self::Rustup => "rustc",
            Self::Debian(..) => "/usr/bin/rustc",
        };
        let version = Tool::new(rustc).without_env(&OUTER).dir(dir).args(["-vV"]).read()?;
        Ok(format!("{self:?} {version}"))
    }

    fn auto(dir: &Path) -> Result<Self> {
        if has_rustup_target(dir) {
            return Ok(Self::Rustup);
        }
        if debian_packages().is_ok_and(debian::installed) {
            return Self::debian();
        }
        let rustup = Self::rustup(dir);
        if rustup.is_ok() || debian_packages().is_err() {
            return rustup;
        }
        Self::debian().with_context(|| format!("and with rustup: run `{RUSTUP_COMMAND}` to see why"))
    }

    fn rustup(dir: &Path) -> Result<Self> {
        if has_rustup_target(dir) {
            return Ok(Self::Rustup);
        }
        if find("rustup").is_none() {
            bail!("a Rust compiler for {TARGET} is needed: install rustup and run `{RUSTUP_COMMAND}`");
        }
        step("adding the target wasm32-wasip1 with rustup", || {
            Tool::new("rustup")
                .without_env(&OUTER)
                .args(["target", "add", TARGET])
                .dir(dir)
                .limit(RUSTUP_LIMIT)
                .hint(format!("run `{RUSTUP_COMMAND}` yourself, or set WASM_RUST=debian on Debian"))
                .quiet()?;
            Ok(Done::Made)
        })?;
        Ok(Self::Rustup)
    }

    fn debian() -> Result<Self> {
        let packages = debian_packages()?;
        require(packages)?;
        let llvm = llvm_major()?;
        let linker = format!("lld-{llvm}");
        require(&[&linker])?;
        Ok(Self::Debian(linker, packages == BOOKWORM))
    }
}

fn has_rustup_target(dir: &Path) -> bool {
    Tool::new("rustup")
        .without_env(&OUTER)
        .args(["target", "list", "--installed"])
        .dir(dir)
        .read()
        .is_ok_and(|targets| targets.lines().any(|target| target == TARGET))
}

fn debian_packages() -> Result<&'static [&'static str]> {
    match debian::release() {
        Some(12) => Ok(&BOOKWORM),
        Some(13..) => Ok(&TRIXIE),
        Some(old) => bail!("Debian {old} has no Rust compiler for {TARGET}; use rustup"),
        None => bail!("WASM_RUST=debian works on Debian only; use rustup"),
    }
}

fn require(packages: &[&str]) -> Result<()> {
    if debian::installed(packages) {
        return Ok(());
    }
    let command = debian::command(packages);
    if !debian::may_install() {
        bail!("a Rust compiler for {TARGET} is needed: run `{command}`");
    }
    step("installing Debian's Rust compiler for WASM", || {
        debian::install(packages)?;
        Ok(Done::Made)
    })
}

/// The major version of the compiler's LLVM; a linker of another one may refuse its objects.
fn llvm_major() -> Result<String> {
    let version = Tool::new("/usr/bin/rustc").without_env(&OUTER).args(["-vV"]).read()?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next())
        .map(str::to_owned)
        .with_context(|| format!("`/usr/bin/rustc -vV` doesn't tell its LLVM version:\n{version}"))
}
