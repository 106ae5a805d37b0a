//! The input connections: from the `pipedProviders` of settings.json to deltas on the bus (signalk-v1 §14, §15).
//!
//! Each configured connection is one [`Connection`] actor on the I/O arbiter. The way of a byte through the files:
//!
//! * `settings` holds the entry; `plan` reads it, key by key with `keys`, and says which input it asks for;
//! * `tcp_client`, `tcp_listener`, `udp`, `serial`, `output_clients`, `websocket` (whom it trusts: `trust`) and `playback` get bytes (the
//!   latter by the timing of `pacing`);
//! * `lines` cuts them into lines, `intake` decodes sentences and `delta_intake` reads deltas, and both publish what one read brought as
//!   one batch; `brought` and `echoes` find out when a delta comes around in a circle;
//! * `raw_log` writes down what came, if that is wanted, and `writing` sends sentences the other way;
//! * `statistics` and `bad_lines` count, `recent` keeps the last lines, and `connection` keeps the input running, with the delays of
//!   `backoff`.
//!
//! The `options` are those that all inputs have. `overview` is what the administration sees of a connection, and `probe` tries one that
//! is not there yet, whose data `format` guesses.
//!
//! A connection waits for the broker's answer before it reads on, so a broker that is behind makes the senders wait, and at
//! most one read is held in memory.

mod backoff;
mod bad_lines;
mod brought;
mod connection;
mod delta_intake;
mod echoes;
mod format;
mod intake;
mod keys;
mod lines;
mod link;
mod manager;
mod options;
mod output_clients;
mod overview;
mod pacing;
mod plan;
mod playback;
mod probe;
mod raw_log;
mod recent;
mod serial;
mod settings;
mod statistics;
mod tcp_client;
mod tcp_listener;
mod trust;
mod udp;
mod websocket;
mod writing;

#[cfg(test)]
mod tests;

pub(crate) use backoff::Backoff;
pub use connection::{CloseConnection, Connection};
pub use format::{Format, FormatKind};
pub(crate) use lines::LineSplitter;
pub use manager::{ConnectionContext, ConnectionManager};
pub use overview::{ConnectionDetails, ConnectionOverview};
pub use probe::{LONGEST_TRIAL, Trial, TrialError};
pub use raw_log::{RawLog, RawLogSettings, RawLogStatistics};
pub use recent::{LastLine, LastLines};
pub use settings::{ConnectionSettings, PlaybackOptions, SettingsError};
pub use statistics::{ConnectionState, ConnectionStatistics};
pub(crate) use tcp_client::keep_alive;
