//! How AIS transponders put a message on the wire: bits, six to a character, in VDM sentences (ITU-R M.1371, IEC 61162-1).

use std::fmt::Write as _;

/// Characters of a payload in one sentence; more would not fit the 82 bytes of the standard.
const LONGEST_PAYLOAD: usize = 60;

/// A message that is being written.
#[derive(Debug, Default)]
pub struct Message {
    bits: Vec<bool>,
}

impl Message {
    /// Appends a number of so many bits; one that needs more is cut, as a transponder does. Beyond 32 bits come zeros.
    pub fn number(mut self, value: u32, bits: u32) -> Self {
        self.bits.extend((0..bits).rev().map(|bit| bit < 32 && value >> bit & 1 == 1));
        self
    }

    /// Appends a number in two's complement.
    pub fn signed(self, value: i32, bits: u32) -> Self {
        self.number(value.cast_unsigned(), bits)
    }

    /// Appends a text of so many letters, filled up with `@`. What can't be written in six bits becomes a space.
    pub fn text(self, text: &str, letters: usize) -> Self {
        let padded = text.chars().chain(std::iter::repeat('@')).take(letters);
        padded.fold(self, |message, letter| {
            let code = match letter.to_ascii_uppercase() {
                letter @ '@'..='_' => u32::from(letter) - 64,
                letter @ ' '..='?' => u32::from(letter),
                _ => u32::from(' '),
            };
            message.number(code, 6)
        })
    }

    /// The sentences of the message on a radio channel, without line ends. `sequence` tells messages apart that need several.
    pub fn sentences(self, channel: char, sequence: u32) -> Vec<String> {
        let fill_bits = (6 - self.bits.len() % 6) % 6;
        let armored = |bits: &[bool]| {
            let code = (0..6).fold(0, |code, bit| code << 1 | u8::from(bits.get(bit).copied().unwrap_or_default()));
            char::from(if code < 40 { code + 48 } else { code + 56 })
        };
        let payload: Vec<char> = self.bits.chunks(6).map(armored).collect();
        let parts: Vec<String> = payload.chunks(LONGEST_PAYLOAD).map(|part| part.iter().collect()).collect();
        let total = parts.len();
        let sequence = if total > 1 { (sequence % 10).to_string() } else { String::new() };
        let sentence = |(index, part): (usize, &String)| {
            let fill_bits = if index + 1 == total { fill_bits } else { 0 };
            framed(&format!("AIVDM,{total},{},{sequence},{channel},{part},{fill_bits}", index + 1))
        };
        parts.iter().enumerate().map(sentence).collect()
    }
}

fn framed(body: &str) -> String {
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    let mut sentence = format!("!{body}");
    write!(sentence, "*{sum:02X}").expect("writing to a String cannot fail");
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_armored_and_split() {
        let one = Message::default().number(1, 6).number(0, 2).number(366_730_000, 30).sentences('A', 0);
        assert_eq!(one, ["!AIVDM,1,1,,A,15MgK40,4*43"]);
        let long = Message::default().text(&"A".repeat(61), 61).sentences('B', 13);
        assert_eq!(long.len(), 2);
        assert!(long[0].starts_with("!AIVDM,2,1,3,B,1111") && long[0].len() == 80, "{}", long[0]);
        assert!(long[1].starts_with("!AIVDM,2,2,3,B,1,0*"), "{}", long[1]);
    }
}
