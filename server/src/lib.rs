//! The Windlass server: it puts the actors together and serves them over HTTP.
//!
//! The path of a delta: a connection, client or plugin takes it in (`windlass_broker::Intake`), the broker applies it to the data
//! model and routes it, the hub of each HTTP worker hands it to the subscriptions of its clients.

pub mod cli;
pub mod demo;
pub mod http;
pub mod identity;
pub mod logging;
pub mod plugin_tool;
mod server;
pub mod settings;
mod ticker;

pub use server::{Server, StartError, StartOptions};
