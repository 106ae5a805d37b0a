//! Load for a Signal K server, and the truth about what came out of it.
//!
//! Producers publish deltas over WebSockets at a given rate or as fast as the server takes them; subscribers
//! receive them over theirs. Every value carries who sent it, its number and the time, so the harness knows each
//! lost, repeated or misplaced value and each latency. It shares a small machine with the server it measures, so
//! it runs on one thread and handles frames as bytes: about the cost of the system calls.
//!
//! [`Plan`] says what to do, [`run`] does it, [`Report`] is what was found.

mod connection;
mod driver;
mod error;
mod frame;
mod handshake;
mod ledger;
mod pacing;
mod plan;
mod process;
mod report;
mod selection;
mod stamp;

pub use driver::run;
pub use error::HarnessError;
pub use handshake::HandshakeError;
pub use pacing::Rate;
pub use plan::{Plan, PlanError, RateControl, ServerProcess, Subscription};
pub use process::ProcessError;
pub use report::{Cost, Disconnects, Latency, Report};
