//! A plugin that runs in a test.

use super::MockHost;
use crate::{Plugin, export::Slot};

/// A plugin under test, called as a server would call it, with a [`MockHost`] for its own calls.
///
/// Endpoints, PUT handlers and providers are methods of the plugin; [`plugin`](Self::plugin) leads to them.
#[derive(Debug)]
pub struct Harness<P: Plugin> {
    slot: Slot<P>,
    host: MockHost,
}

impl<P: Plugin> Harness<P> {
    /// Starts a plugin with a configuration (JSON).
    ///
    /// # Errors
    /// The error that the plugin shows.
    pub fn start(config: &str) -> Result<Self, String> {
        Self::start_on(MockHost::new(), config)
    }

    /// The same on a host that was prepared.
    ///
    /// # Errors
    /// The error that the plugin shows.
    pub fn start_on(host: MockHost, config: &str) -> Result<Self, String> {
        let slot = Slot::new();
        match slot.start(config.as_bytes(), || {}) {
            0 => Ok(Self { slot, host }),
            _ => Err(host.errors().pop().unwrap_or_default()),
        }
    }

    /// The host, with what it noted.
    pub fn host(&self) -> &MockHost {
        &self.host
    }

    /// A second passes.
    pub fn poll(&mut self) -> i32 {
        self.slot.poll()
    }

    /// A delta (JSON) arrives.
    pub fn deliver(&mut self, delta: &str) {
        self.slot.deliver(delta.as_bytes());
    }

    /// Calls the plugin.
    ///
    /// # Panics
    /// When it was stopped.
    pub fn plugin<R>(&mut self, call: impl FnOnce(&mut P) -> R) -> R {
        self.slot.with(call).expect("the plugin under test is running")
    }

    /// Stops the plugin. Later calls find none.
    pub fn stop(&mut self) {
        self.slot.stop();
    }
}
