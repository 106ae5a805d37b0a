//! The bits of a message.

/// A message's bits.
#[derive(Debug)]
pub(super) struct Payload {
    bytes: Vec<u8>,
    bits: usize,
}

impl Payload {
    /// The bits behind the characters, six in each, without the `fill_bits` at the end. `None` when a character stands for nothing.
    pub fn unarmor(text: &[u8], fill_bits: usize) -> Option<Self> {
        let bits = (text.len() * 6).checked_sub(fill_bits).filter(|bits| *bits > 0)?;
        Some(Self { bytes: ais::messages::unarmor(text, fill_bits).ok()?, bits })
    }

    /// The bits as bytes; those that complete the last byte are 0.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A number of at most 32 bits; `None` beyond the end.
    pub fn unsigned(&self, start: usize, length: usize) -> Option<u32> {
        if start + length > self.bits {
            return None;
        }
        let bit = |at: usize| u32::from(self.bytes[at / 8] >> (7 - at % 8) & 1);
        Some((start..start + length).fold(0, |number, at| number << 1 | bit(at)))
    }

    /// A number in two's complement.
    pub fn signed(&self, start: usize, length: usize) -> Option<i32> {
        let unused = 32 - length as u32;
        self.unsigned(start, length).map(|number| (number << unused).cast_signed() >> unused)
    }

    /// The letters from here to the end or to the first `@`.
    pub fn letters(&self, start: usize) -> String {
        let codes = (start..).step_by(6).map_while(|at| self.unsigned(at, 6)).take_while(|code| *code != 0);
        codes.filter_map(|code| char::from_u32(if code < 32 { code + 64 } else { code })).collect()
    }
}
