//! Patterns of subscriptions: what a row's `path` and `context` cover (signalk-v1 §5.4, wasm-plugin-abi §7.5).

use std::fmt;

use crate::intern::{Context, NameError};

/// A glob: `*` stands for any run of characters, dots included; everything else is literal. Matches the whole text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    text: Box<str>,
}

impl Glob {
    /// From its text. Runs of `*` mean the same as one.
    pub fn new(text: &str) -> Self {
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            if c != '*' || !plain.ends_with('*') {
                plain.push(c);
            }
        }
        Self { text: plain.into() }
    }

    /// Whether the glob covers a text.
    pub fn matches(&self, text: &str) -> bool {
        let Some((start, rest)) = self.text.split_once('*') else { return *self.text == *text };
        let Some(text) = text.strip_prefix(start) else { return false };
        // The parts between stars are found greedily from the left; the last one must end the text.
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(mut text) = text.strip_suffix(end) else { return false };
        for part in middle.split('*').filter(|p| !p.is_empty()) {
            match text.find(part) {
                Some(at) => text = &text[at + part.len()..],
                None => return false,
            }
        }
        true
    }

    /// True when it has no `*`, so that it covers exactly its own text.
    pub fn is_exact(&self) -> bool {
        !self.text.contains('*')
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The contexts that a subscription covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContextPattern {
    /// One context.
    Exact(Context),
    /// All contexts that the glob covers.
    Glob(Glob),
}

impl ContextPattern {
    /// From the `context` of a subscribe message: `vessels.self` and `self` mean the own ship; a missing context means every context
    /// in the reference and is the caller's to decide.
    pub fn new(text: &str, self_context: &Context) -> Result<Self, NameError> {
        Ok(match text {
            "vessels.self" | "self" => Self::Exact(self_context.clone()),
            text if text.contains('*') => Self::Glob(Glob::new(text)),
            text => Self::Exact(Context::new(text)?),
        })
    }

    /// Every context.
    pub fn all() -> Self {
        Self::Glob(Glob::new("*"))
    }

    /// Whether a context is covered.
    pub fn matches(&self, context: &Context) -> bool {
        match self {
            Self::Exact(exact) => exact == context,
            Self::Glob(glob) => glob.matches(context.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_cover_what_the_protocol_says() {
        for (glob, text, expected) in [
            ("*", "", true),
            ("*", "navigation.position", true),
            ("navigation.position", "navigation.position", true),
            ("navigation.position", "navigation.positions", false),
            ("navigation.*", "navigation.position", true),
            ("navigation.*", "navigation.courseRhumbline.nextPoint.distance", true),
            ("navigation.*", "navigation", false),
            ("nav*", "navigation", true),
            ("propulsion.*.revolutions", "propulsion.port.revolutions", true),
            ("propulsion.*.revolutions", "propulsion.port.drive.revolutions", true),
            ("propulsion.*.revolutions", "propulsion.revolutions", false),
            ("*.wind.*", "environment.wind.speedTrue", true),
            ("*wind*True", "environment.wind.speedTrue", true),
            ("*wind*True", "environment.wind.speedTrueX", false),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("a*b*c*d", "a1b2c3d", true),
            ("a*b*c*d", "a1c2b3d", false),
            ("", "", true),
            ("", "x", false),
            ("a.b", "axb", false),
            ("[a]+", "a", false),
            ("vessels.*", "vessels.urn:mrn:imo:mmsi:1", true),
        ] {
            assert_eq!(Glob::new(glob).matches(text), expected, "{glob:?} {text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn globs_agree_with_the_plain_definition(glob in "[ab*]{0,6}", text in "[ab]{0,8}") {
            fn by_definition(glob: &[u8], text: &[u8]) -> bool {
                match glob.split_first() {
                    None => text.is_empty(),
                    Some((b'*', rest)) => (0..=text.len()).any(|n| by_definition(rest, &text[n..])),
                    Some((c, rest)) => text.split_first().is_some_and(|(t, left)| t == c && by_definition(rest, left)),
                }
            }
            proptest::prop_assert_eq!(Glob::new(&glob).matches(&text), by_definition(glob.as_bytes(), text.as_bytes()));
        }
    }
}
