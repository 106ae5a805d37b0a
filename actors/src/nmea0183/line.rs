//! From a line to its talker, sentence id and data fields.

use jiff::Timestamp;
use smol_str::SmolStr;

use super::SentenceError;
use super::fields::latin_text;

/// The longest line that is looked at (conformance statement SK-228). The standard allows 82 bytes; devices in the
/// field exceed that, but nothing sensible exceeds this.
pub const MAX_LINE_BYTES: usize = 2048;

/// Letters of a proprietary address that are looked at.
const LONGEST_ADDRESS: usize = 12;

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

/// The id of a sentence, such as `RMC`, of a proprietary one the whole address, such as `PGRME`; `None` for what is no sentence. Nothing
/// else of the line is looked at.
pub fn sentence_id(line: &[u8]) -> Option<&str> {
    let (_, body) = split_tags(line.trim_ascii());
    let body = body.strip_prefix(b"$").or_else(|| body.strip_prefix(b"!"))?;
    let end = body.iter().position(|byte| matches!(byte, b',' | b'*')).unwrap_or(body.len());
    let address = &body[..end];
    if !(1..=LONGEST_ADDRESS).contains(&address.len()) || !address.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let id = if address.len() == 5 && address[0] != b'P' { &address[2..] } else { address };
    std::str::from_utf8(id).ok()
}

/// The sentence with the checksum that it lacks; `None` when it has one, or is no sentence.
pub fn append_checksum(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let (tags, sentence) = split_tags(line);
    let body = sentence.strip_prefix(b"$").or_else(|| sentence.strip_prefix(b"!"))?;
    if body.contains(&b'*') {
        return None;
    }
    let sum = body.iter().fold(0, |sum, byte| sum ^ byte);
    Some([tags, sentence, format!("*{sum:02X}").as_bytes()].concat())
}

/// The tag blocks in front of a sentence, and the sentence.
fn split_tags(line: &[u8]) -> (&[u8], &[u8]) {
    let end = if line.starts_with(b"\\") { line.iter().rposition(|byte| *byte == b'\\') } else { None };
    line.split_at(end.map_or(0, |end| end + 1))
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
                        tags.source = Some(latin_text(name));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_told_without_decoding() {
        for (line, id) in [
            ("$GPRMC,1,2*00\r\n", Some("RMC")),
            ("!AIVDM,1", Some("VDM")),
            ("$PGRME,15.0,M", Some("PGRME")),
            ("\\s:a,c:1*00\\$IIHDG", Some("HDG")),
            ("$,1", None),
            ("$GP RMC,1", None),
            ("$ABCDEFGHIJKLM,1", None),
            ("GPRMC", None),
            ("\\$GPRMC", Some("RMC")),
            ("", None),
        ] {
            assert_eq!(sentence_id(line.as_bytes()), id, "{line}");
        }
    }

    #[test]
    fn a_missing_checksum_is_computed() {
        for (line, completed) in [
            ("$GPHDT,10.0,T\r\n", Some("$GPHDT,10.0,T*04")),
            ("\\s:a*00\\$GPHDT,10.0,T", Some("\\s:a*00\\$GPHDT,10.0,T*04")),
            ("$GPHDT,10.0,T*00", None),
            ("GPHDT,10.0,T", None),
            ("", None),
        ] {
            let expected = completed.map(|text| text.as_bytes().to_vec());
            assert_eq!(append_checksum(line.as_bytes()), expected, "{line}");
        }
    }
}
