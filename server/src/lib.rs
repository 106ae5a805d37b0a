//! The Windlass server: it puts the actors together and serves them over HTTP.
//!
//! The path of a delta: a connection, client or plugin takes it in (`windlass_broker::Intake`), the broker applies it to the data
//! model and routes it, the hub of each HTTP worker hands it to the subscriptions of its clients.

pub mod administration;
pub mod application_data;
pub mod archives;
pub mod cli;
pub mod custom_resources;
pub mod demo;
pub mod http;
pub mod identity;
pub mod listeners;
pub mod live;
pub mod logging;
pub mod mdns;
pub mod memory;
pub mod outputs;
mod packages;
pub mod performance;
pub mod plugin_tool;
pub mod priorities;
pub mod process;
mod remote_server;
pub mod security;
mod serial_ports;
mod server;
pub mod settings;
mod source_events;
mod source_groups;
mod ticker;
pub mod tls;
pub mod unit_preferences;
pub mod vessel;

pub use server::{Server, StartError, StartOptions};
