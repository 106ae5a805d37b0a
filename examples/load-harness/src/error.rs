//! Why a run did not take place.

use std::io;

use crate::handshake::HandshakeError;
use crate::plan::PlanError;
use crate::process::ProcessError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// The plan is impossible.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The server's process.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A connection could not be opened.
    #[error("{role} {index}: {error}")]
    Handshake {
        /// "producer" or "subscriber".
        role: &'static str,
        /// Which one.
        index: usize,
        /// Why.
        error: HandshakeError,
    },
    /// The address.
    #[error(transparent)]
    Target(HandshakeError),
    /// The operating system's part failed.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// A connection ended before anything was measured.
    #[error("a connection ended before the measurement began: {0}")]
    Early(String),
    /// Nothing came through.
    #[error(
        "subscriber {subscriber} received nothing from producer {producer} within {seconds} s. Does the server take deltas from \
         WebSocket clients (security off, or --token with write access)?"
    )]
    NothingArrives {
        /// Index of the subscriber.
        subscriber: usize,
        /// Index of the producer.
        producer: usize,
        /// How long it was waited for.
        seconds: f64,
    },
}

/// An operating system's error, with what was tried.
pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> HarnessError {
    move |error| HarnessError::System { what, error }
}
