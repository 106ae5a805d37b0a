//! All sockets of one guest, under numbers that mean something to this guest only.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    NetworkLoop, SocketStatistics,
    names::{self, NameError, Reach},
    tcp::{Connection, TcpSocket},
    udp::{Datagram, IpVersion, Membership, Sender, UdpSocket},
};

/// How long a datagram waits for the address of a host name.
const NAME: Duration = Duration::from_secs(2);

/// Why a socket did not do what the guest asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    #[error("there is no socket {0}")]
    Unknown(i32),
    #[error("the plugin has {limit} sockets open, more are not allowed; close some, or raise the limit")]
    TooMany { limit: u32 },
    #[error("the plugin has made more sockets than there are numbers; restart it")]
    NoMoreIds,
    #[error("a socket joins at most {0} groups")]
    TooManyGroups(usize),
    #[error("the socket is bound already")]
    AlreadyBound,
    #[error("the socket is connected or connecting already")]
    AlreadyConnecting,
    #[error("the socket is not connected")]
    NotConnected,
    #[error("the socket is not a member of this group")]
    NotAMember,
    #[error("{0} is not a number a port can have")]
    Port(i32),
    #[error("{0} is not a number of hops: it must be 0 to 255")]
    Hops(i32),
    #[error("{0} is not the address of a multicast group this socket can join")]
    Group(String),
    #[error("{0} is not an interface of this machine; give its address, or nothing for the usual one")]
    Interface(String),
    #[error("port {port} cannot be bound: {error}")]
    Bind { port: u16, error: io::Error },
    #[error("{host} has no address that this socket can send to")]
    NoAddress { host: String },
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("{0}")]
    System(#[from] io::Error),
}

impl From<crate::access::Refusal> for SocketError {
    fn from(refusal: crate::access::Refusal) -> Self {
        SocketError::Name(refusal.into())
    }
}

impl SocketError {
    /// Whether a rule of the operator, and not the network, is the reason.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, SocketError::TooMany { .. } | SocketError::Name(NameError::Refused(_)))
    }
}

/// Counts for [`SocketStatistics`].
#[derive(Default)]
pub(super) struct Counters {
    pub refused: AtomicU64,
    pub datagrams_received: AtomicU64,
    pub datagrams_dropped: AtomicU64,
    pub datagrams_sent: AtomicU64,
    pub chunks_dropped: AtomicU64,
    pub lines_cut: AtomicU64,
    pub bytes_received: AtomicU64,
    pub bytes_sent: AtomicU64,
}

/// The sockets of one guest. UDP and TCP sockets are numbered independently, from 1, and no number is used twice.
pub(crate) struct SocketTable {
    reactor: NetworkLoop,
    access: Arc<Reach>,
    limit: u32,
    counters: Arc<Counters>,
    udp: BTreeMap<i32, UdpSocket>,
    tcp: BTreeMap<i32, TcpSocket>,
    last_udp: i32,
    last_tcp: i32,
}

impl SocketTable {
    pub(super) fn new(reactor: NetworkLoop, access: Arc<Reach>, limit: u32) -> Self {
        Self {
            reactor,
            access,
            limit,
            counters: Arc::default(),
            udp: BTreeMap::new(),
            tcp: BTreeMap::new(),
            last_udp: 0,
            last_tcp: 0,
        }
    }

    pub(super) fn statistics(&self) -> SocketStatistics {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SocketStatistics {
            open: (self.udp.len() + self.tcp.len()) as u32,
            refused: count(&self.counters.refused),
            datagrams_received: count(&self.counters.datagrams_received),
            datagrams_dropped: count(&self.counters.datagrams_dropped),
            datagrams_sent: count(&self.counters.datagrams_sent),
            chunks_dropped: count(&self.counters.chunks_dropped),
            lines_cut: count(&self.counters.lines_cut),
            bytes_received: count(&self.counters.bytes_received),
            bytes_sent: count(&self.counters.bytes_sent),
        }
    }

