//! WASM plugins on the bus (wasm-plugin-abi §1.5, 2.4, 3.2–3.5, 6–8).
//!
//! The [`PluginManager`] finds the installed packages and answers for them. Each package that can run has a `Plugin` actor on a thread of
//! its own, which owns the live instance: a guest call blocks that thread and nobody else. What the guest says and asks comes out of a
//! `PluginHost`; what it emits is published when the call is over.
//!
//! ```text
//! PluginManager ──ApplyConfig, Restart,──► Plugin ──deliver, poll, start, stop──► guest
//!      ▲          Reload, Shutdown         │  ▲                                    │ emit_delta, set_status, …
//!      └──── Record: state, name, schema, ─┤  └────────── PluginHost ◄─────────────┘
//!            counters, budgets, log        │  ▲
//!                 Broker ◄──Publish, ──────┘  │
//!                   │       ReportCrash       │
//!                   └───DeliverDeltas, RestartInstance
//! ```

mod administration;
mod budget;
mod calls;
mod config;
mod config_store;
mod consent;
mod endpoints;
mod error;
mod former_id;
mod host;
mod identities;
mod launcher;
mod lifecycle;
mod limits;
mod log_book;
mod lookup;
mod manager;
mod module;
mod offers;
mod plugin;
mod record;
mod reload;
mod rescan;
mod scratch;
mod server_events;
mod settings;
mod storage;
mod to_broker;
mod watch;
mod web_apps;

pub use calls::{CallTarget, PluginCallError};
pub use config::PluginConfig;
pub use config_store::{ConfigError, ConfigStore, Revision};
pub use endpoints::{EndpointError, EndpointMatch, RESERVED_ENDPOINTS};
pub use error::PluginError;
pub use limits::{LimitError, PluginLimits, PluginOverride};
pub use log_book::{LogExcerpt, LogLevel, LogLine, LogSource};
pub use manager::PluginManager;
pub use offers::{Offers, PluginOffers, TooManyOffers};
pub use record::PluginState;
pub use rescan::{InstalledPackage, PackageChanges};
pub use settings::PluginSettings;
pub use web_apps::{WebApp, WebAppKind};
pub use windlass_wasm_host::{AuthorityError, CertificateAuthorities};

#[cfg(test)]
pub(crate) mod tests;
