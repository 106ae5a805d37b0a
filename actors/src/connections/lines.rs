//! From bytes to lines.

use crate::nmea0183::MAX_LINE_BYTES;

/// How much of the beginning of a line is given that is too long.
const SHOWN_BYTES: usize = 2048;

/// Cuts a stream of bytes into lines ended by LF or CR LF.
///
/// A line of more than the limit is given up as soon as that is certain, and the next line end starts afresh, so the buffer holds at
/// most one such line and one read. The limit is [`MAX_LINE_BYTES`] unless another one is given.
#[derive(Debug)]
pub(crate) struct LineSplitter {
    limit: usize,
    /// Whether bytes of value 0 are left out.
    removes_nulls: bool,
    buffer: Vec<u8>,
    /// Where the next line starts in the buffer.
    start: usize,
    /// How far from there no line end was found.
    searched: usize,
    /// The rest of a line that is too long is being passed over.
    skipping: bool,
}

/// A line that was dropped because of its length; the beginning of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Oversized<'a>(pub &'a [u8]);

impl Default for LineSplitter {
    fn default() -> Self {
        Self::with_limit(MAX_LINE_BYTES)
    }
}

impl LineSplitter {
    /// A splitter for lines of at most so many bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self { limit, removes_nulls: false, buffer: Vec::new(), start: 0, searched: 0, skipping: false }
    }

    /// Leaves bytes of value 0 out, or not.
    pub fn removing_nulls(self, removes_nulls: bool) -> Self {
        Self { removes_nulls, ..self }
    }

    /// Adds what was read. Take the lines out before the next read.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.removes_nulls {
            self.buffer.extend(bytes.iter().copied().filter(|byte| *byte != 0));
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// No more bytes come: what is left is a line, too.
    pub fn finish(&mut self) {
        self.extend(b"\n");
    }

    /// The next line without its line end; `None` when more bytes are needed.
    pub fn next_line(&mut self) -> Option<Result<&[u8], Oversized<'_>>> {
        loop {
            let pending = self.buffer.len() - self.start;
            let found = self.buffer[self.start + self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(found) = found else {
                if self.skipping {
                    self.start = self.buffer.len();
                    return None;
                }
                // One byte more may be the CR of the line end.
                if pending > self.limit + 1 {
                    self.skipping = true;
                    let start = std::mem::replace(&mut self.start, self.buffer.len());
                    self.searched = 0;
                    return Some(Err(Oversized(&self.buffer[start..start + self.limit.min(SHOWN_BYTES)])));
                }
                self.searched = pending;
                return None;
            };
            let start = self.start;
            let end = start + self.searched + found;
            self.start = end + 1;
            self.searched = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            let line = &self.buffer[start..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            return Some(if line.len() > self.limit {
                Err(Oversized(&line[..self.limit.min(SHOWN_BYTES)]))
            } else {
                Ok(line)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All lines of a text that arrives in pieces of this size; `Err` for those too long.
    fn split(text: &[u8], piece: usize) -> Vec<Result<Vec<u8>, usize>> {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        let mut drain = |splitter: &mut LineSplitter| {
            while let Some(line) = splitter.next_line() {
                lines.push(line.map(<[u8]>::to_vec).map_err(|Oversized(start)| start.len()));
            }
            assert!(splitter.buffer.len() <= MAX_LINE_BYTES + 2 + piece, "the buffer is bounded");
        };
        for bytes in text.chunks(piece) {
            splitter.extend(bytes);
            drain(&mut splitter);
        }
        splitter.finish();
        drain(&mut splitter);
        lines
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        // SK-228: lines over 2048 are dropped, and the next one is whole again.
        let longest = vec![b'a'; MAX_LINE_BYTES];
        let mut text = b"one\r\ntwo\n\n\xff\xfe\r\n".to_vec();
        text.extend_from_slice(&longest);
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&longest);
        text.extend_from_slice(b"b\nafter\r\n");
        text.extend_from_slice(&vec![b'c'; 1_000_000]);
        text.extend_from_slice(b"\r\nlast");
        let expected = [
            Ok(b"one".to_vec()),
            Ok(b"two".to_vec()),
            Ok(Vec::new()),
            Ok(b"\xff\xfe".to_vec()),
            Ok(longest.clone()),
            Err(MAX_LINE_BYTES),
            Ok(b"after".to_vec()),
            Err(MAX_LINE_BYTES),
            Ok(b"last".to_vec()),
        ];
        for piece in [1, 2, 3, 7, 2048, 2049, 2050, 16 * 1024, text.len()] {
            assert_eq!(split(&text, piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn bytes_of_value_0_can_be_left_out() {
        let mut splitter = LineSplitter::default().removing_nulls(true);
        splitter.extend(&[0; 10_000]);
        splitter.extend(b"\0o\0ne\0\r\0\n\0");
        assert_eq!(splitter.next_line(), Some(Ok(b"one".as_slice())));
        assert_eq!(splitter.next_line(), None);
    }

    #[test]
    fn a_line_without_end_is_reported_at_once() {
        let mut splitter = LineSplitter::default();
        splitter.extend(&[0; MAX_LINE_BYTES + 2]);
        assert_eq!(splitter.next_line(), Some(Err(Oversized(&[0; MAX_LINE_BYTES]))));
        for _ in 0..10 {
            splitter.extend(&[0; 4096]);
            assert_eq!(splitter.next_line(), None, "once is enough");
            splitter.extend(&[]);
            assert_eq!(splitter.buffer.len(), 0);
        }
    }
}
