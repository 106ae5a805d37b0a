//! Strings in guest memory: UTF-8 ranges and AssemblyScript's managed strings (ABI specification §3.1, §4.1).

use std::sync::OnceLock;

use crate::engine::{Memory, OutOfBounds};

/// AssemblyScript class id of an ArrayBuffer.
pub(crate) const ARRAY_BUFFER: i32 = 1;
/// AssemblyScript class id of a String.
pub(crate) const STRING: i32 = 2;
/// Size of the header before a managed object.
const HEADER: u32 = 20;

/// Why a text could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    #[error("the text lies outside the plugin's memory")]
    OutOfBounds,
    #[error("the text is {0} bytes long, more than allowed")]
    TooLong(u32),
    #[error("the pointer is not that of a string (class id {0})")]
    NotAString(i32),
}

impl From<OutOfBounds> for TextError {
    fn from(_: OutOfBounds) -> Self {
        TextError::OutOfBounds
    }
}

/// Copies `len` bytes at `at`. The range is checked before anything is allocated.
pub(crate) fn read_bytes(memory: &dyn Memory, at: u32, len: u32, max: u32) -> Result<Vec<u8>, TextError> {
    if u64::from(at) + u64::from(len) > memory.memory_bytes() {
        return Err(TextError::OutOfBounds);
    }
    if len > max {
        return Err(TextError::TooLong(len));
    }
    let mut bytes = vec![0; len as usize];
    memory.read(at, &mut bytes)?;
    Ok(bytes)
}

/// Reads UTF-8: invalid sequences become U+FFFD, a leading byte order mark is dropped.
pub(crate) fn read_utf8(memory: &dyn Memory, at: u32, len: u32, max: u32) -> Result<String, TextError> {
    let text = match String::from_utf8(read_bytes(memory, at, len, max)?) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Reads the header of the managed object at `at`: its class id and payload size in bytes.
pub(crate) fn read_header(memory: &dyn Memory, at: u32) -> Result<(i32, u32), TextError> {
    if at < HEADER {
        return Err(TextError::OutOfBounds);
    }
    let mut words = [0; 8];
    memory.read(at - 8, &mut words)?;
    let word = |from: usize| u32::from_le_bytes(std::array::from_fn(|i| words[from + i]));
    Ok((word(0) as i32, word(4)))
}

/// Reads a managed string; `None` for the null pointer. Lone surrogates become U+FFFD. `max` bounds its UTF-16 size.
pub(crate) fn read_managed(memory: &dyn Memory, at: u32, max: u32) -> Result<Option<String>, TextError> {
    if at == 0 {
        return Ok(None);
    }
    let (class, size) = read_header(memory, at)?;
    if class != STRING {
        return Err(TextError::NotAString(class));
    }
    let bytes = read_bytes(memory, at, size & !1, max)?;
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    Ok(Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()))
}

/// A text that goes to several guests, in both of the forms guests want.
///
/// Whoever shares a text between threads implements it so that the UTF-16 form is made at most once, when the first AssemblyScript plugin
/// wants it: see [`SharedText`].
pub trait DeltaText {
    /// The text.
    fn utf8(&self) -> &str;
    /// The same in UTF-16LE, without a byte order mark; see [`utf16_bytes`].
    fn utf16(&self) -> &[u8];
}

/// A text that remembers its UTF-16 form.
#[derive(Clone, Debug)]
pub struct SharedText {
    utf8: Box<str>,
    utf16: OnceLock<Box<[u8]>>,
}

impl<T: Into<Box<str>>> From<T> for SharedText {
    fn from(text: T) -> Self {
        Self { utf8: text.into(), utf16: OnceLock::new() }
    }
}

impl DeltaText for SharedText {
    fn utf8(&self) -> &str {
        &self.utf8
    }

    fn utf16(&self) -> &[u8] {
        self.utf16.get_or_init(|| utf16_bytes(&self.utf8))
    }
}

