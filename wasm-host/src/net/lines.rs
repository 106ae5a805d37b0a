//! Taking a stream of bytes apart into lines (§4.7).

/// Longest line, in bytes without its end. What a longer one has beyond is dropped.
const LINE: usize = 64 << 10;

/// Splits at `\n`, leaves out empty lines, and keeps the beginning of a line until its end arrives. Lines are given out with their ends,
/// `\n` or `\r\n`, so that they can become raw bytes again; [`without_end`] takes them off.
#[derive(Default)]
pub(super) struct LineSplitter {
    tail: Vec<u8>,
    /// The line whose beginning is kept is longer than allowed.
    too_long: bool,
    cut: u64,
}

impl LineSplitter {
    /// Takes bytes in and gives each line that is complete now to `line`.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(Vec<u8>)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end]);
            self.too_long = false;
            let mut complete = std::mem::take(&mut self.tail);
            complete.push(b'\n');
            if !without_end(&complete).is_empty() {
                line(complete);
            }
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
    }

    fn extend(&mut self, bytes: &[u8]) {
        // One more, which may be the beginning of the line's end.
        let room = (LINE + 1).saturating_sub(self.tail.len());
        let kept = &bytes[..bytes.len().min(room)];
        self.tail.extend_from_slice(kept);
        let longer = kept.len() < bytes.len() || (self.tail.len() > LINE && self.tail.last() != Some(&b'\r'));
        if longer && !self.too_long {
            self.too_long = true;
            self.cut += 1;
        }
        if self.too_long {
            self.tail.truncate(LINE);
        }
    }

    /// How many lines were too long so far.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Gives up the beginning of a line whose end has not arrived.
    pub(super) fn take_tail(&mut self) -> Vec<u8> {
        self.too_long = false;
        std::mem::take(&mut self.tail)
    }
}

/// A line without its end, if it has one.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    match line.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>, u64) {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |line| lines.push(line));
        }
        (lines, splitter.take_tail(), splitter.cut())
    }

    #[test]
    fn lines_end_at_either_line_end_wherever_the_chunks_are_cut() {
        let text = "$GPGGA,1\r\n\r\n\nTromsø\nlast".as_bytes();
        let expected = (vec![b"$GPGGA,1\r\n".to_vec(), "Tromsø\n".as_bytes().to_vec()], b"last".to_vec(), 0);
        assert_eq!(split(&[text]), expected);
        for cut in 0..text.len() {
            assert_eq!(split(&[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
        }
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split(&single), expected);
        assert_eq!(
            expected.0.iter().map(|line| without_end(line)).collect::<Vec<_>>(),
            [b"$GPGGA,1".as_slice(), "Tromsø".as_bytes()]
        );
        assert_eq!(without_end(b"no end\r"), b"no end\r");
    }

    #[test]
    fn what_a_line_has_beyond_the_longest_is_dropped_and_counted() {
        for end in ["\n", "\r\n"] {
            let whole = [&[b'x'; LINE], end.as_bytes()].concat();
            assert_eq!(split(&[&whole]), (vec![whole.clone()], vec![], 0), "just as long as allowed");
            let long = [&[b'x'; 3 * LINE], b"y".as_slice(), end.as_bytes(), b"$NEXT\n"].concat();
            for size in [1, 1000, LINE, LINE + 1, long.len()] {
                let (lines, tail, cut) = split(&long.chunks(size).collect::<Vec<_>>());
                let texts: Vec<&[u8]> = lines.iter().map(|line| without_end(line)).collect();
                assert_eq!(texts, [[b'x'; LINE].as_slice(), b"$NEXT"], "in pieces of {size}");
                assert_eq!((tail, cut), (vec![], 1), "in pieces of {size}");
            }
        }
        let (lines, tail, cut) = split(&[&[b'x'; LINE], b"\r", b"x"]);
        assert_eq!((lines.len(), tail.len(), cut), (0, LINE, 1), "the return was part of the line");
    }
}
