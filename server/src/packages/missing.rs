//! Packages that `package.json` of the configuration directory names and that are not there: a backup has the list and what was installed
//! from files, but not what npm fetches.

use std::path::Path;

use serde::Serialize;

use super::PackageName;
use super::modules::dependencies;

/// Most that are looked for.
const MOST: usize = 500;

/// A package that ought to be installed. As JSON: `{name, from, message}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    /// Its name.
    pub name: PackageName,
    /// Where it comes from, as `package.json` says: a range of versions, or `file:` and a path below the configuration directory.
    pub from: String,
    /// The same for people, and what to do when it can't be had.
    pub message: String,
    /// What npm is to install; `None` when it can't be had.
    #[serde(skip)]
    pub what: Option<String>,
}

/// What is missing in a configuration directory, by name.
pub fn missing(directory: &Path) -> Vec<Missing> {
    let modules = directory.join("node_modules");
    let named = dependencies(directory).into_iter().take(MOST);
    // What is no name of a package is none of npm's either.
    let named = named.filter_map(|(name, from)| Some((PackageName::new(&name).ok()?, from)));
    let absent = named.filter(|(name, _)| !modules.join(name.as_str()).join("package.json").is_file());
    let mut all: Vec<_> = absent.map(|(name, from)| Missing::new(directory, name, from)).collect();
    all.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    all
}

impl Missing {
    fn new(directory: &Path, name: PackageName, from: String) -> Self {
        let Some(file) = from.strip_prefix("file:") else {
            let what = format!("{name}@{from}");
            return Self { message: format!("{what} of the npm registry"), what: Some(what), name, from };
        };
        let path = directory.join(file);
        let (message, what) = if path.exists() {
            (format!("from {file}"), Some(path.display().to_string()))
        } else {
            let advice = "install it again from its file, or remove it, as npm installs nothing else meanwhile";
            (format!("{} is not on this computer: {advice}", path.display()), None)
        };
        Self { name, from, message, what }
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
        write("package.json", json!({"dependencies": {
            "there": "1", "@me/fetched": "^1.2.0", "@me/sent": "file:plugin-packages/me__sent-1.0.0.tgz", "linked": "file:../gone",
            "../../outside": "1", "number": 7,
        }}).to_string());
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
}