/// `text` in UTF-16LE, without a byte order mark.
pub fn utf16_bytes(text: &str) -> Box<[u8]> {
    let mut bytes = Vec::new();
    encode_utf16(text, &mut bytes);
    bytes.into_boxed_slice()
}

/// Replaces the content of `buffer` with `text` in UTF-16LE.
pub(crate) fn encode_utf16(text: &str, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.reserve(text.len() * 2);
    if text.is_ascii() {
        buffer.extend(text.bytes().flat_map(|byte| [byte, 0]));
    } else {
        buffer.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }
}

/// The beginning of `text`, at most `max` bytes, cut between characters.
pub(crate) fn clip(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bytes(Vec<u8>);

    impl Memory for Bytes {
        fn memory_bytes(&self) -> u64 {
            self.0.len() as u64
        }

        fn read(&self, at: u32, into: &mut [u8]) -> Result<(), OutOfBounds> {
            let from = self.0.get(at as usize..at as usize + into.len()).ok_or(OutOfBounds)?;
            into.copy_from_slice(from);
            Ok(())
        }

        fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
            let to = self.0.get_mut(at as usize..at as usize + bytes.len()).ok_or(OutOfBounds)?;
            to.copy_from_slice(bytes);
            Ok(())
        }
    }

    fn managed(class: i32, payload: &[u8]) -> Bytes {
        let mut bytes = vec![0; 12];
        bytes.extend_from_slice(&class.to_le_bytes());
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(payload);
        Bytes(bytes)
    }

    #[test]
    fn utf16_round_trip_with_characters_outside_the_basic_plane() {
        for text in ["", "abc", "Tromsø ⚓ 🛥"] {
            let mut payload = vec![1];
            encode_utf16(text, &mut payload);
            assert_eq!(read_managed(&managed(STRING, &payload), 20, 1000).unwrap().as_deref(), Some(text));
        }
    }

    #[test]
    fn broken_strings_are_read_leniently_or_refused() {
        let lone = managed(STRING, &[0x00, 0xd8, b'x', 0]);
        assert_eq!(read_managed(&lone, 20, 10).unwrap().as_deref(), Some("\u{fffd}x"));
        assert_eq!(read_managed(&lone, 0, 10), Ok(None));
        assert_eq!(read_managed(&lone, 19, 10), Err(TextError::OutOfBounds));
        assert_eq!(read_managed(&lone, 4_000_000_000, 10), Err(TextError::OutOfBounds));
        assert_eq!(read_managed(&lone, 20, 3), Err(TextError::TooLong(4)));
        assert_eq!(read_managed(&managed(1, b"ab"), 20, 10), Err(TextError::NotAString(1)));
        let mut huge = lone;
        huge.write(16, &u32::MAX.to_le_bytes()).unwrap();
        assert_eq!(read_managed(&huge, 20, u32::MAX), Err(TextError::OutOfBounds));
    }

    #[test]
    fn a_shared_text_is_turned_into_utf16_once() {
        let text = SharedText::from("Tromsø 🛥");
        let first = text.utf16();
        assert_eq!(first, "Tromsø 🛥".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        assert!(std::ptr::eq(first, text.utf16()), "the same bytes again");
        assert_eq!(text.utf8(), "Tromsø 🛥");
    }

    #[test]
    fn utf8_is_read_leniently() {
        let bytes = Bytes(b"\xef\xbb\xbfa\xffb".to_vec());
        assert_eq!(read_utf8(&bytes, 0, 6, 10).unwrap(), "a\u{fffd}b");
        assert_eq!(read_utf8(&bytes, 6, 0, 10).unwrap(), "");
        assert_eq!(read_utf8(&bytes, 5, 2, 10), Err(TextError::OutOfBounds));
        assert_eq!(read_utf8(&bytes, u32::MAX, u32::MAX, u32::MAX), Err(TextError::OutOfBounds));
    }

    #[test]
    fn clipping_does_not_split_characters() {
        assert_eq!(clip("søk", 2), "s");
        assert_eq!(clip("søk", 9), "søk");
    }
}
