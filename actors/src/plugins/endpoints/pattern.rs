//! Path patterns in the form that the reference server's web framework, Express 4, takes (§3.6).
//!
//! | pattern | matches |
//! | --- | --- |
//! | `/api/:id` | one segment, the parameter `id` |
//! | `/api/:id?` | the same, or `/api` |
//! | `/api/:id(\d+)` | a segment of digits only |
//! | `/files/*` | anything, as the parameter `0` |
//! | `/items(/:id)?`, `/ab?c`, `/ab+c`, `/(a\|b)` | groups, optional and repeated parts |
//!
//! Case does not matter, nor does a slash at the end.

use regex::bytes::{Regex, RegexBuilder};

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 1024;
/// Memory that a pattern may take when it is compiled. Matching takes time in proportion to the path whatever the pattern is.
const MAX_COMPILED: usize = 256 << 10;

/// A pattern, ready to match.
#[derive(Debug, Clone)]
pub struct PathPattern {
    regex: Regex,
    /// The names of the parameters, in the order of the expression's groups.
    names: Vec<String>,
}

/// Why a pattern can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin like a path.
    #[error("it has to begin with /")]
    NoSlash,
    /// It is too long.
    #[error("it is longer than {MAX_PATTERN} bytes")]
    TooLong,
    /// Its parentheses do not match, or it ends in the middle of something.
    #[error("it has an unmatched parenthesis or bracket, or ends with a backslash")]
    Unbalanced,
    /// It is no regular expression, or one with look-around.
    #[error("{0}")]
    Expression(String),
}

impl PathPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// It is not of the form above.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        if pattern.len() > MAX_PATTERN {
            return Err(PatternError::TooLong);
        }
        if !pattern.starts_with(['/', '*', '(']) {
            return Err(PatternError::NoSlash);
        }
        let mut translation = Translation::of(pattern.strip_suffix('/').unwrap_or(pattern));
        translation.run()?;
        let regex = RegexBuilder::new(&format!("^(?:{})/?$", translation.regex))
            .case_insensitive(true)
            // As in the original, `\d` and `\w` are ASCII; so are paths, which are matched before they are decoded.
            .unicode(false)
            .size_limit(MAX_COMPILED)
            .build()
            .map_err(|error| PatternError::Expression(last_line(&error.to_string())))?;
        Ok(Self { regex, names: translation.names })
    }

    /// The parameters of a path that matches, as they stand in it; those that are absent are left out.
    pub fn matches<'p>(&self, path: &'p str) -> Option<Vec<(&str, &'p str)>> {
        let captures = self.regex.captures(path.as_bytes())?;
        let groups = self.names.iter().zip(captures.iter().skip(1));
        let present = groups.filter_map(|(name, group)| {
            let group = group?;
            Some((name.as_str(), path.get(group.start()..group.end())?))
        });
        Some(present.collect())
    }
}

/// The part of a many-line message that says what is wrong.
fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or(message).trim_start_matches("error: ").to_owned()
}

/// A pattern on its way to a regular expression.
struct Translation {
    pattern: Vec<char>,
    at: usize,
    /// Open parentheses. Inside of them a pattern is an ordinary regular expression, besides its parameters.
    depth: usize,
    regex: String,
    names: Vec<String>,
    unnamed: usize,
}

impl Translation {
    fn of(pattern: &str) -> Self {
        let pattern = pattern.chars().collect();
        Self { pattern, at: 0, depth: 0, regex: String::new(), names: Vec::new(), unnamed: 0 }
    }

    fn run(&mut self) -> Result<(), PatternError> {
        while let Some(next) = self.peek(0) {
            match next {
                '\\' => self.copy(2)?,
                '/' | '.' if self.parameter_at(1) => self.parameter(Some(next))?,
                ':' if self.parameter_at(0) => self.parameter(None)?,
                '(' => self.open()?,
                ')' => {
                    self.depth = self.depth.checked_sub(1).ok_or(PatternError::Unbalanced)?;
                    self.copy(1)?;
                }
                '[' if self.depth > 0 => self.copy_class()?,
                '*' if self.depth == 0 || self.begins_a_part() => {
                    self.at += 1;
                    self.anything();
                }
                '?' | '+' => self.copy(1)?,
                _ if self.depth > 0 => self.copy(1)?,
                literal => {
                    self.regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
                    self.at += 1;
                }
            }
        }
        if self.depth == 0 { Ok(()) } else { Err(PatternError::Unbalanced) }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.pattern.get(self.at + ahead).copied()
    }

