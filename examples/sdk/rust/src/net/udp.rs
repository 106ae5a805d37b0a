//! UDP sockets.

use super::{count, done};
use crate::{
    Error,
    sys::{self, ADDRESS_ROOM},
};

/// A UDP socket.
///
/// ```
/// use windlass_plugin::{net::UdpSocket, testing::MockHost};
///
/// let server = MockHost::new();
/// server.grant("rawSockets");
/// let socket = UdpSocket::bind(2000).unwrap();
/// socket.set_broadcast(true).unwrap();
/// socket.send("192.168.1.255", 2000, b"$CCRMB\r\n").unwrap();
/// assert_eq!(server.sent_datagrams()[0].data, b"$CCRMB\r\n");
///
/// server.receive_datagram(2000, "192.168.1.7", 4711, b"hello");
/// let mut buffer = [0; 1500];
/// let datagram = socket.receive(&mut buffer).unwrap().unwrap();
/// assert_eq!((datagram.data, &*datagram.address, datagram.port), (&b"hello"[..], "192.168.1.7", 4711));
/// assert!(socket.receive(&mut buffer).unwrap().is_none());
/// ```
#[derive(Debug)]
pub struct UdpSocket {
    id: i32,
}

/// A datagram that arrived.
#[derive(Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// What fitted into the buffer.
    pub data: &'a [u8],
    /// The sender's address, as text.
    pub address: String,
    /// The sender's port.
    pub port: u16,
}

impl UdpSocket {
    /// An IPv4 socket that is only sent from.
    ///
    /// # Errors
    /// When the server has no socket for the plugin.
    pub fn new() -> Result<Self, Error> {
        Self::create(0)
    }

    /// An IPv6 socket that is only sent from.
    ///
    /// # Errors
    /// When the server has no socket for the plugin.
    pub fn new_v6() -> Result<Self, Error> {
        Self::create(1)
    }

    /// An IPv4 socket that receives at a port of all interfaces; 0 is any port.
    ///
    /// # Errors
    /// When the server has no socket for the plugin, or the port is taken.
    pub fn bind(port: u16) -> Result<Self, Error> {
        let socket = Self::new()?;
        socket.bind_to(port)?;
        Ok(socket)
    }

    fn create(kind: i32) -> Result<Self, Error> {
        match sys::udp_create(kind) {
            id if id > 0 => Ok(Self { id }),
            _ => Err(Error::socket("creating a UDP socket")),
        }
    }

    /// Receives at a port of all interfaces from now on; 0 is any port.
    ///
    /// # Errors
    /// When the port is taken or the socket is bound already.
    pub fn bind_to(&self, port: u16) -> Result<(), Error> {
        done(sys::udp_bind(self.id, port.into()), || format!("binding UDP port {port}"))
    }

    /// Joins a multicast group, on the interface with this address or, with `None`, on the system's choice.
    ///
    /// # Errors
    /// When there is no such group or interface.
    pub fn join_multicast(&self, group: &str, interface: Option<&str>) -> Result<(), Error> {
        let joined = sys::udp_join_multicast(self.id, group, interface.unwrap_or_default());
        done(joined, || format!("joining the multicast group {group}"))
    }

    /// Leaves a multicast group.
    ///
    /// # Errors
    /// When it was not joined.
    pub fn leave_multicast(&self, group: &str, interface: Option<&str>) -> Result<(), Error> {
        let left = sys::udp_leave_multicast(self.id, group, interface.unwrap_or_default());
        done(left, || format!("leaving the multicast group {group}"))
    }

    /// How many routers multicast datagrams may pass.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_multicast_ttl(&self, ttl: u8) -> Result<(), Error> {
        done(sys::udp_set_multicast_ttl(self.id, ttl.into()), || format!("setting the multicast TTL {ttl}"))
    }

    /// Whether this machine receives its own multicast datagrams.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_multicast_loopback(&self, on: bool) -> Result<(), Error> {
        done(sys::udp_set_multicast_loopback(self.id, on.into()), || "setting the multicast loopback".to_owned())
    }

    /// Whether datagrams may go to broadcast addresses.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_broadcast(&self, on: bool) -> Result<(), Error> {
        done(sys::udp_set_broadcast(self.id, on.into()), || "allowing UDP broadcasts".to_owned())
    }

    /// Sends a datagram. Returns how many bytes the system took.
    ///
    /// # Errors
    /// When it could not be sent.
    pub fn send(&self, host: &str, port: u16, data: &[u8]) -> Result<usize, Error> {
        count(sys::udp_send(self.id, host, port.into(), data), || format!("sending to {host} port {port}"))
    }

    /// The oldest datagram that waits; what does not fit into the buffer is lost. `None`: none waits.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn receive<'a>(&self, buffer: &'a mut [u8]) -> Result<Option<Datagram<'a>>, Error> {
        let mut address = [0; ADDRESS_ROOM];
        let mut port = 0;
        let received = sys::udp_recv(self.id, buffer, &mut address, &mut port);
        let length = count(received, || "receiving a datagram".to_owned())?;
        let Some(data) = buffer.get(..length).filter(|data| !data.is_empty()) else {
            return Ok(None);
        };
        let end = address.iter().position(|byte| *byte == 0).unwrap_or(address.len());
        let address = String::from_utf8_lossy(&address[..end]).into_owned();
        Ok(Some(Datagram { data, address, port }))
    }

    /// How many datagrams wait.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn pending(&self) -> Result<usize, Error> {
        count(sys::udp_pending(self.id), || "counting datagrams".to_owned())
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        sys::udp_close(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MockHost;

    #[test]
    fn without_the_capability_there_is_no_socket() {
        // ABI-86
        let _server = MockHost::new();
        let refused = UdpSocket::bind(2000).unwrap_err().to_string();
        assert!(refused.contains("rawSockets"), "{refused}");
    }

    #[test]
    fn a_port_is_free_again_when_its_socket_is_dropped() {
        // ABI-81
        let server = MockHost::new();
        server.grant("rawSockets");
        let first = UdpSocket::bind(2000).unwrap();
        assert!(UdpSocket::bind(2000).unwrap_err().to_string().contains("UDP port 2000"));
        assert!(first.bind_to(2001).is_err(), "it is bound already");
        assert_eq!(server.open_sockets(), 1);
        drop(first);
        assert_eq!(server.open_sockets(), 0);
        UdpSocket::bind(2000).unwrap();
    }

    #[test]
    fn datagrams_wait_in_order_and_long_ones_are_cut() {
        let server = MockHost::new();
        server.grant("rawSockets");
        let socket = UdpSocket::bind(2000).unwrap();
        socket.join_multicast("239.2.1.1", None).unwrap();
        socket.set_multicast_ttl(4).unwrap();
        socket.set_multicast_loopback(false).unwrap();
        socket.leave_multicast("239.2.1.1", None).unwrap();
        assert!(socket.leave_multicast("239.2.1.1", None).is_err());
        server.receive_datagram(2000, "fe80::1%eth0", 1, b"first");
        server.receive_datagram(2000, "10.0.0.1", 2, b"second");
        assert_eq!(socket.pending().unwrap(), 2);
        let mut buffer = [0; 3];
        let datagram = socket.receive(&mut buffer).unwrap().unwrap();
        assert_eq!((datagram.data, &*datagram.address), (&b"fir"[..], "fe80::1%eth0"));
        assert_eq!(socket.receive(&mut buffer).unwrap().unwrap().port, 2);
    }
}
