//! JSON values that are carried, not interpreted.
//!
//! The bus moves values between producers and consumers without looking into them, so a value stays the text that its producer
//! wrote, in a *compact* form: no white space between tokens and numbers the way ECMAScript prints them. Plugins search that text
//! (wasm-plugin-abi §3.2), so the form is part of the contract.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use smol_str::{SmolStr, SmolStrBuilder};

/// One JSON value as compact text. Numbers, short strings, booleans and null take no allocation; cloning never copies.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawJson(SmolStr);

/// Why a text is not accepted as a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawJsonError {
    /// The text is no JSON document.
    #[error("not a JSON value: {0}")]
    Syntax(String),
    /// Deeper than [`MAX_VALUE_DEPTH`].
    #[error("objects and lists are nested more than {MAX_VALUE_DEPTH} deep in it; send a flatter value")]
    TooDeep,
}

/// Most levels of objects and lists in a value. Parsers recurse, and the most careful ones give up at 128 levels; what surrounds the
/// value in a delta or in the full tree has to fit in as well.
pub const MAX_VALUE_DEPTH: usize = 64;

impl RawJson {
    /// JSON `null`: a known path without data (signalk-v1 §1.3).
    pub const NULL: RawJson = RawJson(SmolStr::new_static("null"));
    /// The empty JSON object.
    pub const EMPTY_OBJECT: RawJson = RawJson(SmolStr::new_static("{}"));

    /// Takes a value whose syntax a JSON parser has already checked, and brings it into compact form. Its depth is not looked at: for
    /// values from outside there is `RawJson::try_from`.
    pub fn from_checked(raw: &RawValue) -> Self {
        Self::compact(raw.get())
    }

    /// Checks and compacts a JSON text.
    pub fn parse(text: &str) -> Result<Self, RawJsonError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|e| RawJsonError::Syntax(e.to_string()))?;
        Self::try_from(raw)
    }

    /// A number, printed as ECMAScript prints it (`1`, not `1.0`). NaN and infinities have no JSON form and become null.
    pub fn number(value: f64) -> Self {
        if !value.is_finite() {
            return Self::NULL;
        }
        Self(SmolStr::new(ryu_js::Buffer::new().format_finite(value)))
    }

    /// A JSON string.
    pub fn string(value: &str) -> Self {
        Self::of(&value)
    }

    /// Anything serde can write. Values that have no JSON form (such as maps with non-string keys) become null.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        serde_json::to_string(value).map_or(Self::NULL, |text| Self::compact(&text))
    }

    /// The compact JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for JSON `null`.
    pub fn is_null(&self) -> bool {
        self.0 == "null"
    }

    /// True for a JSON object.
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }

    /// Parses into a generic tree, for the few places that look inside a value.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or(serde_json::Value::Null)
    }

    fn compact(text: &str) -> Self {
        let text = text.trim_matches(JSON_SPACE);
        if is_compact(text.as_bytes()) { Self(SmolStr::new(text)) } else { Self(rewrite(text)) }
    }
}

/// Takes a value from outside whose syntax a JSON parser has already checked.
impl TryFrom<&RawValue> for RawJson {
    type Error = RawJsonError;

    fn try_from(raw: &RawValue) -> Result<Self, RawJsonError> {
        if is_too_deep(raw.get().as_bytes()) { Err(RawJsonError::TooDeep) } else { Ok(Self::compact(raw.get())) }
    }
}

const JSON_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Objects and lists within each other; a parser that only skips a value counts no levels.
pub(crate) fn is_too_deep(bytes: &[u8]) -> bool {
    // As many brackets have to open, so short values are not looked into.
    if bytes.len() <= 2 * MAX_VALUE_DEPTH {
        return false;
    }
    let (mut depth, mut i) = (0_usize, 0);
    while i < bytes.len() {
        match bytes[i] {
            b'"' => {
                i = end_of_string(bytes, i);
                continue;
            }
            b'{' | b'[' if depth == MAX_VALUE_DEPTH => return true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        i += 1;
    }
    false
}

/// True when nothing has to change: no white space outside strings, no number that ECMAScript would print differently, and no half
/// character in a string. Errs on the side of `false`; `rewrite` then decides token by token.
fn is_compact(bytes: &[u8]) -> bool {
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'"' => {
                let start = i;
                i = end_of_string(bytes, i);
                if may_have_surrogates(&bytes[start..i]) {
                    return false;
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' => return false,
            b'-' | b'0'..=b'9' => {
                let end = end_of_number(bytes, i);
                if !number_is_canonical(&bytes[i..end]) {
                    return false;
                }
                i = end;
            }
            _ => i += 1,
        }
    }
    true
}

fn rewrite(text: &str) -> SmolStr {
    let bytes = text.as_bytes();
    let mut out = SmolStrBuilder::new();
    let mut i = 0;
    while i < bytes.len() {
        let start = i;
        match bytes[i] {
            b'"' => {
                i = end_of_string(bytes, i);
                push_whole_characters(&mut out, &text[start..i]);
                continue;
            }
            b' ' | b'\t' | b'\n' | b'\r' => {
                i += 1;
                continue;
            }
            b'-' | b'0'..=b'9' => {
                i = end_of_number(bytes, i);
                let token = &text[start..i];
                if !number_is_canonical(token.as_bytes()) {
                    // A number beyond the largest, such as 1e400, is an infinity to ECMAScript, which writes it as null.
                    match token.parse::<f64>().ok().filter(|v| v.is_finite()) {
                        Some(value) => out.push_str(ryu_js::Buffer::new().format_finite(value)),
                        None => out.push_str("null"),
                    }
                    continue;
                }
            }
            // Structural characters and the letters of true, false, null.
            _ => {
                i += 1;
                while i < bytes.len() && !matches!(bytes[i], b'"' | b'-' | b'0'..=b'9' | b' ' | b'\t' | b'\n' | b'\r') {
                    i += 1;
                }
            }
        }
        out.push_str(&text[start..i]);
    }
    out.finish()
}

/// Appends a JSON string, with U+FFFD for each escape that is half of a character (such as what is left when a text is cut within an
/// emoji): other parsers refuse the whole document for one.
fn push_whole_characters(out: &mut SmolStrBuilder, string: &str) {
    let mut rest = string;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let length = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(0xD800..0xDC00), Some(0xDC00..0xE000)) => 12,
            (Some(_), _) => {
                out.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            // Whatever it is, what follows the backslash is ASCII and no new escape.
            (None, _) => 2,
        };
        out.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    out.push_str(rest);
}

