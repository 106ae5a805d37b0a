//! One UDP socket (§4.6).

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdUdpSocket},
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

use super::{
    NetworkLoop, lock,
    queue::{Occupies, ReceiveQueue},
    reactor::Task,
    sockets::{Counters, SocketError},
};

/// Largest datagram there is.
const DATAGRAM: usize = 65_535;
/// Multicast groups one socket joins.
const GROUPS: usize = 64;
/// Pause after an error of the operating system, so that a lasting one does not occupy the thread.
const PAUSE: Duration = Duration::from_millis(100);

/// Which version of IP a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IpVersion {
    V4,
    /// Both, with IPv4 addresses in their mapped form.
    V6,
}

/// A datagram that arrived.
pub(crate) struct Datagram {
    pub from: SocketAddr,
    pub payload: Vec<u8>,
}

impl Occupies for Datagram {
    /// The payload and what keeping it costs: empty datagrams occupy memory too.
    fn size(&self) -> usize {
        self.payload.len() + size_of::<Self>()
    }
}

/// A multicast group and the interface to join it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    V4 { group: Ipv4Addr, interface: Ipv4Addr },
    V6 { group: Ipv6Addr, interface: u32 },
}

pub(crate) struct UdpSocket {
    version: IpVersion,
    socket: Arc<Socket>,
    /// The groups joined, or to be joined when the socket is bound.
    memberships: Vec<Membership>,
    received: Arc<Mutex<ReceiveQueue<Datagram>>>,
    /// Fills the queue; `None` until the socket is bound.
    reader: Option<Task>,
}

impl UdpSocket {
    pub(super) fn open(version: IpVersion) -> io::Result<Self> {
        let domain = match version {
            IpVersion::V4 => Domain::IPV4,
            IpVersion::V6 => Domain::IPV6,
        };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // Several listeners of one port are usual with broadcasts and multicasts on a boat.
        socket.set_reuse_address(true)?;
        #[cfg(all(unix, not(any(target_os = "linux", target_os = "android", target_os = "solaris"))))]
        socket.set_reuse_port(true)?;
        if version == IpVersion::V6 {
            socket.set_only_v6(false)?;
        }
        let received = Arc::new(Mutex::new(ReceiveQueue::new()));
        Ok(Self { version, socket: Arc::new(socket), memberships: Vec::new(), received, reader: None })
    }

    pub(super) fn version(&self) -> IpVersion {
        self.version
    }

    pub(super) fn is_bound(&self) -> bool {
        self.reader.is_some()
    }

