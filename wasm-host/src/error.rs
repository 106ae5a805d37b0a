//! What can go wrong when a plugin is loaded or called.

use std::{path::PathBuf, time::Duration};

use crate::engine::{MemoryUse, Trap};

/// Why a module could not be loaded or instantiated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The package itself is unusable.
    #[error(transparent)]
    Package(#[from] crate::PackageProblem),
    /// The module file could not be read.
    #[error("cannot read {}: {reason}; reinstall the plugin or correct the file's permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
    /// The module file is larger than allowed.
    #[error("the module is {size} bytes, at most {limit} are allowed; build it in release mode, or raise the limit")]
    ModuleTooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file does not begin as a wasm module does.
    #[error(
        "the file is not a WebAssembly module (it begins with {found}); wasmManifest must name the built .wasm file"
    )]
    NotWasm {
        /// Its first bytes, in hexadecimal.
        found: String,
    },
    /// The file is a component, not a core module (§2.1).
    #[error(
        "the file is a WebAssembly component; only core modules run here: build for wasm32-wasip1 or wasm32-unknown-unknown, not for the component model"
    )]
    Component,
    /// The module ends early or is malformed.
    #[error("the module is damaged or not valid: {reason}; rebuild or reinstall the plugin")]
    Invalid {
        /// The validator's reason.
        reason: String,
    },
    /// The module needs more than the limits allow, or something that is not supported.
    #[error("the module {what}; {advice}")]
    Refused {
        /// What it has or needs.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// The module imports something that does not exist here.
    #[error("the module imports {module}.{name}, which this server does not provide; {advice}")]
    UnknownImport {
        /// The import's module.
        module: String,
        /// The import's name.
        name: String,
        /// What to do.
        advice: &'static str,
    },
    /// Exports that a plugin must have are absent or have another type (§2.2).
    #[error(
        "the module is not a plugin: it does not export {}; build it with the plugin SDK's exports",
        .0.join(", ")
    )]
    MissingExports(Vec<String>),
    /// The compiler failed.
    #[error("the module could not be compiled: {reason}; report this with the module attached")]
    Compile {
        /// The compiler's reason.
        reason: String,
    },
    /// The engine could not link or instantiate.
    #[error("the module could not be instantiated: {reason}")]
    Instantiate {
        /// The engine's reason.
        reason: String,
    },
    /// The plugin's file system or WASI environment could not be set up.
    #[error("the plugin's sandbox could not be set up: {reason}")]
    Sandbox {
        /// The reason.
        reason: String,
    },
    /// The start section, `_initialize` or `_start` failed.
    #[error("initialising the module failed: {0}")]
    Initialize(CallError),
}

impl LoadError {
    /// Whether guest code ran and failed, which counts as a crash, in contrast to a module that can never be loaded.
    pub fn is_crash(&self) -> bool {
        matches!(self, LoadError::Initialize(error) if error.is_crash())
    }
}

/// Why a call into a guest failed. Except for [`CallError::Unsupported`] and
/// [`CallError::NoHandler`] the instance must be dropped.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// Guest code trapped.
    #[error("{export}: trapped ({reason}); this is a fault in the plugin, it gets a fresh instance")]
    Trap {
        /// The export that was called.
        export: String,
        /// The trap, and where it happened as far as known.
        reason: String,
    },
    /// The call did not return in time and was interrupted.
    #[error("{export}: still running after {} ms and was interrupted; the plugin gets a fresh instance", deadline.as_millis())]
    Deadline {
        /// The export that was called.
        export: String,
        /// The deadline that passed.
        deadline: Duration,
    },
    /// The guest asked its process to exit.
    #[error("{export}: the plugin ended itself with exit code {code}; it gets a fresh instance")]
    Exit {
        /// The export that was called.
        export: String,
        /// The exit code.
        code: i32,
    },
    /// AssemblyScript's `abort` (§4.8): an uncaught error in the plugin.
    #[error("{export}: aborted with \"{message}\" at {file}:{line}:{column}; the plugin gets a fresh instance")]
    Abort {
        /// The export that was called.
        export: String,
        /// The error message; may be empty.
        message: String,
        /// The plugin's source file.
        file: String,
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
    },
    /// The guest failed in a call in which it had been refused more memory.
    #[error(
        "{export}: failed ({reason}) after it had asked for more memory than its limit of {limit} bytes, of which it uses {used}; \
         the plugin gets a fresh instance: raise its memory limit if this repeats"
    )]
    MemoryLimit {
        /// The export that was called.
        export: String,
        /// The trap.
        reason: String,
        /// Bytes of linear memory in use.
        used: u64,
        /// The cap in bytes.
        limit: u64,
    },
    /// Server code panicked while it worked for the guest.
    #[error("{export}: the server failed while serving the plugin ({message}); please report this")]
    HostPanic {
        /// The export that was called.
        export: String,
        /// The panic message.
        message: String,
    },
    /// The guest broke the ABI: an impossible length, pointer or string.
    #[error("{export}: broke the plugin interface: {reason}; this is a fault in the plugin")]
    Protocol {
        /// The export that was called.
        export: String,
        /// What was wrong.
        reason: String,
    },
    /// The module lacks what this call needs. The instance stays usable.
    #[error("{export}: {reason}")]
    Unsupported {
        /// The export that was wanted.
        export: String,
        /// What is missing and how to build the plugin.
        reason: String,
    },
    /// There is no such handler. The instance stays usable.
    #[error("Handler function {export} not found")]
    NoHandler {
        /// The export that was wanted.
        export: String,
    },
    /// An earlier call failed and the instance must not be used any more.
    #[error("{export}: not called, because an earlier call into this instance failed")]
    Discarded {
        /// The export that was wanted.
        export: String,
    },
}

impl CallError {
    /// Whether this counts as a crash in the restart policy (§7.2).
    pub fn is_crash(&self) -> bool {
        !matches!(self, CallError::Unsupported { .. } | CallError::NoHandler { .. } | CallError::Discarded { .. })
    }

    /// Puts a trap of the engine into words, for the export that was called.
    pub(crate) fn from_trap(export: &str, trap: Trap, deadline: Duration, memory: MemoryUse) -> Self {
        let export = export.to_owned();
        let error = match trap {
            Trap::Interrupted => return CallError::Deadline { export, deadline },
            Trap::HostPanic(message) => return CallError::HostPanic { export, message },
            Trap::Exit(0) => return CallError::Exit { export, code: 0 },
            Trap::Exit(code) => CallError::Exit { export, code },
            Trap::Abort { message, file, line, column } => CallError::Abort { export, message, file, line, column },
            Trap::Fault(reason) => CallError::Trap { export, reason },
        };
        if memory.refused { error.starved(memory) } else { error }
    }

    /// The same failure of a guest that had been refused memory: how it ends then depends on its language.
    fn starved(self, MemoryUse { used, limit, .. }: MemoryUse) -> Self {
        let (export, reason) = match self {
            CallError::Trap { export, reason } => (export, reason),
            CallError::Exit { export, code } => (export, format!("exit code {code}")),
            CallError::Abort { export, message, file, line, column } => {
                (export, format!("\"{message}\" at {file}:{line}:{column}"))
            }
            other => return other,
        };
        CallError::MemoryLimit { export, reason, used, limit }
    }
}
