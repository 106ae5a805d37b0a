//! TCP connections.

use super::{count, done};
use crate::{Error, sys};

/// A TCP connection. It starts in line mode: received data are split into lines.
///
/// ```
/// use windlass_plugin::{net::{Connection, TcpSocket}, testing::MockHost};
///
/// let server = MockHost::new();
/// server.grant("rawSockets");
/// let socket = TcpSocket::connect("instruments.local", 10110).unwrap();
/// assert_eq!(socket.connection(), Connection::Waiting);
///
/// server.accept("instruments.local", 10110);
/// assert_eq!(socket.connection(), Connection::Open);
/// socket.send(b"$CCRMB\r\n").unwrap();
/// server.receive_stream("instruments.local", 10110, b"$GPGLL,1\r\n\r\n$GPG");
/// let mut buffer = [0; 1024];
/// assert_eq!(socket.receive_line(&mut buffer).unwrap(), Some(&b"$GPGLL,1"[..]));
/// assert_eq!(socket.receive_line(&mut buffer).unwrap(), None);
/// ```
#[derive(Debug)]
pub struct TcpSocket {
    id: i32,
}

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Not there yet; or closed by the other side while data wait to be read.
    Waiting,
    /// Both sides may send.
    Open,
    /// Over. A new socket may try again.
    Closed,
}

impl TcpSocket {
    /// Begins to connect.
    ///
    /// # Errors
    /// When the server has no socket for the plugin, or refuses the address.
    pub fn connect(host: &str, port: u16) -> Result<Self, Error> {
        let socket = match sys::tcp_create() {
            id if id > 0 => Self { id },
            _ => return Err(Error::socket("creating a TCP socket")),
        };
        done(sys::tcp_connect(socket.id, host, port.into()), || format!("connecting to {host} port {port}"))?;
        Ok(socket)
    }

    /// How the connection is.
    pub fn connection(&self) -> Connection {
        match sys::tcp_connected(self.id) {
            1 => Connection::Open,
            0 => Connection::Waiting,
            _ => Connection::Closed,
        }
    }

    /// Whether received data are split into lines, for [`receive_line`](Self::receive_line), or left as they come, for
    /// [`receive`](Self::receive).
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn set_line_mode(&self, on: bool) -> Result<(), Error> {
        done(sys::tcp_set_line_buffering(self.id, on.into()), || "setting the line mode".to_owned())
    }

    /// Sends. Returns how many bytes were taken, which are fewer than given when the other side is slow.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn send(&self, data: &[u8]) -> Result<usize, Error> {
        count(sys::tcp_send(self.id, data), || "sending on a TCP connection".to_owned())
    }

    /// The next line without its end; what does not fit into the buffer is lost. `None`: none is complete. Empty lines are left
    /// out.
    ///
    /// # Errors
    /// When the connection is closed and everything was read.
    pub fn receive_line<'a>(&self, buffer: &'a mut [u8]) -> Result<Option<&'a [u8]>, Error> {
        self.received(sys::tcp_recv_line(self.id, buffer), buffer)
    }

    /// The next bytes. `None`: none are there.
    ///
    /// # Errors
    /// When the connection is closed and everything was read.
    pub fn receive<'a>(&self, buffer: &'a mut [u8]) -> Result<Option<&'a [u8]>, Error> {
        self.received(sys::tcp_recv_raw(self.id, buffer), buffer)
    }

    fn received<'a>(&self, result: i32, buffer: &'a [u8]) -> Result<Option<&'a [u8]>, Error> {
        let length = count(result, || "receiving on a TCP connection".to_owned())?;
        Ok(buffer.get(..length).filter(|data| !data.is_empty()))
    }

    /// How many lines, or chunks when the line mode is off, wait.
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn pending(&self) -> Result<usize, Error> {
        count(sys::tcp_pending(self.id), || "counting received data".to_owned())
    }
}

impl Drop for TcpSocket {
    fn drop(&mut self) {
        sys::tcp_close(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MockHost;

    #[test]
    fn without_the_capability_there_is_no_connection() {
        // ABI-86
        let _server = MockHost::new();
        assert!(TcpSocket::connect("localhost", 1).unwrap_err().to_string().contains("rawSockets"));
    }

    #[test]
    fn raw_data_come_over_several_reads() {
        // ABI-83
        let server = MockHost::new();
        server.grant("rawSockets");
        let socket = TcpSocket::connect("radar", 80).unwrap();
        assert!(socket.send(b"x").is_err(), "not connected yet");
        server.accept("radar", 80);
        socket.set_line_mode(false).unwrap();
        server.receive_stream("radar", 80, b"abcd\nef");
        assert_eq!(socket.pending().unwrap(), 1);
        let mut buffer = [0; 4];
        assert_eq!(socket.receive(&mut buffer).unwrap(), Some(&b"abcd"[..]));
        assert_eq!(socket.receive(&mut buffer).unwrap(), Some(&b"\nef"[..]));
        assert_eq!(socket.receive(&mut buffer).unwrap(), None);
        assert_eq!(socket.send(b"answer").unwrap(), 6);
        assert_eq!(server.sent_stream("radar", 80), b"answer");
    }

    #[test]
    fn a_closed_connection_can_be_read_to_its_end() {
        // ABI-84
        let server = MockHost::new();
        server.grant("rawSockets");
        let socket = TcpSocket::connect("ais", 1).unwrap();
        server.accept("ais", 1);
        server.receive_stream("ais", 1, b"!AIVDM\n");
        server.hang_up("ais", 1);
        assert_eq!(socket.connection(), Connection::Waiting);
        let mut buffer = [0; 64];
        assert_eq!(socket.receive_line(&mut buffer).unwrap(), Some(&b"!AIVDM"[..]));
        assert_eq!(socket.connection(), Connection::Closed);
        drop(socket);
        assert_eq!(server.open_sockets(), 0);
    }
}
