//! Packages that `package.json` of the configuration directory names and that are not there: a backup has the list and what was installed
//! from files, but not what npm fetches.
//!
//! The list may come from anybody's backup. So it has packages installed only from the npm registry and from the archives that were looked
//! through; what it names from anywhere else (git, another host, a folder of this computer, another name) is told and left to people.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::modules::{is_archive, named};
use super::{ARCHIVES, PackageError, PackageName};

/// Most that are told.
const MOST: usize = 500;
/// Longest range of versions, in bytes.
const MAX_RANGE: usize = 200;
/// What is to be done about what can't be had.
const ADVICE: &str =
    "install it again from its file, or remove it or its line in package.json, as nothing else is installed meanwhile";
/// The lists of `package.json` from which npm installs.
const LISTS: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// A package that ought to be installed. As JSON: `{name, from, message}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    /// Its name.
    pub name: PackageName,
    /// Where it comes from, as `package.json` says: a range of versions, `file:` and a path below the configuration directory, or anything
    /// else that npm understands.
    pub from: String,
    /// The same for people, and what to do when it can't be had.
    pub message: String,
    /// What npm is to install; `None` when it can't be had.
    #[serde(skip)]
    pub what: Option<String>,
}

/// What is missing in a configuration directory, by name.
pub fn missing(directory: &Path) -> Vec<Missing> {
    let mut all: Vec<_> = missing_of(directory, "dependencies").take(MOST).collect();
    all.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    all
}

/// Makes sure that npm, which installs all that is missing whatever it is asked for, would bring nothing that can't be had from here.
/// The package that is about to be installed or removed does not count.
///
/// # Errors
/// There is such a package.
pub(super) fn check_others(directory: &Path, but: &PackageName) -> Result<(), PackageError> {
    let mut others = LISTS.into_iter().flat_map(|list| missing_of(directory, list)).filter(|one| one.name != *but);
    match others.find(|one| one.what.is_none()) {
        Some(one) => Err(PackageError::InTheWay { name: one.name.to_string(), message: one.message }),
        None => Ok(()),
    }
}

fn missing_of(directory: &Path, list: &str) -> impl Iterator<Item = Missing> {
    let (directory, modules) = (directory.to_owned(), directory.join("node_modules"));
    // What is no name of a package is none of npm's either.
    let named = named(&directory, list).unwrap_or_default().into_iter();
    let named = named.filter_map(|(name, from)| Some((PackageName::new(&name).ok()?, from)));
    let absent = named.filter(move |(name, _)| !modules.join(name.as_str()).join("package.json").is_file());
    absent.map(move |(name, from)| Missing::new(&directory, name, from))
}

impl Missing {
    fn new(directory: &Path, name: PackageName, from: String) -> Self {
        let (message, what) = match Origin::of(directory, &from) {
            Origin::Registry => {
                let what = format!("{name}@{from}");
                (format!("{what} of the npm registry"), Some(what))
            }
            Origin::Archive(path) if path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) => {
                (format!("from {}", from.trim_start_matches("file:")), Some(path.display().to_string()))
            }
            Origin::Archive(path) => (format!("{} is not on this computer: {ADVICE}", path.display()), None),
            Origin::Elsewhere => {
                let words = "is neither a version in the npm registry nor an archive that was sent to this server";
                (format!("{from:?} {words}, which installs nothing from there: {ADVICE}"), None)
            }
        };
        Self { name, from, message, what }
    }
}

/// Where a package is to come from.
enum Origin {
    /// A range of versions, or a tag, in the npm registry.
    Registry,
    /// An archive that was sent, or was in a backup.
    Archive(PathBuf),
    /// Anything else that npm may know: git, another host, a link, another name, a file or folder of this computer.
    Elsewhere,
}

