//! The server's functions, with slices instead of pointers (ABI specification §4, appendix D).
//!
//! On wasm they are the imports; anywhere else the calls end at a [`MockHost`](crate::testing::MockHost),
//! or, where none is installed, at a server that grants nothing.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;

/// Room for the text of a sender's address with its end mark; the longest IPv6 address with a zone fits.
pub(crate) const ADDRESS_ROOM: usize = 64;
