//! Names of packages, from outside.

use std::fmt;

use serde::Serialize;

use super::PackageError;

/// The longest that registries take, in bytes.
const LONGEST: usize = 214;

/// A name that a package can have, also one from the time before the present rules: `name` or `@scope/name`. It is safe as an argument and
/// as a path below `node_modules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PackageName(String);

impl PackageName {
    /// Takes a text.
    ///
    /// # Errors
    /// It is no package name.
    pub fn new(text: &str) -> Result<Self, PackageError> {
        let parts: Vec<_> = match text.strip_prefix('@') {
            Some(scoped) => scoped.split('/').collect(),
            None => vec![text],
        };
        let right_number = parts.len() == if text.starts_with('@') { 2 } else { 1 };
        let is_name =
            right_number && text.len() <= LONGEST && text != "node_modules" && parts.iter().all(|part| is_part(part));
        if is_name { Ok(Self(text.to_owned())) } else { Err(PackageError::Name(text.to_owned())) }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a part of a file name.
    pub fn as_file(&self) -> String {
        self.0.replace('/', "__").replace('@', "")
    }
}

fn is_part(part: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    !part.is_empty() && !part.starts_with(['.', '-', '_']) && part.chars().all(letter)
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_names() {
        for name in ["wind", "@me/depth-alarm", "signalk_to.n2k", "OldStyle", "2nd"] {
            assert_eq!(PackageName::new(name).expect(name).as_str(), name);
        }
        for text in [
            "",
            "@",
            "@me",
            "@me/",
            "@me/a/b",
            "a/b",
            "..",
            "../up",
            "-g",
            "--global",
            "a b",
            "a@1",
            "@me/../x",
            "a\\b",
            "node_modules",
        ] {
            assert!(PackageName::new(text).is_err(), "{text}");
        }
        assert!(PackageName::new(&"a".repeat(215)).is_err());
        assert_eq!(PackageName::new("@me/x").expect("a name").as_file(), "me__x");
    }
}
