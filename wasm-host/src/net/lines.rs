//! Taking a stream of bytes apart into lines (§4.7).

/// Longest line, in bytes. A longer one arrives in pieces of this size.
const LINE: usize = 64 << 10;

/// Splits at `\n` and `\r\n`, drops empty lines, and keeps the beginning of a line until its end arrives.
#[derive(Default)]
pub(super) struct LineSplitter {
    tail: Vec<u8>,
}

impl LineSplitter {
    /// Takes bytes in and gives each line that is complete now to `line`.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(Vec<u8>)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end], &mut line);
            if self.tail.last() == Some(&b'\r') {
                self.tail.pop();
            }
            self.flush(&mut line);
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes, &mut line);
    }

    fn extend(&mut self, mut bytes: &[u8], line: &mut impl FnMut(Vec<u8>)) {
        loop {
            let (now, later) = bytes.split_at(bytes.len().min(LINE - self.tail.len()));
            self.tail.extend_from_slice(now);
            // A piece leaves only when more follows, so that a line of exactly this size is one piece.
            if later.is_empty() {
                return;
            }
            self.flush(line);
            bytes = later;
        }
    }

    fn flush(&mut self, line: &mut impl FnMut(Vec<u8>)) {
        if !self.tail.is_empty() {
            line(std::mem::take(&mut self.tail));
        }
    }

    /// Gives up the beginning of a line whose end has not arrived.
    pub(super) fn take_tail(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |line| lines.push(line));
        }
        (lines, splitter.take_tail())
    }

    #[test]
    fn lines_end_at_either_line_end_wherever_the_chunks_are_cut() {
        let text = "$GPGGA,1\r\n\r\n\nTromsø\nlast".as_bytes();
        let expected = (vec![b"$GPGGA,1".to_vec(), "Tromsø".as_bytes().to_vec()], b"last".to_vec());
        assert_eq!(split(&[text]), expected);
        for cut in 0..text.len() {
            assert_eq!(split(&[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
        }
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split(&single), expected);
    }

    #[test]
    fn an_endless_line_arrives_in_pieces_and_nothing_is_lost() {
        let (lines, tail) = split(&[&[b'x'; 3 * LINE], b"y\n"]);
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [LINE, LINE, LINE, 1]);
        assert_eq!(tail, b"");
        let (lines, _) = split(&[&[b'x'; LINE], b"\n"]);
        assert_eq!(lines.len(), 1);
    }
}
