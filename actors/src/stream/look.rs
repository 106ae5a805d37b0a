//! What a text from a client may be, told by its keys: so a delta, the most frequent by far, is parsed once.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// The keys by which messages are told apart, as they are in the text: the first is that of a delta, the others are of messages for the
/// server.
const KEYS: [&str; 8] = [
    "\"updates\"",
    "\"subscribe\"",
    "\"unsubscribe\"",
    "\"requestId\"",
    "\"login\"",
    "\"put\"",
    "\"delete\"",
    "\"accessRequest\"",
];

/// What a message may be, before it is parsed. A text of a value that looks like a key makes it look like more than it is, never less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// It may be a delta.
    pub delta: bool,
    /// It may be for the server.
    pub control: bool,
}

impl Look {
    /// Looks for all keys in one pass.
    pub fn at(text: &str) -> Self {
        static SEARCH: LazyLock<AhoCorasick> =
            LazyLock::new(|| AhoCorasick::new(KEYS).expect("eight short words are not too many"));
        let mut look = Self::default();
        for key in SEARCH.find_iter(text) {
            match key.pattern().as_usize() {
                0 => look.delta = true,
                _ => look.control = true,
            }
        }
        look
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_may_be_shows_in_its_keys() {
        for (text, delta, control) in [
            (r#"{"context":"vessels.self","updates":[]}"#, true, false),
            (r#"{"context":"*","subscribe":[]}"#, false, true),
            (r#"{"context":"*","unsubscribe":[{"path":"*"}]}"#, false, true),
            (r#"{"requestId":"1","put":{"path":"a","value":1}}"#, false, true),
            (r#"{"updates":[],"requestId":"1"}"#, true, true),
            (r#"{"login":{"username":"a"}}"#, false, true),
            (r#"{"delete":{}}"#, false, true),
            (r#"{"accessRequest":{}}"#, false, true),
            (r#"{"updatesX":1,"Put":2}"#, false, false),
            // A value that reads like a key: looked at more closely than it need be.
            (r#"{"path":"put"}"#, false, true),
            ("", false, false),
        ] {
            assert_eq!(Look::at(text), Look { delta, control }, "{text}");
        }
    }
}
