//! One non-blocking WebSocket to the server.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::net::TcpStream;

use mio::{Interest, Registry, Token};

use crate::frame::{Filled, FrameError, FrameReader, Message, close_frame, pong_frame};

/// Why a connection ended during the run.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The server sent a close frame.
    #[error("the server closed the WebSocket with code {0} '{1}'")]
    Closed(u16, String),
    /// The server closed the connection without a close frame.
    #[error("the server closed the connection without a close frame")]
    Ended,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The server sent something that is no WebSocket.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// One non-blocking WebSocket to the server.
#[derive(Debug)]
pub struct Connection {
    stream: mio::net::TcpStream,
    reader: FrameReader,
    out: Vec<u8>,
    written: usize,
    blocked: bool,
    open: bool,
    mask: [u8; 4],
}

impl Connection {
    /// Takes over a connection after its handshake; `rest` is what followed the handshake.
    pub fn new(stream: TcpStream, rest: &[u8], registry: &Registry, token: Token) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let random = RandomState::new().build_hasher().finish() as u32;
        Ok(Connection {
            stream,
            reader: FrameReader::starting_with(rest),
            out: Vec::new(),
            written: 0,
            blocked: false,
            open: true,
            mask: random.to_ne_bytes(),
        })
    }

    /// The key with which this connection's frames are masked.
    pub fn mask(&self) -> [u8; 4] {
        self.mask
    }

    /// Whether the connection still stands.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether the server does not read at present.
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Bytes that wait to be written.
    pub fn waiting(&self) -> usize {
        self.out.len() - self.written
    }

    /// Appends a frame to what waits to be written; [`Connection::flush`] writes it.
    pub fn push(&mut self, frame: &[u8]) {
        self.out.extend_from_slice(frame);
    }

    /// The socket can be written again.
    pub fn unblock(&mut self) {
        self.blocked = false;
    }

    /// Writes what waits, as far as the socket takes it.
    pub fn flush(&mut self) -> Result<(), Lost> {
        while self.open && !self.blocked && self.waiting() > 0 {
            match self.stream.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lost(error.into())),
            }
        }
        if self.waiting() == 0 {
            self.out.clear();
            self.written = 0;
        }
        Ok(())
    }

    /// Reads once into the shared `buffer` and hands every complete message to `on_data`. Pings are answered.
    pub fn receive(&mut self, buffer: &mut Vec<u8>, mut on_data: impl FnMut(&[u8])) -> Result<Filled, Lost> {
        let filled = match self.reader.fill(&mut self.stream, buffer) {
            Ok(filled) => filled,
            Err(error) => return Err(self.lost(error.into())),
        };
        let (out, mask) = (&mut self.out, self.mask);
        let mut closed = None;
        let scanned = self.reader.scan(buffer, |message| match message {
            Message::Data(payload) => on_data(payload),
            Message::Ping(payload) => out.extend_from_slice(pong_frame(payload, mask).bytes()),
            Message::Close(code, reason) => closed = Some(Lost::Closed(code, reason)),
        });
        let end = (filled == Filled::Ended).then_some(Lost::Ended);
        match scanned.err().map(Lost::Frame).or(closed).or(end) {
            Some(reason) => Err(self.lost(reason)),
            None => self.flush().map(|()| filled),
        }
    }

    /// Takes leave of the server, as far as it can be done without waiting.
    pub fn close(&mut self) {
        self.push(close_frame(self.mask).bytes());
        // The measurement is over: a server that is gone already is no error.
        self.flush().ok();
        self.open = false;
    }

    fn lost(&mut self, reason: Lost) -> Lost {
        self.open = false;
        reason
    }
}
