//! Archives that were sent: npm wants them again when it puts `node_modules` in order, so they are kept as long as something is installed
//! from them.

use std::fs::{self, File};
use std::io::{Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{PackageError, archive, modules};

/// The folder in the configuration directory.
pub const ARCHIVES: &str = "plugin-packages";

/// Looks through an archive of a package, whoever brings it.
///
/// # Errors
/// It is no package of a plugin or web app, or would do harm.
pub fn check(packed: impl Read) -> Result<archive::Contents, PackageError> {
    let contents = archive::check(packed)?;
    if contents.is_for_signalk() { Ok(contents) } else { Err(PackageError::Foreign(contents.name.to_string())) }
}

/// Looks through what was sent and puts it where npm finds it as long as it is installed from it. `directory` is that of the configuration.
///
/// # Errors
/// It is no package of a plugin or web app, or the disk refuses.
pub(super) fn keep(
    file_name: &str,
    mut file: NamedTempFile,
    directory: &Path,
) -> Result<(archive::Contents, PathBuf), PackageError> {
    let unreadable = PackageError::at(file.path());
    if file_name.ends_with(".wasm") {
        let wasm = fs::read(file.path()).map_err(unreadable)?;
        let packed = archive::of_module(file_name, &wasm)?;
        let place = file.path().to_owned();
        let write = |file: &mut NamedTempFile| {
            file.as_file().set_len(0)?;
            file.rewind()?;
            file.write_all(&packed)
        };
        write(&mut file).map_err(PackageError::at(&place))?;
    }
    let contents = check(File::open(file.path()).map_err(PackageError::at(file.path()))?)?;
    let archives = directory.join(ARCHIVES);
    fs::create_dir_all(&archives).map_err(PackageError::at(&archives))?;
    let path = archives.join(format!("{}-{}.tgz", contents.name.as_file(), contents.version));
    file.persist(&path).map_err(|error| PackageError::at(&path)(error.error))?;
    Ok((contents, path))
}

/// Removes the archives in a configuration directory that nothing is installed from. Somebody has sent them, and they can be had from
/// nowhere else, so nothing is removed unless `package.json` says what is needed.
///
/// # Errors
/// There are archives and nobody knows which are needed, or the disk refuses.
pub(super) fn clear(directory: &Path) -> Result<(), PackageError> {
    let archives = directory.join(ARCHIVES);
    // Without the folder nothing was ever sent.
    let there = fs::read_dir(&archives).into_iter().flatten().flatten();
    let there = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let there: Vec<_> = there.filter(|name| modules::is_archive(name)).collect();
    if there.is_empty() {
        return Ok(());
    }
    let needed = modules::named(directory, "dependencies")?;
    for name in there {
        if !needed.iter().any(|(_, from)| from.rsplit('/').next() == Some(&name)) {
            let path = archives.join(name);
            fs::remove_file(&path).map_err(PackageError::at(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_something_is_installed_from_stays() {
        let place = tempfile::tempdir().expect("a directory");
        let archives = place.path().join(ARCHIVES);
        clear(place.path()).expect("nothing was ever sent");
        fs::create_dir(&archives).expect("a directory");
        for name in ["me__x-1.0.0.tgz", "me__x-2.0.0.tgz", "notes.txt"] {
            fs::write(archives.join(name), "").expect("written");
        }
        let json = json!({"dependencies": {"@me/x": "file:plugin-packages/me__x-2.0.0.tgz", "y": "^1.0.0"}});
        fs::write(place.path().join("package.json"), json.to_string()).expect("written");
        clear(place.path()).expect("cleared");
        let mut left: Vec<_> =
            fs::read_dir(&archives).expect("there").map(|file| file.expect("a file").file_name()).collect();
        left.sort();
        assert_eq!(left, ["me__x-2.0.0.tgz", "notes.txt"]);
    }

    #[test]
    fn nothing_is_removed_while_nobody_knows_what_is_needed() {
        let place = tempfile::tempdir().expect("a directory");
        let (archive, list) = (place.path().join(ARCHIVES).join("x-1.0.0.tgz"), place.path().join("package.json"));
        fs::create_dir(place.path().join(ARCHIVES)).expect("a directory");
        fs::write(&archive, "").expect("written");
        let damaged = ["", "null", "[]", "{\"dependencies\": {\"x\": \"fi", "\0\0\0\0", r#"{"dependencies": null}"#];
        for text in [None].into_iter().chain(damaged.map(Some)) {
            if let Some(text) = text {
                fs::write(&list, text).expect("written");
            }
            let words = clear(place.path()).expect_err("nobody knows").to_string();
            assert!(words.contains("package.json") && words.contains("restore it from a backup"), "{words}");
            assert!(archive.is_file(), "{text:?}");
        }
        fs::remove_file(&list).expect("removed");
        fs::create_dir(&list).expect("a folder in its place");
        assert!(clear(place.path()).is_err() && archive.is_file(), "it can't be read");
        fs::remove_dir(&list).expect("removed");
        fs::write(&list, "{}").expect("written");
        clear(place.path()).expect("nothing is needed");
        assert!(!archive.exists());
    }
}