    /// Counts a refusal.
    pub(crate) fn count_refusal(&self) {
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn close_all(&mut self) {
        let (udp, tcp) = (std::mem::take(&mut self.udp), std::mem::take(&mut self.tcp));
        udp.values().for_each(UdpSocket::abort);
        tcp.values().for_each(TcpSocket::abort);
        udp.into_values().for_each(UdpSocket::close);
        tcp.into_values().for_each(TcpSocket::close);
    }

    fn make_room(&mut self) -> Result<(), SocketError> {
        if self.udp.len() + self.tcp.len() >= self.limit as usize {
            // Connections that are over count only as long as the guest may still fetch something from them.
            let gone: Vec<i32> = self
                .tcp
                .iter()
                .filter(|(_, socket)| socket.connection() == Connection::Gone)
                .map(|(id, _)| *id)
                .collect();
            for id in gone {
                self.tcp_close(id);
            }
        }
        if self.udp.len() + self.tcp.len() >= self.limit as usize {
            return Err(SocketError::TooMany { limit: self.limit });
        }
        Ok(())
    }

    fn udp(&mut self, id: i32) -> Result<&mut UdpSocket, SocketError> {
        self.udp.get_mut(&id).ok_or(SocketError::Unknown(id))
    }

    fn tcp(&self, id: i32) -> Result<&TcpSocket, SocketError> {
        self.tcp.get(&id).ok_or(SocketError::Unknown(id))
    }

    pub(crate) fn udp_create(&mut self, version: IpVersion) -> Result<i32, SocketError> {
        self.make_room()?;
        let socket = UdpSocket::open(version)?;
        self.last_udp = self.last_udp.checked_add(1).ok_or(SocketError::NoMoreIds)?;
        self.udp.insert(self.last_udp, socket);
        Ok(self.last_udp)
    }

    /// Binds a socket. The result describes the groups it could not join.
    pub(crate) fn udp_bind(&mut self, id: i32, port: i32) -> Result<Vec<String>, SocketError> {
        let port = u16::try_from(port).map_err(|_| SocketError::Port(port))?;
        let (reactor, counters) = (self.reactor.clone(), Arc::clone(&self.counters));
        let failed = self.udp(id)?.bind(port, &reactor, &counters)?;
        Ok(failed.into_iter().map(|(group, error)| format!("{group:?} was not joined: {error}")).collect())
    }

    pub(crate) fn udp_join(&mut self, id: i32, group: &str, interface: &str) -> Result<(), SocketError> {
        let socket = self.udp(id)?;
        socket.join(membership(socket.version(), group, interface)?)
    }

    pub(crate) fn udp_leave(&mut self, id: i32, group: &str, interface: &str) -> Result<(), SocketError> {
        let socket = self.udp(id)?;
        socket.leave(membership(socket.version(), group, interface)?)
    }

    pub(crate) fn udp_set_multicast_ttl(&mut self, id: i32, ttl: i32) -> Result<(), SocketError> {
        let hops = u8::try_from(ttl).map_err(|_| SocketError::Hops(ttl))?;
        Ok(self.udp(id)?.set_multicast_ttl(hops)?)
    }

    pub(crate) fn udp_set_multicast_loopback(&mut self, id: i32, enabled: bool) -> Result<(), SocketError> {
        Ok(self.udp(id)?.set_multicast_loopback(enabled)?)
    }

    pub(crate) fn udp_set_broadcast(&mut self, id: i32, enabled: bool) -> Result<(), SocketError> {
        Ok(self.udp(id)?.set_broadcast(enabled)?)
    }

    /// Prepares a datagram: binds the socket if it is not, and checks the port. The look-up and the sending happen without this table,
    /// because they may take a while.
    pub(crate) fn udp_outgoing(&mut self, id: i32, host: &str, port: i32) -> Result<Outgoing, SocketError> {
        let port = u16::try_from(port).map_err(|_| SocketError::Port(port))?;
        names::check_before_lookup(&self.access, host, port)?;
        if !self.udp(id)?.is_bound() {
            self.udp_bind(id, 0)?;
        }
        Ok(Outgoing {
            sender: self.udp(id)?.sender(),
            reactor: self.reactor.clone(),
            access: Arc::clone(&self.access),
            counters: Arc::clone(&self.counters),
            port,
        })
    }

    pub(crate) fn udp_receive(&mut self, id: i32) -> Result<Option<Datagram>, SocketError> {
        Ok(self.udp(id)?.pop())
    }

    pub(crate) fn udp_pending(&mut self, id: i32) -> Result<usize, SocketError> {
        Ok(self.udp(id)?.pending())
    }

    pub(crate) fn udp_close(&mut self, id: i32) {
        if let Some(socket) = self.udp.remove(&id) {
            socket.close();
        }
    }

    pub(crate) fn tcp_create(&mut self) -> Result<i32, SocketError> {
        self.make_room()?;
        self.last_tcp = self.last_tcp.checked_add(1).ok_or(SocketError::NoMoreIds)?;
        self.tcp.insert(self.last_tcp, TcpSocket::new());
        Ok(self.last_tcp)
    }

    pub(crate) fn tcp_connect(&mut self, id: i32, host: String, port: i32) -> Result<(), SocketError> {
        let port = u16::try_from(port).map_err(|_| SocketError::Port(port))?;
        let Self { tcp, access, reactor, counters, .. } = self;
        let socket = tcp.get_mut(&id).ok_or(SocketError::Unknown(id))?;
        socket.connect(host, port, access, reactor, counters)
    }

    /// Whether data can flow, and once, why it no longer can. A socket reported gone is forgotten.
    pub(crate) fn tcp_connection(&mut self, id: i32) -> Result<(Connection, Option<String>), SocketError> {
        let socket = self.tcp(id)?;
        let (connection, failure) = (socket.connection(), socket.take_failure());
        if connection == Connection::Gone {
            self.tcp_close(id);
        }
        Ok((connection, failure))
    }

    pub(crate) fn tcp_set_line_buffering(&mut self, id: i32, by_lines: bool) -> Result<(), SocketError> {
        self.tcp(id)?.set_line_buffering(by_lines, &self.counters);
        Ok(())
    }

    pub(crate) fn tcp_send(&mut self, id: i32, bytes: &[u8]) -> Result<usize, SocketError> {
        self.tcp(id)?.send(bytes, &self.counters)
    }

    pub(crate) fn tcp_take_line(&mut self, id: i32, max: usize) -> Result<Option<Vec<u8>>, SocketError> {
        Ok(self.tcp(id)?.take_line(max))
    }

    pub(crate) fn tcp_take_chunk(&mut self, id: i32, max: usize) -> Result<Option<Vec<u8>>, SocketError> {
        Ok(self.tcp(id)?.take_chunk(max))
    }

    pub(crate) fn tcp_pending(&mut self, id: i32) -> Result<usize, SocketError> {
        Ok(self.tcp(id)?.pending())
    }

    pub(crate) fn tcp_close(&mut self, id: i32) {
        if let Some(socket) = self.tcp.remove(&id) {
            socket.close();
        }
    }
}

/// A datagram about to be sent.
pub(crate) struct Outgoing {
    sender: Sender,
    reactor: NetworkLoop,
    access: Arc<Reach>,
    counters: Arc<Counters>,
    port: u16,
}

impl Outgoing {
    /// Whether sending to `host` waits for a look-up.
    pub(crate) fn waits(host: &str) -> bool {
        host.parse::<IpAddr>().is_err()
    }

