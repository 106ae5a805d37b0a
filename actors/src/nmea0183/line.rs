//! From a line to its talker, sentence id and data fields.

use jiff::Timestamp;
use smol_str::SmolStr;

use super::SentenceError;

/// The longest line that is looked at (conformance statement SK-228). The standard allows 82 bytes; devices in the
/// field exceed that, but nothing sensible exceeds this.
pub const MAX_LINE_BYTES: usize = 2048;

/// A framed sentence.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The two characters before the sentence id.
    pub talker: &'a str,
    /// The three characters of the sentence id, in capitals.
    pub sentence: SmolStr,
    /// The fields after the address, still joined by commas.
    pub data: &'a [u8],
    /// The source named by a tag block.
    pub source: Option<SmolStr>,
    /// The time given by a tag block.
    pub timestamp: Option<Timestamp>,
}

impl<'a> Line<'a> {
    /// Frames a non-empty line. `Ok(None)` is a well-formed sentence whose address is none of a talker and a sentence
    /// id: proprietary (`$P...`) or of another length.
    pub fn parse(line: &'a [u8], validate_checksum: bool) -> Result<Option<Self>, SentenceError> {
        if line.len() > MAX_LINE_BYTES {
            return Err(SentenceError::TooLong { length: line.len() });
        }
        let tags = TagBlocks::parse(line)?;
        let (Some(b'$' | b'!'), sentence) = (tags.rest.first(), tags.rest.get(1..).unwrap_or_default()) else {
            return Err(SentenceError::NotASentence);
        };
        if !sentence.first().is_some_and(u8::is_ascii_alphanumeric) {
            return Err(SentenceError::NotASentence);
        }
        let body = strip_checksum(sentence, validate_checksum)?;
        if let Some((position, byte)) = line.iter().enumerate().find(|(_, byte)| byte.is_ascii_control()) {
            return Err(SentenceError::NotText { position, byte: *byte });
        }
        let comma = body.iter().position(|byte| *byte == b',').unwrap_or(body.len());
        let (address, data) = (&body[..comma], body.get(comma + 1..).unwrap_or_default());
        if address.len() != 5 || address[0] == b'P' || !address.iter().all(u8::is_ascii_alphanumeric) {
            return Ok(None);
        }
        let address = std::str::from_utf8(address).expect("the address has been found to be ASCII");
        let (talker, sentence) = address.split_at(2);
        Ok(Some(Self {
            talker,
            sentence: sentence.chars().map(|character| character.to_ascii_uppercase()).collect(),
            data,
            source: tags.source,
            timestamp: tags.timestamp,
        }))
    }
}

/// Removes `*hh`, comparing it with the exclusive or of the bytes before it if `validate`.
fn strip_checksum(sentence: &[u8], validate: bool) -> Result<&[u8], SentenceError> {
    let Some(star) = sentence.iter().rposition(|byte| *byte == b'*') else {
        return if validate { Err(SentenceError::NoChecksum) } else { Ok(sentence) };
    };
    let (body, given) = (&sentence[..star], &sentence[star + 1..]);
    if validate {
        let given = match given {
            [high, low] => hex_digit(*high).zip(hex_digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        let given = given.ok_or(SentenceError::NoChecksum)?;
        let computed = body.iter().fold(0, |sum, byte| sum ^ byte);
        if computed != given {
            return Err(SentenceError::Checksum { computed, given });
        }
    }
    Ok(body)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// What the tag blocks of NMEA 4 in front of a sentence say (`\s:name,c:1438489697*hh\$...`).
///
/// Their own checksum is not verified: senders in the field get it wrong, and the sentence has its own.
struct TagBlocks<'a> {
    rest: &'a [u8],
    source: Option<SmolStr>,
    timestamp: Option<Timestamp>,
}

impl<'a> TagBlocks<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, SentenceError> {
        let mut tags = Self { rest: line, source: None, timestamp: None };
        while let Some(opened) = tags.rest.strip_prefix(b"\\") {
            let end = opened.iter().position(|byte| *byte == b'\\').ok_or(SentenceError::TagBlock)?;
            let (block, rest) = (&opened[..end], &opened[end + 1..]);
            let block = block.iter().rposition(|byte| *byte == b'*').map_or(block, |star| &block[..star]);
            for tag in block.split(|byte| *byte == b',') {
                match tag {
                    [b's', b':', name @ ..] if !name.is_empty() => {
                        tags.source = Some(SmolStr::new(String::from_utf8_lossy(name)));
                    }
                    [b'c', b':', time @ ..] => tags.timestamp = Some(unix_time(time)?),
                    _ => {}
                }
            }
            tags.rest = rest;
        }
        Ok(tags)
    }
}

/// The time of a `c` tag: seconds since 1970, or milliseconds if the number is too large for seconds.
fn unix_time(digits: &[u8]) -> Result<Timestamp, SentenceError> {
    const LARGEST_SECONDS: i64 = 99_999_999_999;
    let number: i64 = std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(SentenceError::TagBlock)?;
    let time =
        if number <= LARGEST_SECONDS { Timestamp::from_second(number) } else { Timestamp::from_millisecond(number) };
    time.map_err(|_| SentenceError::TagBlock)
}