    /// Takes so many characters as they are.
    fn copy(&mut self, count: usize) -> Result<(), PatternError> {
        let taken = self.pattern.get(self.at..self.at + count).ok_or(PatternError::Unbalanced)?;
        self.regex.extend(taken);
        self.at += count;
        Ok(())
    }

    /// Whether a parameter begins so far ahead.
    fn parameter_at(&self, ahead: usize) -> bool {
        self.peek(ahead) == Some(':') && self.peek(ahead + 1).is_some_and(is_word)
    }

    /// Whether a `*` here can't repeat anything, and so stands for anything.
    fn begins_a_part(&self) -> bool {
        self.at.checked_sub(1).is_none_or(|before| matches!(self.pattern[before], '(' | '|' | '/'))
    }

    fn anything(&mut self) {
        self.regex.push_str("(.*)");
        self.name_group();
    }

    fn name_group(&mut self) {
        self.names.push(self.unnamed.to_string());
        self.unnamed += 1;
    }

    /// A group of the pattern's own. After a slash it only groups.
    fn open(&mut self) -> Result<(), PatternError> {
        if self.peek(1) == Some('?') {
            if self.peek(2) != Some(':') {
                return Err(unsupported());
            }
            self.copy(3)?;
        } else if self.at.checked_sub(1).is_some_and(|before| self.pattern[before] == '/') {
            self.regex.push_str("(?:");
            self.at += 1;
        } else {
            self.copy(1)?;
            self.name_group();
        }
        self.depth += 1;
        Ok(())
    }

    /// `:name`, with an expression in parentheses, `*` and `?` after it where there are. What is before it, a slash or a dot, is absent
    /// together with it.
    fn parameter(&mut self, before: Option<char>) -> Result<(), PatternError> {
        self.at += 1 + usize::from(before.is_some());
        let name: String = self.pattern[self.at..].iter().take_while(|&&c| is_word(c)).collect();
        // A word is ASCII.
        self.at += name.len();
        self.names.push(name);
        self.regex.push_str("(?:");
        match before {
            Some('.') => self.regex.push_str("\\."),
            Some(slash) => self.regex.push(slash),
            None => {}
        }
        match self.peek(0) {
            Some('(') => self.constraint()?,
            _ if before == Some('.') => self.regex.push_str("([^/.]+?)"),
            _ => self.regex.push_str("([^/]+?)"),
        }
        if self.peek(0) == Some('*') {
            self.at += 1;
            self.regex.push_str("((?:/.+?)?)");
            self.name_group();
        }
        self.regex.push(')');
        if self.peek(0) == Some('?') {
            self.copy(1)?;
        }
        Ok(())
    }

    /// The expression that a parameter has to match, with its parentheses.
    fn constraint(&mut self) -> Result<(), PatternError> {
        if self.peek(1) == Some('?') {
            return Err(unsupported());
        }
        self.copy(1)?;
        let mut open = 1;
        while open > 0 {
            match self.peek(0).ok_or(PatternError::Unbalanced)? {
                '\\' => self.copy(2)?,
                '[' => self.copy_class()?,
                '*' if self.begins_a_part() => {
                    self.at += 1;
                    self.anything();
                }
                '(' if self.peek(1) == Some('?') && self.peek(2) != Some(':') => {
                    return Err(unsupported());
                }
                '(' => {
                    if self.peek(1) != Some('?') {
                        self.name_group();
                    }
                    open += 1;
                    self.copy(1)?;
                }
                ')' => {
                    open -= 1;
                    self.copy(1)?;
                }
                _ => self.copy(1)?,
            }
        }
        Ok(())
    }