impl Origin {
    fn of(directory: &Path, from: &str) -> Self {
        if let Some(file) = from.strip_prefix("file:") {
            let name = file.strip_prefix(ARCHIVES).and_then(|rest| rest.strip_prefix('/'));
            // Only letters that npm takes for themselves.
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~+".contains(c);
            return match name.filter(|name| is_archive(name) && !name.starts_with('.') && name.chars().all(plain)) {
                Some(name) => Self::Archive(directory.join(ARCHIVES).join(name)),
                None => Self::Elsewhere,
            };
        }
        // Colons and slashes make addresses and folders, and npm takes what is called like an archive for one.
        let letter = |c: char| c.is_ascii_alphanumeric() || "-_.+*^~<>=| ".contains(c);
        let begins_well = !from.starts_with(['.', '-', '_', ' ', '|']);
        let lower = from.to_ascii_lowercase();
        let is_file = [".tgz", ".tar.gz", ".tar"].iter().any(|end| lower.trim_end().ends_with(end));
        let is_range = (1..=MAX_RANGE).contains(&from.len()) && begins_well && from.chars().all(letter) && !is_file;
        if is_range { Self::Registry } else { Self::Elsewhere }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_named_and_not_there_is_missing() {
        let place = tempfile::tempdir().expect("a directory");
        assert_eq!(missing(place.path()), [], "nothing is named");
        let write = |name: &str, text: String| {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        write(
            "package.json",
            json!({"dependencies": {
                "there": "1", "@me/fetched": "^1.2.0", "@me/sent": "file:plugin-packages/me__sent-1.0.0.tgz",
                "linked": "file:plugin-packages/gone.tgz", "../../outside": "1", "number": 7,
            }})
            .to_string(),
        );
        write("node_modules/there/package.json", "{}".to_owned());
        // A folder alone is what a broken installation leaves.
        write("node_modules/@me/fetched/readme", String::new());
        write("plugin-packages/me__sent-1.0.0.tgz", String::new());
        let found = missing(place.path());
        let sent = place.path().join("plugin-packages/me__sent-1.0.0.tgz").display().to_string();
        let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.what.as_deref())).collect();
        assert_eq!(told, [("@me/fetched", Some("@me/fetched@^1.2.0")), ("@me/sent", Some(&sent)), ("linked", None)]);
        assert!(found[2].message.contains("is not on this computer"), "{}", found[2].message);
        let shown = json!({"name": "@me/sent", "from": "file:plugin-packages/me__sent-1.0.0.tgz",
            "message": "from plugin-packages/me__sent-1.0.0.tgz"});
        assert_eq!(json!(found[1]), shown);
    }

    #[test]
    fn only_the_registry_and_archives_that_were_sent_are_installed_from() {
        let outside = tempfile::tempdir().expect("a directory");
        let place = outside.path().join("config");
        fs::create_dir_all(place.join("plugin-packages/folder.tgz")).expect("a folder");
        for file in ["plugin-packages/x.tgz", "plugin-packages/x.zip", "plugin-packages/.x.tgz", "x.tgz", "../x.tgz"] {
            fs::write(place.join(file), "").expect("a file");
        }
        std::os::unix::fs::symlink(outside.path().join("x.tgz"), place.join("plugin-packages/link.tgz"))
            .expect("a link");
        let of = |list: &str, from: &str| {
            fs::write(place.join("package.json"), json!({list: {"x": from}}).to_string()).expect("written");
            missing(&place).pop()
        };
        let (x, y) = (PackageName::new("x").expect("a name"), PackageName::new("y").expect("a name"));
        for from in ["1.2.3", "^1.2", "~1.0.0-beta.1+5", ">=1 <2 || 3.x", "1 - 2", "*", "latest", "next-9", "v2"] {
            let one = of("dependencies", from).expect("it is missing");
            assert_eq!(one.what, Some(format!("x@{from}")));
            check_others(&place, &y).expect("it may come along");
        }
        let sent = place.join("plugin-packages/x.tgz").display().to_string();
        assert_eq!(of("dependencies", "file:plugin-packages/x.tgz").expect("it is missing").what, Some(sent));
        let absolute = format!("file:{}", place.join("plugin-packages/x.tgz").display());
        for from in [
            "git+https://example.org/x.git",
            "git+ssh://git@example.org/x.git",
            "git@example.org:me/x.git",
            "github:me/x",
            "me/x",
            "me/x#semver:^1",
            "https://example.org/x-1.0.0.tgz",
            "http://example.org/x",
            "npm:other@1.0.0",
            "link:../x",
            "workspace:*",
            "../x.tgz",
            "./x",
            "/etc",
            "~/x",
            "x.tgz",
            "x.TAR.GZ",
            "",
            "--global",
            "file:../x.tgz",
            "file:x.tgz",
            "file:plugin-packages",
            "file:plugin-packages/",
            "file:plugin-packages/../x.tgz",
            "file:plugin-packages/%2e%2e%2fx.tgz",
            "file:plugin-packages/x.zip",
            "file:plugin-packages/.x.tgz",
            "file:plugin-packages/link.tgz",
            "file:plugin-packages/folder.tgz",
            "file:plugin-packages/gone.tgz",
            &absolute,
            &"1".repeat(MAX_RANGE + 1),
        ] {
            let one = of("dependencies", from).expect("it is missing");
            assert_eq!(one.what, None, "{from}");
            assert!(!one.message.contains("of the npm registry") && one.message.contains(ADVICE), "{}", one.message);
            check_others(&place, &x).expect("it may be installed from its file, or removed");
            for list in LISTS {
                of(list, from);
                let refused = check_others(&place, &y).expect_err(from).to_string();
                assert!(refused.starts_with("x, which package.json names as well"), "{refused}");
            }
        }
    }
}
