//! The mock host's sockets, without a network.

use super::answers::State;
use crate::sys::ADDRESS_ROOM;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A datagram that the plugin sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentDatagram {
    /// To which host.
    pub host: String,
    /// To which port.
    pub port: u16,
    /// What.
    pub data: Vec<u8>,
}

/// All sockets of a plugin.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    last: i32,
    udp: BTreeMap<i32, Udp>,
    tcp: BTreeMap<i32, Tcp>,
    pub(crate) sent_datagrams: Vec<SentDatagram>,
}

#[derive(Debug, Default)]
struct Udp {
    port: Option<i32>,
    groups: BTreeSet<String>,
    received: VecDeque<(String, u16, Vec<u8>)>,
}

/// A connection.
#[derive(Debug, Default)]
pub(crate) struct Tcp {
    peer: Option<(String, i32)>,
    open: bool,
    over: bool,
    raw: bool,
    received: Vec<u8>,
    pub(crate) sent: Vec<u8>,
}

impl Sockets {
    fn id(&mut self) -> i32 {
        self.last += 1;
        self.last
    }

    pub(crate) fn len(&self) -> usize {
        self.udp.len() + self.tcp.len()
    }

    pub(crate) fn receive_datagram(&mut self, port: u16, from: &str, from_port: u16, data: &[u8]) {
        let bound = self.udp.values_mut().find(|socket| socket.port == Some(port.into()));
        let socket = bound.unwrap_or_else(|| panic!("no socket is bound to UDP port {port}"));
        socket.received.push_back((from.to_owned(), from_port, data.to_owned()));
    }

    pub(crate) fn connection(&mut self, host: &str, port: u16) -> &mut Tcp {
        let peer = Some((host.to_owned(), i32::from(port)));
        let found = self.tcp.values_mut().find(|socket| socket.peer == peer);
        found.unwrap_or_else(|| panic!("no socket is connected to {host} port {port}"))
    }
}

impl Tcp {
    pub(crate) fn accept(&mut self) {
        self.open = true;
    }

    pub(crate) fn receive(&mut self, data: &[u8]) {
        self.received.extend_from_slice(data);
    }

    pub(crate) fn hang_up(&mut self) {
        self.open = false;
        self.over = true;
    }

    fn drained(&self) -> bool {
        self.over && self.received.is_empty()
    }

    /// Takes a line out, without its end; empty lines are passed over.
    fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            let end = self.received.iter().position(|byte| *byte == b'\n')?;
            let mut line: Vec<u8> = self.received.drain(..=end).collect();
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if !line.is_empty() {
                return Some(line);
            }
        }
    }

    fn pending(&self) -> usize {
        if self.raw {
            return usize::from(!self.received.is_empty());
        }
        let complete = self.received.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.received[..complete].split(|byte| *byte == b'\n').filter(|line| !matches!(line, [] | [b'\r'])).count()
    }
}

/// Copies what fits and returns how much that was.
fn copy(data: &[u8], out: &mut [u8]) -> i32 {
    let len = data.len().min(out.len());
    out[..len].copy_from_slice(&data[..len]);
    i32::try_from(len).unwrap_or(i32::MAX)
}