    /// `[…]`
    fn copy_class(&mut self) -> Result<(), PatternError> {
        self.copy(1)?;
        loop {
            match self.peek(0).ok_or(PatternError::Unbalanced)? {
                '\\' => self.copy(2)?,
                ']' => return self.copy(1),
                // Sets of sets, which the original does not have.
                '[' => {
                    self.regex.push_str("\\[");
                    self.at += 1;
                }
                _ => self.copy(1)?,
            }
        }
    }
}

fn unsupported() -> PatternError {
    PatternError::Expression("look-around and named groups are not supported".to_owned())
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameters as `name=value`, separated by spaces.
    fn matched(pattern: &str, path: &str) -> Option<String> {
        let pattern = PathPattern::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let parameters = pattern.matches(path)?;
        Some(parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_forms_that_express_takes() {
        // ABI-53
        for (pattern, path, expected) in [
            ("/api/info", "/api/info", Some("")),
            ("/api/info", "/API/Info/", Some("")),
            ("/api/info/", "/api/info", Some("")),
            ("/api/info", "/api/info//", None),
            ("/api/info", "/api/information", None),
            ("/api/info", "/x/api/info", None),
            ("/", "/", Some("")),
            ("/api/:id", "/api/77", Some("id=77")),
            ("/api/:id", "/api/a%2Fb", Some("id=a%2Fb")),
            ("/api/:id", "/api/", None),
            ("/api/:id", "/api/1/2", None),
            ("/api/:id?", "/api", Some("")),
            ("/api/:id?", "/api/1", Some("id=1")),
            ("/:from-:to", "/a-b", Some("from=a to=b")),
            ("/:name.:ext", "/chart.tar.gz", Some("name=chart.tar ext=gz")),
            ("/:name.:ext?", "/chart", Some("name=chart")),
            ("/t/:id(\\d+)", "/t/12", Some("id=12")),
            ("/t/:id(\\d+)", "/t/12a", None),
            ("/t/:id([a-z]{2})/x", "/t/FI/x", Some("id=FI")),
            ("/t/:id(a|b)", "/t/b", Some("id=b")),
            ("/t/:path(*)", "/t/a/b", Some("path=a/b 0=a/b")),
            ("/files/*", "/files/a/b.txt", Some("0=a/b.txt")),
            ("/files/*", "/files/", Some("0=")),
            ("/a*z", "/abcz", Some("0=bc")),
            ("*", "/whatever/it/is", Some("0=/whatever/it/is")),
            ("/items(/:id)?", "/items", Some("")),
            ("/items(/:id)?", "/items/3", Some("0=/3 id=3")),
            ("/(foo|bar)/x", "/bar/x", Some("")),
            ("/ab?c", "/ac", Some("")),
            ("/ab+c", "/abbc", Some("")),
            ("/ab(cd)?e", "/abe", Some("")),
            ("/a.b", "/axb", None),
            ("/a.b", "/a.b", Some("")),
            ("/a$|^{b}", "/a$|^{b}", Some("")),
            ("/x([$])", "/x$", Some("0=$")),
            ("/:id(\\d+)*", "/1/2/3", Some("id=1 0=/2/3")),
        ] {
            assert_eq!(matched(pattern, path).as_deref(), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for (pattern, reason) in [
            ("api", "begin with /"),
            ("", "begin with /"),
            ("/a)", "unmatched"),
            ("/a(b", "unmatched"),
            ("/:a(b", "unmatched"),
            ("/:a([b)", "unmatched"),
            ("/a\\", "unmatched"),
            ("/(?=a)", "not supported"),
            ("/:a(?<n>b)", "not supported"),
            ("/+?+(a{5000}{5000})", ""),
        ] {
            let error = PathPattern::new(pattern).expect_err(pattern).to_string();
            assert!(error.contains(reason), "{pattern}: {error}");
        }
        assert_eq!(PathPattern::new(&format!("/{}", "a".repeat(2000))).err(), Some(PatternError::TooLong));
    }

    #[test]
    fn a_hostile_pattern_does_not_take_long() {
        let pattern = PathPattern::new("/:a((a+)+)b").expect("a pattern");
        assert!(pattern.matches(&format!("/{}", "a".repeat(50_000))).is_none());
    }
}
