//! The input connections: from the `pipedProviders` of settings.json to deltas on the bus (signalk-v1 §14, §15).
//!
//! Each configured connection is one [`Connection`] actor on the I/O arbiter. The way of a byte through the files:
//!
//! * `settings` reads the entry and says which input it asks for;
//! * `tcp_client`, `tcp_listener`, `udp` and `playback` get bytes (the latter by the timing of `pacing`);
//! * `lines` cuts them into lines, `intake` decodes the lines and publishes what one read brought as one batch;
//! * `statistics` and `bad_lines` count, and `connection` keeps the input running, with the delays of `backoff`.
//!
//! A connection waits for the broker's answer before it reads on, so a broker that is behind makes the senders wait, and at
//! most one read is held in memory.

mod backoff;
mod bad_lines;
mod connection;
mod intake;
mod lines;
mod link;
mod manager;
mod pacing;
mod playback;
mod settings;
mod statistics;
mod tcp_client;
mod tcp_listener;
mod udp;

#[cfg(test)]
mod tests;

pub use connection::{CloseConnection, Connection};
pub use manager::{ConnectionContext, ConnectionManager, ConnectionOverview};
pub use settings::{ConnectionSettings, PlaybackOptions, SettingsError};
pub use statistics::ConnectionStatistics;
