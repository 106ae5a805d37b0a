//! Guests: live plugins of whatever flavour behind one trait.
//!
//! A flavour decides how strings travel and which exports there are. [`core`] holds what they share; flavours do not know
//! each other.

mod assembly_script;
mod buffer;
mod core;
mod detect;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use detect::{Detected, detect};

use crate::{CallError, Limits, LoadError, engine::Instance, imports::ImportFamily};

/// How strings travel between host and guest (ABI specification §0.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Abi {
    /// Pointer and length of UTF-8 in memory from the module's `allocate`: Rust, TinyGo, C, Zig.
    #[serde(rename = "buffer")]
    Buffer,
    /// AssemblyScript's managed UTF-16 strings.
    #[serde(rename = "assemblyscript")]
    AssemblyScript,
}

/// One live instance of a plugin.
///
/// It belongs to the thread that created it, and each call blocks that thread until the guest returns or its deadline
/// passes. After any error that [is a crash](CallError::is_crash) the instance refuses all further calls: drop it.
pub trait Guest {
    /// The flavour.
    fn abi(&self) -> Abi;

    /// The plugin's display name; may be empty.
    ///
    /// # Errors
    /// As for every call: the guest trapped, was interrupted, or broke the interface.
    fn name(&mut self) -> Result<String, CallError>;

    /// The JSON Schema of the configuration as text; `{}` when the plugin gives none. It may be invalid JSON.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn schema(&mut self) -> Result<String, CallError>;

    /// Calls `plugin_start` with the configuration (§3.2). 0 means started; anything else is the plugin's error code,
    /// which is not a crash.
    ///
    /// # Errors
    /// See [`name`](Self::name); also [`CallError::Unsupported`] for an AssemblyScript module built without its runtime.
    fn start(&mut self, config_json: &str) -> Result<i32, CallError>;

    /// Calls `plugin_stop`; a result other than 0 is only worth logging.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn stop(&mut self) -> Result<i32, CallError>;

    /// Whether there is a `poll` export.
    fn has_poll(&self) -> bool;

    /// Calls `poll`; the result has no meaning to the host (§3.4). 0 without the export.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn poll(&mut self) -> Result<i32, CallError>;

    /// Whether deltas are to be delivered: there is a `delta_handler`, and the plugin may read data.
    fn has_delta_handler(&self) -> bool;

    /// Delivers one delta as compact JSON. Nothing happens when [`has_delta_handler`](Self::has_delta_handler) is false.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn deliver(&mut self, delta_json: &str) -> Result<(), CallError>;

    /// Bytes of linear memory in use.
    fn memory_bytes(&self) -> u64;

    /// Calls made so far.
    fn calls(&self) -> CallStatistics;
}

/// Counts calls into one guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallStatistics {
    /// Calls into exports, including the guest's allocator.
    pub count: u64,
    /// Calls that failed.
    pub failed: u64,
    /// The longest call.
    pub longest: Duration,
}

/// Makes the guest for an instance that has been linked but not yet initialised, and initialises it.
pub(crate) fn open(
    detected: &Detected,
    instance: Box<dyn Instance>,
    limits: Limits,
    delivers_deltas: bool,
) -> Result<Box<dyn Guest>, LoadError> {
    let mut core = core::GuestCore::new(instance, limits, delivers_deltas);
    core.initialize()?;
    Ok(match detected.abi {
        Abi::Buffer => Box::new(buffer::BufferGuest::new(core, detected)?),
        Abi::AssemblyScript => Box::new(assembly_script::AssemblyScriptGuest::new(core, detected)?),
    })
}

/// The functions a flavour may import.
pub(crate) fn import_family(abi: Abi) -> &'static ImportFamily {
    match abi {
        Abi::Buffer | Abi::AssemblyScript => &crate::imports::SIGNAL_K,
    }
}
