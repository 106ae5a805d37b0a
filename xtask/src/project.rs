//! Where things are: the checkout, and the caches outside of it.

use crate::tool::Tool;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The paths of one checkout.
#[derive(Debug)]
pub struct Project {
    /// The repository.
    pub root: PathBuf,
    /// Caches that all checkouts of one user share: `${XDG_CACHE_HOME:-~/.cache}/windlass`.
    pub cache: PathBuf,
    /// What is made for this checkout alone.
    pub checkout: PathBuf,
    /// Cargo's target directory for the workspace: `CARGO_TARGET_DIR`, or one in the cache.
    pub target: PathBuf,
}

impl Project {
    /// Finds the checkout that this program was built from, and makes its cache directories.
    pub fn locate() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask is not in a workspace")?.to_owned();
        let cache = cache_home()?.join("windlass");
        let id = hex(&Sha256::digest(root.as_os_str().as_encoded_bytes()));
        let checkout = cache.join("checkouts").join(&id[..12]);
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => std::path::absolute(dir).context("CARGO_TARGET_DIR")?,
            None => cache.join("target"),
        };
        std::fs::create_dir_all(&checkout)
            .with_context(|| format!("can't make the cache directory {}", checkout.display()))?;
        Ok(Self { root, cache, checkout, target })
    }

    /// Waits until no other xtask works on this checkout; the set-up must not run twice at a time.
    /// The lock is held as long as the file lives.
    pub fn lock(&self) -> Result<File> {
        let path = self.checkout.join("lock");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        if file.try_lock().is_err() {
            println!("▸ waiting for another xtask on this checkout");
            file.lock().context("waiting for another xtask")?;
        }
        Ok(file)
    }

    /// Cargo on the workspace, in the one profile that product, tests and benchmarks share.
    pub fn cargo(&self, args: &[&str]) -> Tool {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let tool = Tool::new(cargo).args(args).dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        // The same environment for every call: a difference would build the server anew.
        let ui = self.ui_dist();
        if ui.exists() { tool.env("WINDLASS_UI_DIST", ui) } else { tool }
    }

    /// The built dashboard.
    pub fn ui_dist(&self) -> PathBuf {
        self.root.join("ui/dist")
    }

    /// The folder of the example plugins' sources.
    pub fn plugins(&self) -> PathBuf {
        self.root.join("examples/plugins")
    }

    /// The server's binary.
    pub fn server(&self) -> PathBuf {
        let name = format!("windlass{}", std::env::consts::EXE_SUFFIX);
        self.target.join("release").join(name)
    }

    /// Where tests note which statements of the specification they showed.
    pub fn conformance_record(&self) -> PathBuf {
        self.checkout.join("conformance.txt")
    }
}

fn cache_home() -> Result<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .or_else(|| absolute("LOCALAPPDATA"))
        .context("there is no place for caches: set HOME or XDG_CACHE_HOME to an absolute path")
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
