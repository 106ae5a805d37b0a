//! Whether a JSON document can be read, without keeping what is in it: read as a value, a list of zeros takes many times its size.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Looks through a document as strictly as whoever reads it later: also its texts, its numbers, and how deep it is.
///
/// # Errors
/// It is damaged.
pub fn check_document(text: &[u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<Sound>(text).map(|Sound| ())
}

/// Any value, forgotten at once. `IgnoredAny` would also take what can't be read as a value: half a character, or what is too deep.
struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self, A::Error> {
        while values.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_takes_what_can_be_read_and_nothing_else() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for (text, sound) in [
            (
                r#"{"a": [1, -2, 3.5, 1e300, true, null, "\u00e5\ud83d\ude00", {}], "": {"b": 18446744073709551615}}"#,
                true,
            ),
            (" 7\n", true),
            (&nested(100), true),
            (&nested(200), false),
            (&nested(1_000_000), false),
            ("", false),
            ("{", false),
            ("[1,]", false),
            ("{} {}", false),
            (r#"{"a": 1e999}"#, false),
            (r#"{"a": "\ud83d"}"#, false),
            (r#"{"\ud83d": 1}"#, false),
        ] {
            let shown = &text[..text.len().min(60)];
            assert_eq!(check_document(text.as_bytes()).is_ok(), sound, "{shown}");
            assert_eq!(serde_json::from_str::<Value>(text).is_ok(), sound, "{shown}, as a value");
        }
        assert!(check_document(b"\"\xff\"").is_err(), "no UTF-8");
    }
}
