//! The network of plugins: UDP and TCP sockets (ABI specification §4.6, §4.7) and HTTP requests (§4.9).
//!
//! A guest calls in from its own thread and never waits for a socket: one thread for all plugins, the [`NetworkLoop`],
//! drains sockets into bounded queues meanwhile. Requests run on threads of their own, while the guest waits or, if it
//! asked for that, goes on.
//!
//! Everything of one guest hangs on its [`GuestNetwork`] and ends with it. Nothing is shared between guests but the
//! thread, so no plugin can see another's sockets or answers.

mod fetch;
mod http;
mod lines;
mod names;
mod queue;
mod reactor;
mod sockets;
mod tcp;
mod udp;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use fetch::Answer;
pub(crate) use fetch::Fetcher;
pub(crate) use http::{Body, Method, Request};
use names::Reach;
pub(crate) use reactor::NetworkLoop;
pub(crate) use sockets::{Outgoing, SocketError, SocketTable};
pub(crate) use tcp::Connection;
pub(crate) use udp::{Datagram, IpVersion};

use crate::{Host, Limits, access::NetworkAccess};

/// The sockets and requests of one guest.
pub(crate) struct GuestNetwork {
    sockets: Mutex<SocketTable>,
    fetcher: Fetcher,
}

impl GuestNetwork {
    /// `requests` and `raw_sockets` say what may be reached: they are the capabilities `network` and `rawSockets`.
    pub(crate) fn new(
        reactor: &NetworkLoop,
        requests: NetworkAccess,
        raw_sockets: NetworkAccess,
        limits: &Limits,
    ) -> Arc<Self> {
        let network = Arc::new(Self {
            sockets: Mutex::new(SocketTable::new(
                reactor.clone(),
                Arc::new(Reach::new(raw_sockets)),
                limits.open_sockets,
            )),
            fetcher: Fetcher::new(reactor.clone(), requests, limits),
        });
        reactor.enlist(&network);
        network
    }

    pub(crate) fn sockets(&self) -> MutexGuard<'_, SocketTable> {
        lock(&self.sockets)
    }

    pub(crate) fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }
}

/// A guest's hold on its network: closes all of it when dropped, whoever else still refers to it.
pub(crate) struct NetworkLease {
    network: Arc<GuestNetwork>,
    host: Arc<dyn Host>,
}

impl NetworkLease {
    pub(crate) fn new(network: Arc<GuestNetwork>, host: Arc<dyn Host>) -> Self {
        Self { network, host }
    }

    pub(crate) fn sockets(&self) -> SocketStatistics {
        self.network.sockets().statistics()
    }

    pub(crate) fn fetches(&self) -> FetchStatistics {
        self.network.fetcher.statistics()
    }

    /// The oldest answer to a request with a callback: the callback's number, and the answer if there is one. Why there is
    /// none is told to the host.
    pub(crate) fn take_answer(&self) -> Option<(i32, Option<Body>)> {
        let Answer { callback, body, failure } = self.network.fetcher.take_answer()?;
        if let Some(failure) = failure {
            let text = failure.to_string();
            self.host.debug(&text);
            self.host.set_error(&text);
        }
        Some((callback, body))
    }
}

impl Drop for NetworkLease {
    fn drop(&mut self) {
        self.network.fetcher.abort();
        self.network.sockets().close_all();
    }
}

/// What a plugin's UDP and TCP sockets did since the instance was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketStatistics {
    /// Sockets open now.
    pub open: u32,
    /// Sockets, connections and datagrams refused: too many sockets, or an address that is not allowed.
    pub refused: u64,
    /// Datagrams received, including those dropped later.
    pub datagrams_received: u64,
    /// Datagrams dropped because the plugin did not fetch them in time.
    pub datagrams_dropped: u64,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Lines and chunks of connections dropped because the plugin did not fetch them in time.
    pub chunks_dropped: u64,
    /// Bytes received, over UDP and TCP.
    pub bytes_received: u64,
    /// Bytes handed to the operating system, over UDP and TCP.
    pub bytes_sent: u64,
}

/// What a plugin's HTTP requests did since the instance was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FetchStatistics {
    /// Requests sent.
    pub sent: u64,
    /// Of these, requests that got no usable answer.
    pub failed: u64,
    /// Requests not sent: too many in a minute or at once, or an address that is not allowed.
    pub refused: u64,
    /// Requests in progress now.
    pub in_progress: u32,
    /// Answers that wait to be delivered to the export `responseHandler`.
    pub undelivered: u32,
    /// Bytes of answers received, after decompression.
    pub bytes_received: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
