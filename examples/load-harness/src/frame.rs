//! WebSocket frames (RFC 6455), as little of them as a load generator needs: finding the messages in
//! what a server sent without copying them, and building the few kinds of frame a client sends.

use std::io::{self, Read};

/// The largest frame or message a server may send. A full Signal K tree is far below it.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;
/// The least free space a read should have, so that the tail of a long carry does not cause tiny reads.
const MIN_READ: usize = 16 * 1024;
/// The initial size of the read buffer that all connections of a thread share.
pub const READ_BUFFER: usize = 64 * 1024;

/// One message from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A whole text or binary message; fragments have been joined.
    Data(&'a [u8]),
    /// A ping whose payload must be returned in a pong.
    Ping(&'a [u8]),
    /// The server is closing: status code (1005 when it gave none) and reason.
    Close(u16, String),
}

/// What a [`FrameReader::fill`] found at the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// Everything the socket had is in the buffer; it will report readiness again.
    Drained,
    /// The buffer is full and the socket may hold more: read again before waiting.
    More,
    /// The server closed the stream; what arrived before is in the buffer.
    Ended,
}

/// What a server sent that RFC 6455 forbids, or that this client cannot hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// An extension bit is set although no extension was offered.
    #[error(
        "the server set an extension bit although none was negotiated (first byte {0:#04x}); is a proxy compressing the stream?"
    )]
    Extension(u8),
    /// Servers must not mask (RFC 6455 §5.1).
    #[error("the server sent a masked frame, which RFC 6455 §5.1 forbids")]
    Masked,
    /// An opcode that RFC 6455 does not define.
    #[error("the server sent a frame of the unknown kind {0:#x}")]
    Opcode(u8),
    /// A continuation without a beginning, or a beginning inside another message.
    #[error("the server mixed up the fragments of a message")]
    Fragments,
    /// A control frame that is fragmented or longer than 125 bytes.
    #[error("the server sent a fragmented or oversized control frame")]
    Control,
    /// A message beyond the limit.
    #[error("the server sent a message of {0} bytes; the limit is {MAX_MESSAGE}")]
    TooLong(u64),
}

/// The receiving half of one connection. It owns only what is left between reads; the bytes being
/// read live in a buffer that the connections of a thread share.
#[derive(Debug, Default)]
pub struct FrameReader {
    /// The beginning of a frame whose end has not arrived.
    carry: Vec<u8>,
    /// The payload so far of a fragmented message.
    fragments: Vec<u8>,
    in_message: bool,
    /// The size of the frame that `carry` begins, when its header is complete.
    wanted: usize,
    filled: usize,
}

impl FrameReader {
    /// A reader that starts with bytes that were received behind the handshake's answer.
    pub fn starting_with(bytes: &[u8]) -> Self {
        FrameReader { carry: bytes.to_vec(), ..FrameReader::default() }
    }

