//! Why a line was refused.

use smol_str::SmolStr;

use super::line::MAX_LINE_BYTES;

/// Why a line gave no values. The line is dropped; nothing else is affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SentenceError {
    /// The line is longer than any sentence; usually the sender speaks another protocol, or no line ends arrive.
    #[error(
        "the line has {length} bytes, more than the {MAX_LINE_BYTES} allowed: \
         check that the device sends NMEA 0183 and that the baud rate is right"
    )]
    TooLong {
        /// Bytes of the line.
        length: usize,
    },
    /// The line does not begin like a sentence.
    #[error("the line begins with neither `$` nor `!` and an address: check that the device sends NMEA 0183")]
    NotASentence,
    /// The line contains a control character.
    #[error("byte {position} is the control character 0x{byte:02X}: check the wiring and the baud rate")]
    NotText {
        /// Index of the byte in the line.
        position: usize,
        /// The byte.
        byte: u8,
    },
    /// The checksum does not fit the sentence.
    #[error(
        "the checksum is {given:02X} but should be {computed:02X}: the line was damaged on its way, check the wiring \
         (or switch off validateChecksum for a device that computes it wrongly)"
    )]
    Checksum {
        /// The checksum computed from the sentence.
        computed: u8,
        /// The checksum at the end of the line.
        given: u8,
    },
    /// The sentence does not end with `*` and two hexadecimal digits.
    #[error(
        "the sentence does not end with a checksum: it was cut off, or the device sends none \
         (then switch off validateChecksum for this connection)"
    )]
    NoChecksum,
    /// A tag block (`\...\` in front of the sentence) is not closed or its time is not a number.
    #[error("the tag block before the sentence is malformed: it should look like \\s:name,c:1438489697*40\\")]
    TagBlock,
    /// A field cannot be what its place in the sentence demands, although the checksum is right.
    #[error(
        "field {field} of {sentence} is `{text}` where {expected} is expected: \
         the device sends it so; update or reconfigure it, or add {sentence} to ignoredSentences"
    )]
    Malformed {
        /// The sentence id.
        sentence: SmolStr,
        /// The field's number; the first after the address is 1.
        field: usize,
        /// The beginning of the field's text.
        text: SmolStr,
        /// What the field should hold.
        expected: &'static str,
    },
    /// The bits of an AIS message make no message.
    #[error(
        "the AIS message in {sentence} {problem}: a weak signal garbles one now and then; \
         if it is many, check the aerial and its cable"
    )]
    Ais {
        /// The sentence id.
        sentence: SmolStr,
        /// What is wrong with the message.
        problem: &'static str,
    },
}

impl SentenceError {
    /// Whether the line is a whole sentence, with whose content something is wrong.
    pub fn is_about_content(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::Ais { .. })
    }

    /// A short, stable word for counters and statistics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "tooLong",
            Self::NotASentence => "notASentence",
            Self::NotText { .. } => "notText",
            Self::Checksum { .. } => "checksum",
            Self::NoChecksum => "noChecksum",
            Self::TagBlock => "tagBlock",
            Self::Malformed { .. } => "malformed",
            Self::Ais { .. } => "ais",
        }
    }
}
