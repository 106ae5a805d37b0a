//! How often the clients of streams are pinged.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{Stream, unfold};
use tokio::sync::watch;

/// The time between two pings of a client. It can be set while clients are connected: they begin anew with it. Clones share.
#[derive(Debug, Clone)]
pub struct PingInterval(Arc<watch::Sender<Option<Duration>>>);

impl PingInterval {
    /// Pings so often; `None` sends none.
    pub fn new(interval: Option<Duration>) -> Self {
        Self(Arc::new(watch::Sender::new(interval)))
    }

    /// For those who can't answer a ping.
    pub fn never() -> Self {
        Self::new(None)
    }

    /// From now on so often, for everybody; `None` sends none.
    pub fn set(&self, interval: Option<Duration>) {
        self.0.send_if_modified(|now| std::mem::replace(now, interval) != interval);
    }

    /// As it is now.
    pub fn get(&self) -> Option<Duration> {
        *self.0.borrow()
    }

    /// Has an item whenever it was set to something else.
    pub(crate) fn changes(&self) -> impl Stream<Item = ()> + use<> {
        unfold(self.0.subscribe(), |mut changes| async move { changes.changed().await.ok().map(|()| ((), changes)) })
    }
}

impl Default for PingInterval {
    fn default() -> Self {
        Self::never()
    }
}
