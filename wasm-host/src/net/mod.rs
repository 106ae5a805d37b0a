//! The network of plugins: UDP and TCP sockets (ABI specification §4.6, §4.7) and HTTP requests (§4.9).
//!
//! A guest calls in from its own thread and never waits for a socket: one thread for all plugins, the [`NetworkLoop`],
//! drains sockets into bounded queues meanwhile. Requests run on threads of their own, while the guest waits or, if it
//! asked for that, goes on.
//!
//! Everything of one guest hangs on its [`GuestNetwork`] and ends with it. Nothing is shared between guests but the
//! thread, so no plugin can see another's sockets or answers.

mod authorities;
mod fetch;
mod http;
mod lines;
mod names;
mod queue;
mod reactor;
mod sockets;
mod tcp;
mod udp;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde::{Deserialize, Serialize};

pub use authorities::{AuthorityError, CertificateAuthorities};
pub(crate) use fetch::{Answer, Fetcher};
pub(crate) use http::{Method, Request};
use names::Reach;
pub(crate) use reactor::NetworkLoop;
pub(crate) use sockets::{Outgoing, SocketError, SocketTable};
pub(crate) use tcp::Connection;
pub(crate) use udp::{Datagram, IpVersion};

use crate::{Limits, Waits, access::NetworkAccess};

/// The sockets and requests of one guest.
pub(crate) struct GuestNetwork {
    sockets: Mutex<SocketTable>,
    fetcher: Fetcher,
}

impl GuestNetwork {
    /// `requests` and `raw_sockets` say what may be reached: they are the capabilities `network` and `rawSockets`. `waits` ends what the
    /// guest waits for.
    pub(crate) fn new(
        reactor: &NetworkLoop,
        authorities: &CertificateAuthorities,
        requests: NetworkAccess,
        raw_sockets: NetworkAccess,
        waits: Waits,
        limits: &Limits,
    ) -> Arc<Self> {
        let network = Arc::new(Self {
            sockets: Mutex::new(SocketTable::new(
                reactor.clone(),
                Arc::new(Reach::new(raw_sockets, waits.clone())),
                limits.open_sockets,
            )),
            fetcher: Fetcher::new(reactor.clone(), authorities.clone(), requests, waits, limits),
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
pub(crate) struct NetworkLease(Arc<GuestNetwork>);

impl NetworkLease {
    pub(crate) fn new(network: Arc<GuestNetwork>) -> Self {
        Self(network)
    }

    pub(crate) fn sockets(&self) -> SocketStatistics {
        self.0.sockets().statistics()
    }

    pub(crate) fn fetches(&self) -> FetchStatistics {
        self.0.fetcher.statistics()
    }

    /// Requests admitted in the minute that is being counted, and when it is over.
    pub(crate) fn fetches_this_minute(&self) -> (u32, Option<Instant>) {
        self.0.fetcher.this_minute()
    }

    /// The oldest answer to a request with a callback.
    pub(crate) fn take_answer(&self) -> Option<Answer> {
        self.0.fetcher.take_answer()
    }
}

impl Drop for NetworkLease {
    fn drop(&mut self) {
        self.0.fetcher.abort();
        self.0.sockets().close_all();
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
    /// Lines of connections that were too long: what was beyond 64 KiB was dropped.
    #[serde(default)]
    pub lines_cut: u64,
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
