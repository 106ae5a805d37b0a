//! Texts for the terminal.

use std::fmt;

/// A text of a plugin on one line: what it could steer the terminal with is shown as a code.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_direction(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// The same, cut off when it is very long.
pub fn short(text: &str) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => plain(&text[..end]) + "…",
        None => plain(text),
    }
}

/// Marks that turn the direction of writing, and with it the meaning of what is seen.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A number of bytes as people write it: `512 B`, `19.4 kB`, `4.4 MB`.
#[derive(Debug, Clone, Copy)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        match self.0 {
            0..1000 => write!(f, "{} B", self.0),
            1000..1_000_000 => write!(f, "{:.1} kB", bytes / 1e3),
            _ => write!(f, "{:.1} MB", bytes / 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_can_not_steer_the_terminal() {
        assert_eq!(plain("Wind ⚓ 3 m/s"), "Wind ⚓ 3 m/s");
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{9b}\u{202e}"), "a\\u{1b}[2Jb\\u{a}c\\u{9b}\\u{202e}");
        assert_eq!(short(&"ä".repeat(500)).chars().count(), 401);
        assert_eq!(short(&"ä".repeat(400)), "ä".repeat(400));
    }

    #[test]
    fn sizes_are_readable() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (19_434, "19.4 kB"), (4_405_205, "4.4 MB")] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
