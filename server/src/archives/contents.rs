//! What a backup has in it: the files of a configuration directory that this installation knows.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::packages::{ARCHIVES, MAX_ARCHIVE, is_archive};

/// Files that lie in the directory itself.
const FILES: [&str; 12] = [
    "settings.json",
    "security.json",
    "baseDeltas.json",
    "defaults.json",
    "priorities.json",
    "windlass.toml",
    "package.json",
    "package-lock.json",
    "plugin-consents.json",
    "ssl-key.pem",
    "ssl-cert.pem",
    "ssl-chain.pem",
];
/// Folders with everything in them.
const FOLDERS: [&str; 5] = ["plugin-config-data", "applicationData", "unitpreferences", "serverstate", "tls"];
/// What the server goes on writing while it runs, with what is put aside of it: put back under it, its lines would get among those of
/// another time or be lost.
const WRITTEN_ON: &str = "serverstate/alarms.jsonl";
/// The folder of the installed packages.
const PLUGINS: &str = "node_modules";
/// Deepest file, in folders.
const MAX_DEPTH: usize = 24;
/// Most files of an archive.
pub const MAX_FILES: usize = 100_000;
/// Largest file of an archive, in bytes.
pub const MAX_FILE: u64 = 256 * 1024 * 1024;

/// A file to be packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the archive, with slashes.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// The files of a configuration directory, sorted by name. Links are left out, for they may lead anywhere, and so are hidden files and what
/// the running server goes on writing.
///
/// # Errors
/// A folder can't be read, or there are too many files.
pub fn files_of(config_dir: &Path, with_plugins: bool) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for name in FILES {
        let path = config_dir.join(name);
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            found.push(Entry { name: name.to_owned(), path });
        }
    }
    for folder in FOLDERS.into_iter().chain(with_plugins.then_some(PLUGINS)) {
        collect(&config_dir.join(folder), folder, 1, &mut found)?;
    }
    // What was installed from a file can be had from nowhere else.
    let mut archives = Vec::new();
    collect(&config_dir.join(ARCHIVES), ARCHIVES, MAX_DEPTH, &mut archives)?;
    archives.retain(|entry| {
        is_archive(&entry.name) && entry.path.metadata().is_ok_and(|it| it.len() <= MAX_ARCHIVE as u64)
    });
    found.append(&mut archives);
    found.retain(|entry| !entry.name.starts_with(WRITTEN_ON));
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn collect(folder: &Path, name: &str, depth: usize, found: &mut Vec<Entry>) -> io::Result<()> {
    if !folder.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) || depth > MAX_DEPTH {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Some(child) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if child.starts_with('.') {
            continue;
        }
        let (kind, name) = (entry.file_type()?, format!("{name}/{child}"));
        if kind.is_dir() {
            collect(&entry.path(), &name, depth + 1, found)?;
        } else if kind.is_file() {
            if found.len() >= MAX_FILES {
                return Err(io::Error::other(format!("there are more than {MAX_FILES} files to be packed")));
            }
            found.push(Entry { name, path: entry.path() });
        }
    }
    Ok(())
}

/// The place of an archived file below the configuration directory, and the name under which it is chosen: that of the file, or of its
/// folder with a slash. `None` for what this installation does not know or goes on writing, and for names that lead anywhere else.
pub fn place_of(name: &str) -> Option<(PathBuf, String)> {
    if name.contains(['\\', '\0']) || name.len() > 1024 {
        return None;
    }
    let mut parts = Vec::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str().filter(|part| !part.starts_with('.'))?),
            _ => return None,
        }
    }
    let place: PathBuf = parts.iter().collect();
    if place.to_str().is_some_and(|place| place.starts_with(WRITTEN_ON)) {
        return None;
    }
    match parts.as_slice() {
        [file] => FILES.contains(file).then(|| (place, (*file).to_owned())),
        [folder, file] if *folder == ARCHIVES => is_archive(file).then(|| (place, format!("{folder}/"))),
        [folder, ..] if parts.len() <= MAX_DEPTH + 1 => {
            let known = FOLDERS.contains(folder) || *folder == PLUGINS;
            known.then(|| (place, format!("{folder}/")))
        }
        _ => None,
    }
}

