//! The WASI environment of a plugin (ABI specification §2.5).
//!
//! The system calls are wasmer-wasix's; what a plugin can reach is decided here: its files are a
//! [`JailedFileSystem`], its output becomes lines of log, it has no input, no sockets and no
//! processes, and calls that could wait, or make the host hoard, are replaced or guarded ([`calls`]).

pub(crate) mod calls;
mod file;
mod jail;
mod ledger;
mod output;
mod wait;
pub(crate) mod wasix;

use std::{path::PathBuf, sync::Arc};

pub use jail::JailedFileSystem;
pub use ledger::DiskUsage;
pub(crate) use ledger::FileRefusals;

use crate::{Limits, voice::Voice};

/// The module names WASI functions are imported from. The second is the interface's name before it was fixed, the third that of WASIX.
pub(crate) const WASI_MODULES: [&str; 3] = ["wasi_snapshot_preview1", "wasi_unstable", WASIX_MODULE];
/// The module of WASIX's functions.
pub(crate) const WASIX_MODULE: &str = "wasix_32v1";

/// What a plugin's WASI environment is made of.
pub(crate) struct WasiSetup {
    /// The host directory the guest sees as `/`; `None` for no files at all.
    pub vfs_root: Option<PathBuf>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// Where lines of output go.
    pub voice: Arc<Voice>,
    pub limits: Limits,
}