    /// Reads once from `source` into the shared `buffer`, behind what was left of the last read.
    /// [`FrameReader::scan`] must follow before another connection uses the buffer.
    pub fn fill(&mut self, source: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Filled> {
        let start = self.carry.len();
        let size = self.wanted.max(start + MIN_READ);
        if buffer.len() < size {
            buffer.resize(size, 0);
        }
        buffer[..start].copy_from_slice(&self.carry);
        self.filled = start;
        loop {
            return match source.read(&mut buffer[start..]) {
                Ok(0) => Ok(Filled::Ended),
                Ok(count) => {
                    self.filled += count;
                    Ok(if self.filled == buffer.len() { Filled::More } else { Filled::Drained })
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Filled::Drained),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }

    /// Hands every complete message in the buffer to `on_message` and keeps the rest.
    pub fn scan(&mut self, buffer: &[u8], mut on_message: impl FnMut(Message<'_>)) -> Result<(), FrameError> {
        let mut rest = &buffer[..self.filled];
        self.wanted = 0;
        loop {
            match Header::parse(rest)? {
                Some(header) if rest.len() >= header.end => {
                    self.deliver(&header, &rest[header.start..header.end], &mut on_message)?;
                    rest = &rest[header.end..];
                }
                incomplete => {
                    self.wanted = incomplete.map_or(0, |header| header.end);
                    break;
                }
            }
        }
        self.carry.clear();
        self.carry.extend_from_slice(rest);
        self.filled = self.carry.len();
        Ok(())
    }

    fn deliver(
        &mut self,
        header: &Header,
        payload: &[u8],
        on_message: &mut impl FnMut(Message<'_>),
    ) -> Result<(), FrameError> {
        match header.opcode {
            OP_TEXT | OP_BINARY if self.in_message => return Err(FrameError::Fragments),
            OP_TEXT | OP_BINARY if header.last => on_message(Message::Data(payload)),
            OP_TEXT | OP_BINARY => {
                self.in_message = true;
                self.fragments.extend_from_slice(payload);
            }
            OP_CONTINUATION if !self.in_message => return Err(FrameError::Fragments),
            OP_CONTINUATION => {
                let length = self.fragments.len() + payload.len();
                if length > MAX_MESSAGE {
                    return Err(FrameError::TooLong(length as u64));
                }
                self.fragments.extend_from_slice(payload);
                if header.last {
                    on_message(Message::Data(&self.fragments));
                    self.fragments.clear();
                    self.in_message = false;
                }
            }
            OP_PING => on_message(Message::Ping(payload)),
            OP_CLOSE => {
                let code = payload.get(..2).map_or(1005, |code| u16::from_be_bytes([code[0], code[1]]));
                let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
                on_message(Message::Close(code, reason));
            }
            OP_PONG => {}
            other => return Err(FrameError::Opcode(other)),
        }
        Ok(())
    }
}

const OP_CONTINUATION: u8 = 0x0;
const OP_TEXT: u8 = 0x1;
const OP_BINARY: u8 = 0x2;
const OP_CLOSE: u8 = 0x8;
const OP_PING: u8 = 0x9;
const OP_PONG: u8 = 0xA;

/// The header of a server frame: where its payload starts and ends, counted from the frame's first byte.
struct Header {
    opcode: u8,
    last: bool,
    start: usize,
    end: usize,
}

impl Header {
    /// `None` while the header itself is incomplete.
    fn parse(bytes: &[u8]) -> Result<Option<Header>, FrameError> {
        let [first, second, ..] = *bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(FrameError::Extension(first));
        }
        if second & 0x80 != 0 {
            return Err(FrameError::Masked);
        }
        let (opcode, last) = (first & 0x0F, first & 0x80 != 0);
        if opcode >= OP_CLOSE && (!last || second > 125) {
            return Err(FrameError::Control);
        }
        let (start, length) = match second {
            126 => match bytes.get(2..4) {
                Some(length) => (4, u64::from(u16::from_be_bytes([length[0], length[1]]))),
                None => return Ok(None),
            },
            127 => match bytes.get(2..10).and_then(|length| <[u8; 8]>::try_from(length).ok()) {
                Some(length) => (10, u64::from_be_bytes(length)),
                None => return Ok(None),
            },
            short => (2, u64::from(short)),
        };
        if length > MAX_MESSAGE as u64 {
            return Err(FrameError::TooLong(length));
        }
        Ok(Some(Header { opcode, last, start, end: start + length as usize }))
    }
}

/// A masked text frame of a client.
pub fn text_frame(payload: &[u8], mask: [u8; 4]) -> ClientFrame {
    ClientFrame::new(OP_TEXT, payload, mask)
}

/// The answer to a ping.
pub fn pong_frame(payload: &[u8], mask: [u8; 4]) -> ClientFrame {
    ClientFrame::new(OP_PONG, payload, mask)
}

/// A normal closure (status 1000).
pub fn close_frame(mask: [u8; 4]) -> ClientFrame {
    ClientFrame::new(OP_CLOSE, &1000u16.to_be_bytes(), mask)
}

/// A client's frame in wire form. Its payload can be patched in place without being unmasked.
#[derive(Debug, Clone)]
pub struct ClientFrame {
    bytes: Vec<u8>,
    payload: usize,
    mask: [u8; 4],
}

impl ClientFrame {
    fn new(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Self {
        let mut bytes = vec![0x80 | opcode];
        match payload.len() {
            length @ 0..=125 => bytes.push(0x80 | length as u8),
            length @ 126..=0xFFFF => {
                bytes.push(0x80 | 126);
                bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                bytes.push(0x80 | 127);
                bytes.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(&mask);
        let start = bytes.len();
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        ClientFrame { bytes, payload: start, mask }
    }

    /// The frame as it goes on the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Overwrites the digits that end before `end` (an offset in the payload) with `number`, padded
    /// with zeros to `width`.
    pub fn patch_number(&mut self, end: usize, width: usize, mut number: u64) {
        for at in (end - width..end).rev() {
            self.bytes[self.payload + at] = (b'0' + (number % 10) as u8) ^ self.mask[at & 3];
            number /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that hands out its bytes in pieces of a given size and then would block.
    struct Trickle {
        bytes: Vec<u8>,
        at: usize,
        piece: usize,
    }

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.piece.min(buffer.len()).min(self.bytes.len() - self.at);
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            buffer[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
            self.at += count;
            Ok(count)
        }
    }

    fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(length as u8),
            length @ 126..=0xFFFF => {
                frame.push(126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(payload);
        frame
    }

    fn read_all(bytes: Vec<u8>, piece: usize) -> Result<Vec<String>, FrameError> {
        let mut source = Trickle { bytes, at: 0, piece };
        let (mut reader, mut buffer) = (FrameReader::default(), vec![0; READ_BUFFER]);
        let mut seen = Vec::new();
        while source.at < source.bytes.len() {
            reader.fill(&mut source, &mut buffer).unwrap();
            reader.scan(&buffer, |message| {
                seen.push(match message {
                    Message::Data(payload) => format!("data {}", payload.len()),
                    Message::Ping(payload) => format!("ping {}", String::from_utf8_lossy(payload)),
                    Message::Close(code, reason) => format!("close {code} {reason}"),
                })
            })?;
        }
        assert!(reader.carry.is_empty(), "nothing may be left of whole frames");
        Ok(seen)
    }

    #[test]
    fn every_length_form_is_found_however_the_bytes_are_cut() {
        let mut stream = server_frame(0x81, b"hello");
        stream.extend(server_frame(0x81, &[b'x'; 126]));
        stream.extend(server_frame(0x89, b"are you there"));
        stream.extend(server_frame(0x82, &[b'y'; 70_000]));
        stream.extend(server_frame(0x8A, b"unasked pong"));
        stream.extend(server_frame(0x88, b"\x03\xe9going away"));
        let expected = ["data 5", "data 126", "ping are you there", "data 70000", "close 1001 going away"];
        for piece in [1, 2, 3, 7, 100, 4096, 65_536, 1_000_000] {
            assert_eq!(read_all(stream.clone(), piece).unwrap(), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn fragments_are_joined_around_control_frames() {
        let mut stream = server_frame(0x01, b"abc");
        stream.extend(server_frame(0x89, b""));
        stream.extend(server_frame(0x00, b"de"));
        stream.extend(server_frame(0x80, b"f"));
        stream.extend(server_frame(0x81, b"next"));
        assert_eq!(read_all(stream, 4).unwrap(), ["ping ", "data 6", "data 4"]);
    }

    #[test]
    fn forbidden_frames_are_named() {
        let error = |bytes: &[u8]| read_all(bytes.to_vec(), 1000).unwrap_err();
        assert_eq!(error(&[0xC1, 0]), FrameError::Extension(0xC1));
        assert_eq!(error(&[0x81, 0x80, 0, 0, 0, 0]), FrameError::Masked);
        assert_eq!(error(&[0x83, 0]), FrameError::Opcode(3));
        assert_eq!(error(&[0x80, 0]), FrameError::Fragments);
        assert_eq!(error(&[0x09, 0]), FrameError::Control);
        assert_eq!(error(&[0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0]), FrameError::TooLong(1 << 40));
    }

    #[test]
    fn a_full_buffer_asks_for_another_read_and_the_end_is_noticed() {
        let bytes = server_frame(0x81, &[b'z'; 100_000]);
        let (mut reader, mut buffer) = (FrameReader::default(), vec![0; READ_BUFFER]);
        let mut source = io::Cursor::new(bytes);
        assert_eq!(reader.fill(&mut source, &mut buffer).unwrap(), Filled::More);
        reader.scan(&buffer, |_| panic!("the frame is not complete")).unwrap();
        let mut seen = 0;
        while reader.fill(&mut source, &mut buffer).unwrap() != Filled::Ended {
            reader.scan(&buffer, |_| seen += 1).unwrap();
        }
        assert_eq!(seen, 1);
    }

    #[test]
    fn client_frames_are_masked_and_patched_in_place() {
        for filler in [0, 200, 70_000] {
            let payload = [b"n=0000;".as_slice(), &vec![b' '; filler]].concat();
            let mut frame = text_frame(&payload, [0x12, 0x34, 0x56, 0x78]);
            frame.patch_number(6, 4, 307);
            let start = frame.bytes().len() - payload.len();
            let clear: Vec<u8> = frame.bytes()[start..]
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ [0x12, 0x34, 0x56, 0x78][at & 3])
                .collect();
            assert_eq!(&clear[..7], b"n=0307;");
            assert_eq!(frame.bytes()[1] & 0x80, 0x80, "the mask bit");
        }
    }
}
