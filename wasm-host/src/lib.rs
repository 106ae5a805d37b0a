//! Runs Signal K WASM plugins that were built for the reference server, unmodified and confined.
//!
//! The problems this crate solves: finding plugin packages ([`discover`]), compiling modules ([`Runtime`]), speaking the
//! plugins' dialects ([`Guest`]), and keeping any plugin from harming anything but itself ([`Limits`],
//! [`Capabilities`], [`JailedFileSystem`]). What a plugin asks of the server comes out of one trait, [`Host`].
//!
//! ```text
//! discover ─► PluginPackage ─► Runtime::compile ─► CompiledPlugin ─► Runtime::instantiate ─► Box<dyn Guest>
//!                              (any thread)                          (the plugin's thread)      │ start, deliver, poll, stop
//!                                                                            Arc<dyn Host> ◄────┘ debug, emit_delta, …
//! ```
//!
//! Below the guests lies a small engine layer, so that an interpreter can serve machines the compiler does not know.
//!
//! "§" in the documentation refers to the project's specification of the WASM plugin ABI.

mod access;
mod capabilities;
mod discovery;
mod engine;
mod error;
mod guest;
mod host;
mod imports;
pub mod interface;
mod limits;
mod net;
mod package;
mod plugin_id;
mod runtime;
mod text;
mod voice;
mod waits;
mod wasi;

pub use access::{AccessError, AllowEntry, EntryError, NetworkAccess, Refusal};
pub use capabilities::{Capabilities, CapabilityWarning, Storage};
pub use discovery::discover;
pub use engine::Origin;
pub use error::{CallError, LoadError};
pub use guest::{Abi, CallStatistics, Guest, HandlerKind, LimitUse};
pub use host::{DeltaVersion, Host, HostError, NoHost, OutputStream};
pub use limits::{Deadlines, Limits};
pub use net::{AuthorityError, CertificateAuthorities, FetchStatistics, SocketStatistics};
pub use package::{PackageProblem, PluginPackage};
pub use plugin_id::PluginId;
pub use runtime::{CompiledPlugin, Runtime, RuntimeError, RuntimeOptions, Sandbox};
pub use text::{DeltaText, SharedText, utf16_bytes};
pub use waits::{CutShort, Waits};
pub use wasi::{DiskUsage, JailedFileSystem};
