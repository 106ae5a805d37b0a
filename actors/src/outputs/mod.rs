//! The TCP outputs: NMEA 0183 for plotters and apps on port 10110, and the Signal K stream as lines on port 8375 (signalk-v1 §13).
//!
//! A [`LineServer`] listens on a port and looks after its clients, whatever they are served with: `nmea_tcp` repeats the sentences that
//! come by on the [`SentenceBus`], and `signalk_tcp` speaks Signal K. Neither knows passwords, so both ask a [`Gate`]
//! whether everybody may read, at the start and ever after.

mod line_server;
mod nmea_tcp;
mod plugin_sentences;
mod sentences;
mod signalk_tcp;
mod statistics;

#[cfg(test)]
mod tests;

pub use line_server::{Gate, LineServer, LineServerOptions};
pub use nmea_tcp::serve_sentences;
pub use plugin_sentences::PluginSentences;
pub use sentences::{ClientLine, SentenceBus};
pub(crate) use sentences::{Listening, RECEIVED};
pub use signalk_tcp::serve_lines;
pub use statistics::{OutputCounters, OutputStatistics};