fn size(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// 0 for success, -1 for failure.
fn done(success: bool) -> i32 {
    if success { 0 } else { -1 }
}

/// The host functions for sockets, as a server answers them.
impl State {
    pub(crate) fn udp_create(&mut self, _kind: i32) -> i32 {
        if !self.granted("rawSockets") {
            return -1;
        }
        let id = self.sockets.id();
        self.sockets.udp.insert(id, Udp::default());
        id
    }

    pub(crate) fn udp_bind(&mut self, socket: i32, port: i32) -> i32 {
        let taken = port != 0 && self.sockets.udp.values().any(|other| other.port == Some(port));
        match self.sockets.udp.get_mut(&socket) {
            Some(socket) if socket.port.is_none() && !taken => {
                socket.port = Some(port);
                0
            }
            _ => -1,
        }
    }

    pub(crate) fn udp_join_multicast(&mut self, socket: i32, group: &str, _interface: &str) -> i32 {
        done(self.sockets.udp.get_mut(&socket).is_some_and(|socket| socket.groups.insert(group.to_owned())))
    }

    pub(crate) fn udp_leave_multicast(&mut self, socket: i32, group: &str, _interface: &str) -> i32 {
        done(self.sockets.udp.get_mut(&socket).is_some_and(|socket| socket.groups.remove(group)))
    }

    pub(crate) fn udp_set_multicast_ttl(&mut self, socket: i32, _ttl: i32) -> i32 {
        done(self.sockets.udp.contains_key(&socket))
    }

    pub(crate) fn udp_set_multicast_loopback(&mut self, socket: i32, _on: i32) -> i32 {
        done(self.sockets.udp.contains_key(&socket))
    }

    pub(crate) fn udp_set_broadcast(&mut self, socket: i32, _on: i32) -> i32 {
        done(self.sockets.udp.contains_key(&socket))
    }

    pub(crate) fn udp_send(&mut self, socket: i32, host: &str, port: i32, data: &[u8]) -> i32 {
        let Ok(port) = u16::try_from(port) else { return -1 };
        if !self.sockets.udp.contains_key(&socket) {
            return -1;
        }
        self.sockets.sent_datagrams.push(SentDatagram { host: host.to_owned(), port, data: data.to_owned() });
        size(data.len())
    }

    pub(crate) fn udp_recv(
        &mut self,
        socket: i32,
        out: &mut [u8],
        address: &mut [u8; ADDRESS_ROOM],
        port: &mut u16,
    ) -> i32 {
        let Some(socket) = self.sockets.udp.get_mut(&socket) else { return -1 };
        let Some((from, from_port, data)) = socket.received.pop_front() else { return 0 };
        copy(format!("{from}\0").as_bytes(), address);
        *port = from_port;
        copy(&data, out)
    }

    pub(crate) fn udp_pending(&mut self, socket: i32) -> i32 {
        self.sockets.udp.get(&socket).map_or(-1, |socket| size(socket.received.len()))
    }

    pub(crate) fn udp_close(&mut self, socket: i32) {
        self.sockets.udp.remove(&socket);
    }

    pub(crate) fn tcp_create(&mut self) -> i32 {
        if !self.granted("rawSockets") {
            return -1;
        }
        let id = self.sockets.id();
        self.sockets.tcp.insert(id, Tcp::default());
        id
    }

    pub(crate) fn tcp_connect(&mut self, socket: i32, host: &str, port: i32) -> i32 {
        match self.sockets.tcp.get_mut(&socket) {
            Some(socket) if socket.peer.is_none() => {
                socket.peer = Some((host.to_owned(), port));
                0
            }
            _ => -1,
        }
    }

    pub(crate) fn tcp_connected(&mut self, socket: i32) -> i32 {
        match self.sockets.tcp.get(&socket) {
            Some(socket) if !socket.drained() => socket.open.into(),
            _ => -1,
        }
    }

    pub(crate) fn tcp_set_line_buffering(&mut self, socket: i32, on: i32) -> i32 {
        let found = self.sockets.tcp.get_mut(&socket);
        done(found.map(|socket| socket.raw = on == 0).is_some())
    }

    pub(crate) fn tcp_send(&mut self, socket: i32, data: &[u8]) -> i32 {
        match self.sockets.tcp.get_mut(&socket) {
            Some(socket) if socket.open => {
                socket.sent.extend_from_slice(data);
                size(data.len())
            }
            _ => -1,
        }
    }

    pub(crate) fn tcp_recv_line(&mut self, socket: i32, answer: &mut [u8]) -> i32 {
        match self.sockets.tcp.get_mut(&socket) {
            Some(socket) if !socket.drained() => socket.line().map_or(0, |line| copy(&line, answer)),
            _ => -1,
        }
    }

    pub(crate) fn tcp_recv_raw(&mut self, socket: i32, answer: &mut [u8]) -> i32 {
        match self.sockets.tcp.get_mut(&socket) {
            Some(socket) if !socket.drained() => {
                let taken = copy(&socket.received, answer);
                socket.received.drain(..usize::try_from(taken).unwrap_or(0));
                taken
            }
            _ => -1,
        }
    }

    pub(crate) fn tcp_pending(&mut self, socket: i32) -> i32 {
        match self.sockets.tcp.get(&socket) {
            Some(socket) if !socket.drained() => size(socket.pending()),
            _ => -1,
        }
    }

    pub(crate) fn tcp_close(&mut self, socket: i32) {
        self.sockets.tcp.remove(&socket);
    }
}