    /// Sends; the result is the number of bytes.
    pub(crate) fn send(&self, host: &str, payload: &[u8]) -> Result<usize, SocketError> {
        let addresses = if Self::waits(host) {
            names::resolve_blocking(&self.reactor, &self.access, host, self.port, NAME)?
        } else {
            names::check_before_lookup(&self.access, host, self.port)?
                .map(|address| SocketAddr::new(address, self.port))
                .into_iter()
                .collect()
        };
        let to = self.sender.choose(&addresses).ok_or_else(|| SocketError::NoAddress { host: host.to_owned() })?;
        let sent = self.sender.send(payload, to)?;
        self.counters.datagrams_sent.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes_sent.fetch_add(sent as u64, Ordering::Relaxed);
        Ok(sent)
    }
}

/// Reads a group and an interface: an address of the interface for IPv4; for IPv6 its name or number, which may stand
/// behind a `%`, as in `::%eth0`. An empty interface is the usual one.
fn membership(version: IpVersion, group: &str, interface: &str) -> Result<Membership, SocketError> {
    let wrong_group = || SocketError::Group(group.to_owned());
    let wrong_interface = || SocketError::Interface(interface.to_owned());
    match (version, group.parse::<IpAddr>().map_err(|_| wrong_group())?) {
        (_, address) if !address.is_multicast() => Err(wrong_group()),
        (IpVersion::V4, IpAddr::V4(group)) => {
            let interface = match interface {
                "" => Ipv4Addr::UNSPECIFIED,
                text => text.parse().map_err(|_| wrong_interface())?,
            };
            Ok(Membership::V4 { group, interface })
        }
        (IpVersion::V6, IpAddr::V6(group)) => {
            let scope = interface.rsplit('%').next().unwrap_or(interface);
            let interface = match scope {
                "" | "::" => 0,
                text => text.parse().ok().or_else(|| interface_index(text)).ok_or_else(wrong_interface)?,
            };
            Ok(Membership::V6 { group, interface })
        }
        _ => Err(wrong_group()),
    }
}

#[cfg(unix)]
fn interface_index(name: &str) -> Option<u32> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: the name is a valid C string for the duration of the call, which does not keep it.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

/// Elsewhere interfaces are given by number.
#[cfg(not(unix))]
fn interface_index(_: &str) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_interfaces_are_read() {
        let read = |version, group, interface| membership(version, group, interface).map_err(|error| error.to_string());
        let v4 = |interface| Membership::V4 { group: Ipv4Addr::new(239, 2, 3, 4), interface };
        assert_eq!(read(IpVersion::V4, "239.2.3.4", ""), Ok(v4(Ipv4Addr::UNSPECIFIED)));
        assert_eq!(read(IpVersion::V4, "239.2.3.4", "127.0.0.1"), Ok(v4(Ipv4Addr::LOCALHOST)));
        assert!(matches!(read(IpVersion::V6, "ff02::1", "::%7"), Ok(Membership::V6 { interface: 7, .. })));
        assert!(matches!(read(IpVersion::V6, "ff02::1", ""), Ok(Membership::V6 { interface: 0, .. })));
        for (version, group, interface) in [
            (IpVersion::V4, "10.0.0.1", ""),
            (IpVersion::V4, "ff02::1", ""),
            (IpVersion::V6, "239.2.3.4", ""),
            (IpVersion::V4, "group.example", ""),
            (IpVersion::V4, "239.2.3.4", "eth0"),
            (IpVersion::V6, "ff02::1", "no-such-interface"),
        ] {
            assert!(membership(version, group, interface).is_err(), "{group} on {interface}");
        }
    }
}
