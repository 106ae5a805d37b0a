//! Everything in Windlass that has a mailbox, besides the broker.

pub mod access_desk;
pub mod alarm_history;
pub mod binary_streams;
pub mod connections;
pub mod data_model;
pub mod discovery;
pub mod durable;
#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod fuzz_replay;
pub mod metadata;
pub mod nmea0183;
pub mod notifications;
pub mod outputs;
pub mod plugins;
mod provider_status;
pub mod providers;
pub mod put;
pub mod simulator;
pub mod staleness;
pub mod stream;

pub use provider_status::{ProviderStatus, StatusBoard, StatusKind, StatusSubject};