fn may_have_surrogates(string: &[u8]) -> bool {
    string.contains(&b'\\') && string.windows(3).any(|escape| matches!(escape, b"\\ud" | b"\\uD"))
}

/// The code of a `\uXXXX` at the beginning, if it is half of a character.
fn surrogate(text: &str) -> Option<u16> {
    let code = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xD800..0xE000).contains(&code).then_some(code)
}

/// Index after the closing quote of the string that starts at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut i = start + 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    bytes.len()
}

fn end_of_number(bytes: &[u8], start: usize) -> usize {
    let len = bytes[start..].iter().position(|b| !matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
    len.map_or(bytes.len(), |n| start + n)
}

/// True when the token is certainly what ECMAScript prints for the same number: an integer of at most 15 digits, or a plain decimal
/// of at most 15 digits with a last digit other than 0 and not smaller than 1e-6.
fn number_is_canonical(token: &[u8]) -> bool {
    let digits = token.strip_prefix(b"-").unwrap_or(token);
    if digits == b"0" {
        return digits.len() == token.len(); // "-0" prints as "0"
    }
    let point = digits.iter().position(|b| *b == b'.');
    match point {
        None => digits.len() <= 15 && digits.iter().all(u8::is_ascii_digit),
        Some(at) => {
            digits.len() <= 16
                && digits.last().is_some_and(|d| matches!(d, b'1'..=b'9'))
                && digits.iter().enumerate().all(|(i, b)| i == at || b.is_ascii_digit())
                && !digits.starts_with(b"0.00000")
        }
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_the_form_that_plugins_expect() {
        for (given, expected) in [
            ("101300.0", "101300"),
            ("1e2", "100"),
            ("-0", "0"),
            ("0.10", "0.1"),
            ("0.0000001", "1e-7"),
            ("0.000001", "0.000001"),
            ("1E21", "1e+21"),
            ("12345678901234567890", "12345678901234567000"),
            ("60.084516666666666", "60.084516666666666"),
            ("3.8499999999999996", "3.8499999999999996"),
            (
                " { \"a\" : 1.0 ,\n\"b\": [ true , null , \"x \\\" 1.0 y\" ] } ",
                "{\"a\":1,\"b\":[true,null,\"x \\\" 1.0 y\"]}",
            ),
            ("\"1.0 é\"", "\"1.0 é\""),
            ("[-1.50,2,-3]", "[-1.5,2,-3]"),
            // Beyond the largest number.
            ("[1e400,-1e400,1e308]", "[null,null,1e+308]"),
            // A whole emoji, and halves of one.
            (r#""\ud83d\uDE00 \\ud83d""#, r#""\ud83d\uDE00 \\ud83d""#),
            (
                r#"{"a\ud83d":"\uDE00x\ud83d\n\ud83d\ud83d\ude00"}"#,
                r#"{"a\ufffd":"\ufffdx\ufffd\n\ufffd\ud83d\ude00"}"#,
            ),
        ] {
            assert_eq!(RawJson::parse(given).expect(given).as_str(), expected, "{given}");
        }
    }

    #[test]
    fn only_json_is_a_value() {
        for text in ["", "{", "NaN", "01", "'x'", "1 2", "\"\u{1}\""] {
            assert!(RawJson::parse(text).is_err(), "{text:?}");
        }
        assert!(RawJson::number(f64::NAN).is_null());
    }

    #[test]
    fn no_value_is_deeper_than_parsers_go() {
        let nested = |depth: usize| format!("{}\"[[\"{}", "[{\"a\":".repeat(depth / 2), "}]".repeat(depth / 2));
        assert!(!RawJson::parse(&nested(MAX_VALUE_DEPTH)).expect("deep, but not too deep").to_value().is_null());
        assert_eq!(RawJson::parse(&nested(MAX_VALUE_DEPTH + 2)), Err(RawJsonError::TooDeep));
        let flat = format!("[{}0]", "[[]],".repeat(1000));
        assert!(RawJson::parse(&flat).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn compacting_keeps_the_number(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            let text = serde_json::to_string(&value).expect("finite");
            let compact = RawJson::parse(&text).expect("a number");
            proptest::prop_assert_eq!(compact.as_str().parse::<f64>().expect("a number"), value);
            proptest::prop_assert_eq!(compact, RawJson::number(value));
        }
    }
}