/// Whether a file has secrets in it and is to be for its owner only.
pub fn is_secret(place: &Path) -> bool {
    let named = |name: &str| place == Path::new(name);
    place.starts_with("tls")
        || place.starts_with("plugin-config-data")
        || named("security.json")
        || named("ssl-key.pem")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_files_are_packed_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, name).expect("a file");
        };
        for name in [
            "settings.json",
            "security.json",
            ".last-good/settings.json",
            "plugin-config-data/a.json",
            "plugin-config-data/a/vfs/deep/data.bin",
            "plugin-config-data/.last-good/a.json",
            "applicationData/global/app/1.json",
            "node_modules/@a/b/package.json",
            "plugin-packages/a__b-1.0.0.tgz",
            "plugin-packages/notes.txt",
            "plugin-packages/deep/x.tgz",
            "skserver-raw_2026-01-01T00.log",
            "photo.jpg",
            "wasm-cache/x",
        ] {
            write(name);
        }
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("priorities.json")).expect("a link");
        std::os::unix::fs::symlink("/etc", directory.path().join("serverstate")).expect("a link");
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("applicationData/x.json")).expect("a link");
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("plugin-packages/x.tgz")).expect("a link");
        let large = std::fs::File::create(directory.path().join("plugin-packages/large.tgz")).expect("a file");
        large.set_len(MAX_ARCHIVE as u64 + 1).expect("a hole");
        let names = |plugins| {
            let files = files_of(directory.path(), plugins).expect("readable");
            files.into_iter().map(|entry| entry.name).collect::<Vec<_>>()
        };
        let without = [
            "applicationData/global/app/1.json",
            "plugin-config-data/a.json",
            "plugin-config-data/a/vfs/deep/data.bin",
            "plugin-packages/a__b-1.0.0.tgz",
            "security.json",
            "settings.json",
        ];
        assert_eq!(names(false), without);
        assert!(names(true).contains(&"node_modules/@a/b/package.json".to_owned()));
        assert_eq!(names(true).len(), 7);
        for name in names(true) {
            assert!(place_of(&name).is_some(), "{name} can be put back");
        }
    }

    #[test]
    fn what_the_running_server_goes_on_writing_is_left_out() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("serverstate")).expect("a folder");
        for name in ["zones.json", "alarms.jsonl", "alarms.jsonl.damaged"] {
            std::fs::write(directory.path().join("serverstate").join(name), "{}").expect("a file");
        }
        let files = files_of(directory.path(), false).expect("readable");
        assert_eq!(files.into_iter().map(|entry| entry.name).collect::<Vec<_>>(), ["serverstate/zones.json"]);
    }

    #[test]
    fn names_of_archives_lead_nowhere_else() {
        for (name, expected) in [
            ("settings.json", Some("settings.json")),
            ("plugin-config-data/a/vfs/x", Some("plugin-config-data/")),
            ("node_modules/a/package.json", Some("node_modules/")),
            ("plugin-packages/a__b-1.0.0.tgz", Some("plugin-packages/")),
            ("plugin-packages/notes.txt", None),
            ("plugin-packages/deep/x.tgz", None),
            ("plugin-packages/.hidden.tgz", None),
            ("plugin-packages/../x.tgz", None),
            ("x.tgz", None),
            ("other.json", None),
            ("plugin-config-data", None),
            ("", None),
            ("../settings.json", None),
            ("/etc/passwd", None),
            ("plugin-config-data/../../x", None),
            ("plugin-config-data/../settings.json", None),
            ("plugin-config-data\\..\\x", None),
            ("tls/.hidden", None),
            (".last-good/settings.json", None),
            ("home/settings.json", None),
            ("serverstate/zones.json", Some("serverstate/")),
            ("serverstate/alarms.jsonl", None),
            ("serverstate//./alarms.jsonl", None),
            ("serverstate/alarms.jsonl.damaged", None),
            ("serverstate/alarms.jsonl/x", None),
            (&format!("tls/{}x", "a/".repeat(30)), None),
        ] {
            let chosen = place_of(name).map(|(place, chosen)| {
                assert_eq!(place, Path::new(name));
                chosen
            });
            assert_eq!(chosen.as_deref(), expected, "{name}");
        }
        assert!(is_secret(Path::new("tls/root.key")) && is_secret(Path::new("security.json")));
        assert!(!is_secret(Path::new("settings.json")));
    }
}
