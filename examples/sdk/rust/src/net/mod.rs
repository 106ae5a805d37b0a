//! Sockets (capability `rawSockets`; ABI specification §4.6, §4.7).
//!
//! Nothing in here blocks: sockets receive in the background, and a plugin looks at them in
//! [`poll`](crate::Plugin::poll). A socket is closed when its value is dropped.

mod tcp;
mod udp;

pub use tcp::{Connection, TcpSocket};
pub use udp::{Datagram, UdpSocket};

use crate::Error;

/// A result of 0, or an error that says what was tried.
fn done(result: i32, what: impl FnOnce() -> String) -> Result<(), Error> {
    if result == 0 { Ok(()) } else { Err(Error::socket(what())) }
}

/// A number of bytes or items, or an error that says what was tried.
fn count(result: i32, what: impl FnOnce() -> String) -> Result<usize, Error> {
    usize::try_from(result).map_err(|_| Error::socket(what()))
}
