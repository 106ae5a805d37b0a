//! The names that a new plugin gets, all made from the name of its package.

use std::path::PathBuf;

use windlass_wasm_host::PluginId;

/// The longest package name that registries take, in bytes.
const LONGEST: usize = 214;
/// Names that a package can't have.
const TAKEN: [&str; 2] = ["node_modules", "favicon.ico"];
/// Names that a crate of a plugin can't have: Rust's own, and those of what it depends on.
const TAKEN_BY_RUST: [&str; 11] = [
    "alloc",
    "core",
    "proc-macro",
    "proc_macro",
    "self",
    "serde",
    "serde_json",
    "std",
    "super",
    "test",
    "windlass-plugin",
];
/// What is put beside a name that can't stand alone.
const PLUGIN: &str = "plugin";

/// The names of one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The package name: `@me/depth-alarm`.
    pub package: String,
    /// The plugin's id: `_me_depth-alarm`.
    pub id: PluginId,
    /// The folder: `depth-alarm`.
    pub folder: PathBuf,
    /// The crate or module: `depth-alarm`.
    pub crate_name: String,
    /// What the compiler makes of that: `depth_alarm`.
    pub module: String,
    /// A part of a path: `depthAlarm`.
    pub key: String,
    /// For people: `Depth alarm`.
    pub title: String,
}

/// Why a text is no package name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has a wrong number of parts.
    #[error("{0:?} is no package name: write name or @scope/name")]
    Form(String),
    /// A part has a character that can't stand there.
    #[error(
        "{name:?} is no package name: {part:?} may have small letters, digits and - _ . and must begin with a letter or digit"
    )]
    Character {
        /// The whole.
        name: String,
        /// The part.
        part: String,
    },
    /// It is too long.
    #[error("the package name has {0} characters, at most {LONGEST} are allowed")]
    TooLong(usize),
    /// It means something else.
    #[error("no package can be called {0:?}")]
    Taken(String),
}

impl Names {
    /// The names for a package, by the rules that npm has for new ones.
    ///
    /// # Errors
    /// The text is no package name.
    pub fn of_package(package: &str) -> Result<Self, NameError> {
        let (scope, name) = match package.strip_prefix('@') {
            None => (None, package),
            Some(scoped) => match scoped.split_once('/') {
                Some((scope, name)) => (Some(scope), name),
                None => return Err(NameError::Form(package.to_owned())),
            },
        };
        if name.is_empty() || name.contains(['/', '@']) || scope == Some("") {
            return Err(NameError::Form(package.to_owned()));
        }
        for part in scope.into_iter().chain([name]) {
            if !is_part(part) {
                return Err(NameError::Character { name: package.to_owned(), part: part.to_owned() });
            }
        }
        if package.len() > LONGEST {
            return Err(NameError::TooLong(package.len()));
        }
        if TAKEN.contains(&package) {
            return Err(NameError::Taken(package.to_owned()));
        }
        let crate_name = crate_name(name);
        Ok(Self {
            package: package.to_owned(),
            id: PluginId::of_package(package),
            folder: PathBuf::from(name),
            module: crate_name.replace('-', "_"),
            crate_name,
            key: key(name),
            title: title(name),
        })
    }
}

fn is_part(part: &str) -> bool {
    let may_begin = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(may_begin) && part.chars().all(|c| may_begin(c) || matches!(c, '-' | '_' | '.'))
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['-', '_', '.']).filter(|word| !word.is_empty())
}

fn crate_name(name: &str) -> String {
    let plain = name.replace('.', "-");
    if plain.starts_with(|c: char| c.is_ascii_digit()) {
        format!("{PLUGIN}-{plain}")
    } else if TAKEN_BY_RUST.contains(&plain.as_str()) {
        format!("{plain}-{PLUGIN}")
    } else {
        plain
    }
}

fn key(name: &str) -> String {
    let mut words = words(name);
    let first = words.next().unwrap_or(PLUGIN).to_owned();
    words.fold(first, |key, word| key + &capital(word))
}

fn title(name: &str) -> String {
    capital(&words(name).collect::<Vec<_>>().join(" "))
}

fn capital(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_are_made_from_the_package_name() {
        // ABI-3
        for (package, id, folder, module, key, title) in [
            ("wind", "wind", "wind", "wind", "wind", "Wind"),
            ("@me/depth-alarm", "_me_depth-alarm", "depth-alarm", "depth_alarm", "depthAlarm", "Depth alarm"),
            ("signalk_to.n2k", "signalk_to.n2k", "signalk_to.n2k", "signalk_to_n2k", "signalkToN2k", "Signalk to n2k"),
            ("2nd-mate", "2nd-mate", "2nd-mate", "plugin_2nd_mate", "2ndMate", "2nd mate"),
            ("@me/test", "_me_test", "test", "test_plugin", "test", "Test"),
            (
                "@me/windlass-plugin",
                "_me_windlass-plugin",
                "windlass-plugin",
                "windlass_plugin_plugin",
                "windlassPlugin",
                "Windlass plugin",
            ),
        ] {
            let names = Names::of_package(package).unwrap();
            assert_eq!(names.id.as_str(), id);
            assert_eq!((names.folder, names.module), (PathBuf::from(folder), module.to_owned()));
            assert_eq!((names.key.as_str(), names.title.as_str()), (key, title));
        }
    }

    #[test]
    fn what_npm_refuses_is_refused() {
        for package in [
            "",
            "@",
            "@me",
            "@me/",
            "@/x",
            "@me/a/b",
            "a/b",
            "../up",
            ".hidden",
            "_private",
            "-option",
            "Big",
            "sp ace",
            "ü",
            "a@1",
            "@me/.x",
            "@.me/x",
            "a\\b",
            "x'",
            "a\nb",
            "node_modules",
            "favicon.ico",
        ] {
            assert!(Names::of_package(package).is_err(), "{package}");
        }
        assert_eq!(Names::of_package(&"a".repeat(215)), Err(NameError::TooLong(215)));
        assert!(Names::of_package(&"a".repeat(214)).is_ok());
    }
}
