//! WASM plugins on the bus (wasm-plugin-abi §1.5, 2.4, 3.2–3.5, 6–8).
//!
//! The [`PluginManager`] finds the installed packages and answers for them. Each package that can run has a `Plugin` actor on a thread of
//! its own, which owns the live instance: a guest call blocks that thread and nobody else. What the guest says and asks comes out of a
//! `PluginHost`; what it emits is published when the call is over.
//!
//! ```text
//! PluginManager ──ApplyConfig, Restart, Shutdown──► Plugin ──deliver, poll, start, stop──► guest
//!      ▲                                             │  ▲                                    │ emit_delta, set_status, …
//!      └───── Record: state, name, schema, counters ─┘  └────────── PluginHost ◄─────────────┘
//!                    Broker ◄──Publish, ReportCrash──┘  ▲
//!                      └────DeliverDeltas, RestartInstance
//! ```

mod config;
mod config_store;
mod error;
mod host;
mod identities;
mod lifecycle;
mod lookup;
mod manager;
mod plugin;
mod record;
mod scratch;
mod settings;
mod to_broker;

pub use config::PluginConfig;
pub use config_store::{ConfigError, ConfigStore, Revision};
pub use error::PluginError;
pub use manager::PluginManager;
pub use record::PluginState;
pub use settings::PluginSettings;

#[cfg(test)]
mod tests;
