//! Between the HTTP layer and the WebSocket codec: refuses a frame by the length its header announces, and takes a lost connection
//! for an end of the stream.
//!
//! The WebSocket codec compares a frame with the permitted size only when all of it has arrived, so a header that announces a terabyte
//! would make the server collect bytes until its memory is gone. This guard reads the headers as they pass.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;

/// Passes a client's bytes on until a frame header announces more than is permitted.
pub struct FrameGuard<S> {
    inner: S,
    headers: Headers,
}

impl<S> FrameGuard<S> {
    /// Guards a stream; `most` is the longest payload of a frame in bytes.
    pub fn new(inner: S, most: usize) -> Self {
        Self { inner, headers: Headers { most: most as u64, header: Vec::new(), payload: 0 } }
    }
}

impl<S> Stream for FrameGuard<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = std::task::ready!(Pin::new(&mut self.inner).poll_next(cx));
        if let Some(Ok(bytes)) = &item
            && let Err(length) = self.headers.pass(bytes)
        {
            log::warn!("a stream client announced a frame of {length} bytes; its connection is closed");
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        match item {
            // The connection was lost. An end lets the codec read the frames that came before; an error would drop them.
            Some(Err(PayloadError::Incomplete(_) | PayloadError::Io(_))) => Poll::Ready(None),
            item => Poll::Ready(item),
        }
    }
}

/// Where in the frames the bytes are (RFC 6455 §5.2).
struct Headers {
    most: u64,
    /// The part of a header that has arrived.
    header: Vec<u8>,
    /// Payload bytes of the present frame that are still to come.
    payload: u64,
}

impl Headers {
    /// Follows the bytes. The error is the length of a frame that is too long.
    fn pass(&mut self, mut bytes: &[u8]) -> Result<(), u64> {
        while !bytes.is_empty() {
            if self.payload > 0 {
                let skip = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
                self.payload -= skip as u64;
                bytes = &bytes[skip..];
                continue;
            }
            self.header.push(bytes[0]);
            bytes = &bytes[1..];
            if let Some(length) = payload_length(&self.header) {
                if length > self.most {
                    return Err(length);
                }
                self.header.clear();
                self.payload = length;
            }
        }
        Ok(())
    }
}

/// The payload length of a header, once all of the header is there.
fn payload_length(header: &[u8]) -> Option<u64> {
    let second = *header.get(1)?;
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (extended, short) = match second & 0x7f {
        126 => (2, None),
        127 => (8, None),
        short => (0, Some(u64::from(short))),
    };
    if header.len() < 2 + extended + mask {
        return None;
    }
    Some(short.unwrap_or_else(|| header[2..2 + extended].iter().fold(0, |length, byte| length << 8 | u64::from(*byte))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Vec<u8> {
        let mut frame = vec![0x82];
        match length {
            0..=125 => frame.push(0x80 | length as u8),
            126..=65_535 => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(std::iter::repeat_n(0xff, length));
        frame
    }

    #[test]
    fn frames_pass_however_they_are_cut() {
        let bytes: Vec<u8> = [0, 1, 125, 126, 1000, 65_536, 70_000].into_iter().flat_map(frame).collect();
        for cut in [1, 2, 3, 7, 100, 65_537, bytes.len()] {
            let mut headers = Headers { most: 70_000, header: Vec::new(), payload: 0 };
            assert!(bytes.chunks(cut).all(|chunk| headers.pass(chunk).is_ok()), "{cut}");
            assert_eq!((headers.payload, headers.header.len()), (0, 0), "{cut}");
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_header() {
        let mut headers = Headers { most: 70_000, header: Vec::new(), payload: 0 };
        assert_eq!(headers.pass(&frame(70_000)), Ok(()));
        let announced = [0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 9, 9, 9, 9];
        assert_eq!(headers.pass(&announced), Err(1 << 40));
    }
}
