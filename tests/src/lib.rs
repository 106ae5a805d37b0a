//! What the end-to-end tests share: a server started from the real binary, and clients that talk to it as anybody would.
//!
//! [`Server`] runs the binary in a temporary configuration directory and keeps its log; [`Stream`] is a WebSocket client; [`Trust`] is a
//! client of HTTPS and of streams over TLS;
//! [`Continuity`] watches that nobody loses data meanwhile; [`run_table`] checks rows of promises and records which
//! statements of the specification they show. Everything waits for conditions, never for time to pass: [`PATIENCE`] is only
//! the point at which a test gives up.

mod accounts;
mod conformance;
mod continuity;
mod counter;
mod environment;
mod logs;
mod nmea;
mod rest;
mod script;
mod server;
mod stream;
mod tls;
mod wat_plugin;

use std::time::Duration;

pub use accounts::PASSWORD;
pub use conformance::{Row, run_table};
pub use continuity::Continuity;
pub use counter::Counter;
pub use environment::{chromium, demo_plugins, npm_packages, python, recordings, server_binary, test_file};
pub use logs::Logs;
pub use nmea::{NmeaPeer, sentence};
pub use rest::Answer;
pub use script::{run_python, run_script};
pub use server::{Ended, Server, ServerOptions};
pub use stream::{Frame, Publisher, Stream, Value, delta, values_of};
pub use tls::Trust;
pub use wat_plugin::WatPlugin;

/// How long a test waits for something that should happen at once: long enough for a slow, busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks at something that can't be awaited.
pub const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// JSON, as the tests handle it.
pub type Json = serde_json::Value;
