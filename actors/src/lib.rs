//! Everything in Windlass that has a mailbox, besides the broker.

pub mod binary_streams;
pub mod connections;
pub mod data_model;
pub mod durable;
pub mod metadata;
pub mod nmea0183;
pub mod plugins;
mod provider_status;
pub mod providers;
pub mod put;
pub mod simulator;
pub mod stream;

pub use provider_status::{ProviderStatus, StatusBoard, StatusKind, StatusSubject};
