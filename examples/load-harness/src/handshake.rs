//! Opening a WebSocket to the server. Blocking: it happens before anything is measured.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use http::Uri;

/// The example key of RFC 6455 §1.3 and its answer. A constant is enough: the key only guards
/// against intermediaries that replay old answers.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MAX_HEAD: usize = 16 * 1024;

/// The server under load.
#[derive(Debug, Clone)]
pub struct Target {
    authority: String,
    address: SocketAddr,
    token: Option<String>,
}

/// Why a server could not be used.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The address given by the user.
    #[error("'{0}' is not an address such as http://127.0.0.1:3000 (http or ws, host and port, nothing behind)")]
    Url(String),
    /// The host has no address.
    #[error("cannot find the host of '{url}': {error}")]
    Host {
        /// As given by the user.
        url: String,
        /// What the resolver said.
        error: io::Error,
    },
    /// No connection.
    #[error("cannot connect to {address}: {error}. Is the server running there?")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The connection broke or stalled before the answer was complete.
    #[error("the server did not finish the WebSocket handshake: {0}")]
    Io(#[from] io::Error),
    /// What came is not HTTP.
    #[error("the server's answer to the handshake is not HTTP: {0}")]
    NotHttp(#[from] httparse::Error),
    /// The server answered something other than 101.
    #[error("the server refused the WebSocket with status {status}: {body}{}", hint(*.status))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// A 101 that does not belong to this request.
    #[error("the server's Sec-WebSocket-Accept header is missing or wrong (RFC 6455 §4.1)")]
    Accept,
}

fn hint(status: u16) -> &'static str {
    match status {
        401 => ". The server wants a login: pass --token",
        404 | 426 => ". Is this the address of a Signal K server?",
        429 => ". The server limits connections per address: start it with a larger MAX_WS_CONNECTIONS_PER_IP",
        _ => "",
    }
}

impl Target {
    /// Resolves `url` (`http://host:port` or `ws://host:port`).
    pub fn new(url: &str, token: Option<String>) -> Result<Self, HandshakeError> {
        let invalid = || HandshakeError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let authority = uri.authority().ok_or_else(invalid)?;
        if !matches!(uri.scheme_str(), Some("http" | "ws")) || !matches!(uri.path(), "" | "/") {
            return Err(invalid());
        }
        let host = authority.host().trim_matches(['[', ']']);
        let address = (host, authority.port_u16().unwrap_or(80))
            .to_socket_addrs()
            .map_err(|error| HandshakeError::Host { url: url.to_owned(), error })?
            .next()
            .ok_or_else(invalid)?;
        Ok(Target { authority: authority.to_string(), address, token })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the Signal K stream with `query` and returns the connection, still blocking, with the bytes
    /// that already followed the handshake.
    pub fn open(&self, query: &str, timeout: Duration) -> Result<(TcpStream, Vec<u8>), HandshakeError> {
        let mut stream = TcpStream::connect_timeout(&self.address, timeout)
            .map_err(|error| HandshakeError::Connect { address: self.address, error })?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        stream.write_all(self.request(query).as_bytes())?;
        let rest = read_answer(&mut stream)?;
        Ok((stream, rest))
    }

    fn request(&self, query: &str) -> String {
        let authorization =
            self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        format!(
            "GET /signalk/v1/stream?{query} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{authorization}\r\n",
            self.authority
        )
    }
}

/// Reads the server's answer; returns what follows its head.
fn read_answer(stream: &mut impl Read) -> Result<Vec<u8>, HandshakeError> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed").into());
        }
        bytes.extend_from_slice(&piece[..count]);

        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(&bytes)? else {
            if bytes.len() > MAX_HEAD {
                return Err(httparse::Error::TooManyHeaders.into());
            }
            continue;
        };
        let status = response.code.unwrap_or_default();
        if status != 101 {
            let length: u64 = header(&response, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut body = bytes[head..].to_vec();
            let missing = length.min(1024).saturating_sub(body.len() as u64);
            // The body only explains the status, so a body that breaks off is shown as far as it came.
            stream.take(missing).read_to_end(&mut body).ok();
            body.truncate(300);
            return Err(HandshakeError::Refused { status, body: String::from_utf8_lossy(&body).trim().to_owned() });
        }
        if header(&response, "sec-websocket-accept") != Some(ACCEPT) {
            return Err(HandshakeError::Accept);
        }
        return Ok(bytes.split_off(head));
    }
}

fn header<'a>(response: &httparse::Response<'_, 'a>, name: &str) -> Option<&'a str> {
    let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    str::from_utf8(header.value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<Vec<u8>, HandshakeError> {
        read_answer(&mut text.as_bytes())
    }

    #[test]
    fn what_follows_an_accepted_handshake_is_kept() {
        let head = format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}\r\n\r\n");
        assert_eq!(answer(&head).unwrap(), b"");
        assert_eq!(answer(&(head + "\u{1}hello")).unwrap(), b"\x01hello");
    }

    #[test]
    fn refusals_say_what_to_do() {
        let text = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 13\r\n\r\n{\"error\":\"x\"}";
        let message = answer(text).unwrap_err().to_string();
        assert!(message.contains("429") && message.contains(r#"{"error":"x"}"#), "{message}");
        assert!(message.contains("MAX_WS_CONNECTIONS_PER_IP"), "{message}");
        assert!(matches!(answer("HTTP/1.1 101 Ok\r\nSec-WebSocket-Accept: no\r\n\r\n"), Err(HandshakeError::Accept)));
        assert!(matches!(answer("SSH-2.0-OpenSSH_9.2\r\n"), Err(HandshakeError::NotHttp(_))));
        assert!(matches!(answer("HTTP/1.1 101 Swi"), Err(HandshakeError::Io(_))));
    }

    #[test]
    fn only_plain_server_addresses_are_taken() {
        for good in ["http://127.0.0.1:3000", "ws://127.0.0.1:3000/", "http://[::1]:80"] {
            Target::new(good, None).unwrap();
        }
        for bad in ["127.0.0.1:3000", "https://127.0.0.1:3000", "http://127.0.0.1/signalk", "http://"] {
            assert!(matches!(Target::new(bad, None), Err(HandshakeError::Url(_))), "{bad}");
        }
        let target = Target::new("http://127.0.0.1:3000", Some("abc".into())).unwrap();
        let request = target.request("subscribe=none");
        assert!(request.starts_with("GET /signalk/v1/stream?subscribe=none HTTP/1.1\r\n"));
        assert!(request.contains("\r\nAuthorization: Bearer abc\r\n") && request.ends_with("\r\n\r\n"));
    }
}
