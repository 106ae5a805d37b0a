//! An anchor watch: position in, distance and alarm out.
//!
//! The plugin follows `navigation.position` of the own vessel, publishes how far the boat lies from
//! her anchor, and raises the notification `notifications.navigation.anchor` when she drags or when
//! the position fails.
//!
//! It shows how a Signal K WASM plugin can be laid out: [`watch`] is the seamanship, [`delta`] the
//! JSON, [`config`] the settings, [`plugin`] ties them together without a single host call, and
//! `abi` is the thin shell of exports and imports that only exists on wasm. Everything but the shell
//! is tested on the host with `cargo test`.

#[cfg(target_arch = "wasm32")]
mod abi;
pub mod config;
pub mod delta;
pub mod plugin;
pub mod watch;
