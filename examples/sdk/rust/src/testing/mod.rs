//! Tests without a server: a mock host that answers the plugin's calls and notes them, and a harness that runs a plugin.
//!
//! ```
//! use windlass_plugin::{host, testing::MockHost};
//!
//! let server = MockHost::new();
//! host::set_status("Ready");
//! assert_eq!(server.statuses(), ["Ready"]);
//! ```
//!
//! A mock host serves the thread that made it until it is dropped. Without one, calls meet a server that grants nothing.

mod answers;
mod harness;
mod sockets;

pub use answers::{MockHost, SentDelta};
pub use harness::Harness;
pub use sockets::SentDatagram;

pub(crate) use answers::{emit, with_host};
