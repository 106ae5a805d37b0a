//! An instrument that speaks NMEA 0183 over TCP.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// `GPGLL,…` as a line: with `$`, checksum and line end.
pub fn sentence(body: &str) -> String {
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${body}*{sum:02X}\r\n")
}

/// A connection to a listening input of the server.
#[derive(Debug)]
pub struct NmeaPeer(TcpStream);

impl NmeaPeer {
    /// Connects.
    pub async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await;
        Self(stream.unwrap_or_else(|error| panic!("the input at {address} takes no connection: {error}")))
    }

    /// Sends a sentence; see [`sentence`].
    pub async fn say(&mut self, body: &str) {
        self.send(sentence(body).as_bytes()).await;
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap_or_else(|error| panic!("the input takes no bytes: {error}"));
    }
}