    /// Binds to `port` of all interfaces and begins to receive; 0 lets the system choose. Joins the groups asked for earlier; the
    /// result tells which could not be joined, as the socket is usable without.
    pub(super) fn bind(
        &mut self,
        port: u16,
        reactor: &NetworkLoop,
        counters: &Arc<Counters>,
    ) -> Result<Vec<(Membership, io::Error)>, SocketError> {
        if self.is_bound() {
            return Err(SocketError::AlreadyBound);
        }
        let any = match self.version {
            IpVersion::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpVersion::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        self.socket.bind(&SocketAddr::new(any, port).into()).map_err(|error| SocketError::Bind { port, error })?;
        let mut failed = Vec::new();
        for membership in std::mem::take(&mut self.memberships) {
            match self.set_membership(membership, true) {
                Ok(()) => self.memberships.push(membership),
                Err(error) => failed.push((membership, error)),
            }
        }
        let socket = self.socket.try_clone()?;
        let socket = {
            let _within = reactor.handle().enter();
            tokio::net::UdpSocket::from_std(StdUdpSocket::from(socket))?
        };
        let (received, counters) = (Arc::clone(&self.received), Arc::clone(counters));
        self.reader = Some(reactor.spawn(socket, move |socket| receive(socket, received, counters)));
        Ok(failed)
    }

    /// Joins a group; before the socket is bound the wish is remembered.
    pub(super) fn join(&mut self, membership: Membership) -> Result<(), SocketError> {
        if self.memberships.contains(&membership) {
            return Ok(());
        }
        if self.memberships.len() >= GROUPS {
            return Err(SocketError::TooManyGroups(GROUPS));
        }
        if self.is_bound() {
            self.set_membership(membership, true)?;
        }
        self.memberships.push(membership);
        Ok(())
    }

    /// Leaves a group that was joined.
    pub(super) fn leave(&mut self, membership: Membership) -> Result<(), SocketError> {
        let index = self.memberships.iter().position(|joined| *joined == membership).ok_or(SocketError::NotAMember)?;
        if self.is_bound() {
            self.set_membership(membership, false)?;
        }
        self.memberships.remove(index);
        Ok(())
    }

    fn set_membership(&self, membership: Membership, joined: bool) -> io::Result<()> {
        match (membership, joined) {
            (Membership::V4 { group, interface }, true) => self.socket.join_multicast_v4(&group, &interface),
            (Membership::V4 { group, interface }, false) => self.socket.leave_multicast_v4(&group, &interface),
            (Membership::V6 { group, interface }, true) => self.socket.join_multicast_v6(&group, interface),
            (Membership::V6 { group, interface }, false) => self.socket.leave_multicast_v6(&group, interface),
        }
    }

    pub(super) fn set_multicast_ttl(&self, ttl: u8) -> io::Result<()> {
        match self.version {
            IpVersion::V4 => self.socket.set_multicast_ttl_v4(ttl.into()),
            IpVersion::V6 => self.socket.set_multicast_hops_v6(ttl.into()),
        }
    }

    pub(super) fn set_multicast_loopback(&self, enabled: bool) -> io::Result<()> {
        match self.version {
            IpVersion::V4 => self.socket.set_multicast_loop_v4(enabled),
            IpVersion::V6 => self.socket.set_multicast_loop_v6(enabled),
        }
    }

    pub(super) fn set_broadcast(&self, enabled: bool) -> io::Result<()> {
        self.socket.set_broadcast(enabled)
    }

    /// A second handle to the socket, to send with while other sockets may change.
    pub(super) fn sender(&self) -> Sender {
        Sender { version: self.version, socket: Arc::clone(&self.socket) }
    }

    pub(super) fn pop(&self) -> Option<Datagram> {
        lock(&self.received).pop()
    }

    pub(super) fn pending(&self) -> usize {
        lock(&self.received).len()
    }

    /// Begins to close; [`close`](Self::close) waits for the end.
    pub(super) fn abort(&self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }

    pub(super) fn close(self) {
        let Self { socket, reader, .. } = self;
        drop(socket);
        if let Some(reader) = reader {
            reader.stop();
        }
    }
}

/// Sends datagrams.
pub(super) struct Sender {
    version: IpVersion,
    socket: Arc<Socket>,
}

impl Sender {
    /// Hands a datagram to the operating system. Never waits: when the system has no room, it is an error.
    pub(super) fn send(&self, payload: &[u8], to: SocketAddr) -> io::Result<usize> {
        let to = match (self.version, to.ip()) {
            (IpVersion::V6, IpAddr::V4(v4)) => SocketAddr::new(IpAddr::V6(v4.to_ipv6_mapped()), to.port()),
            _ => to,
        };
        self.socket.send_to(payload, &to.into())
    }

    /// Of several addresses the first that this socket can send to.
    pub(super) fn choose(&self, addresses: &[SocketAddr]) -> Option<SocketAddr> {
        let matching = |address: &&SocketAddr| self.version == IpVersion::V6 || address.is_ipv4();
        addresses.iter().find(matching).copied()
    }
}

async fn receive(socket: tokio::net::UdpSocket, queue: Arc<Mutex<ReceiveQueue<Datagram>>>, counters: Arc<Counters>) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((size, from)) => {
                counters.datagrams_received.fetch_add(1, Ordering::Relaxed);
                counters.bytes_received.fetch_add(size as u64, Ordering::Relaxed);
                let mut queue = lock(&queue);
                let before = queue.dropped();
                queue.push(Datagram { from, payload: buffer[..size].to_vec() });
                counters.datagrams_dropped.fetch_add(queue.dropped() - before, Ordering::Relaxed);
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
