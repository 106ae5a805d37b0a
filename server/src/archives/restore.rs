//! Putting back what is in a backup: file by file, each whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::contents::{MAX_FILE, MAX_FILES, is_secret, place_of};
use super::sound::check_document;
use crate::packages::{ARCHIVES, MAX_ARCHIVE, check_archive};

/// Most bytes that are put back at once.
const MAX_TOTAL: u64 = 2 * 1024 * 1024 * 1024;
/// Largest JSON document, in bytes: the server reads it whole.
const MAX_DOCUMENT: u64 = 16 * 1024 * 1024;
/// The same of application data: what one owner may keep.
const MAX_APPLICATION_DATA: u64 = 50 * 1024 * 1024;

/// Why nothing is put back, or no more.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file is no archive.
    #[error("this is no backup: {0}")]
    NoArchive(String),
    /// There is nothing in it that this server knows.
    #[error("there is nothing in this file that could be restored; choose a backup of a Signal K server")]
    Nothing,
    /// It has too much in it.
    #[error("the backup is too large: {0}")]
    TooLarge(&'static str),
    /// A file in it is damaged.
    #[error("{name} in the backup is damaged ({reason}); it was left as it is here")]
    Damaged {
        /// Which.
        name: String,
        /// Why.
        reason: String,
    },
    /// The file would land somewhere else, by a link.
    #[error("{0} lies behind a link that leads out of the configuration directory; it was left as it is")]
    Outside(String),
    /// The disk refuses.
    #[error("{path} can't be written: {source}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An archive that was looked through.
#[derive(Debug)]
pub struct Backup<R> {
    archive: ZipArchive<R>,
    /// The names that can be chosen, and which entries each stands for.
    names: BTreeMap<String, Vec<(usize, PathBuf)>>,
}

impl<R: Read + Seek> Backup<R> {
    /// Looks through an archive. What is not known, leads elsewhere, or is no file is passed over.
    ///
    /// # Errors
    /// It is no archive, has nothing in it, or too much.
    pub fn open(file: R) -> Result<Self, RestoreError> {
        let unreadable = |error: zip::result::ZipError| RestoreError::NoArchive(error.to_string());
        let mut archive = ZipArchive::new(file).map_err(unreadable)?;
        if archive.len() > MAX_FILES {
            return Err(RestoreError::TooLarge("it has more than 100,000 files"));
        }
        let (mut names, mut seen, mut total) = (BTreeMap::<_, Vec<_>>::new(), BTreeSet::new(), 0_u64);
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(unreadable)?;
            let Some((place, name)) = entry.name().ok().and_then(|name| place_of(&name)) else { continue };
            // Of two entries for one file the first counts.
            if !entry.is_file() || entry.encrypted() || !seen.insert(place.clone()) {
                continue;
            }
            if entry.size() > MAX_FILE {
                return Err(RestoreError::TooLarge("a file in it is larger than 256 MiB"));
            }
            total += entry.size();
            names.entry(name).or_default().push((index, place));
        }
        if total > MAX_TOTAL {
            return Err(RestoreError::TooLarge("its files have more than 2 GiB"));
        }
        if names.is_empty() { Err(RestoreError::Nothing) } else { Ok(Self { archive, names }) }
    }

    /// What can be chosen: names of files, and of folders with a slash.
    pub fn names(&self) -> Vec<&str> {
        self.names.keys().map(String::as_str).collect()
    }

    /// Puts back what is chosen. Each file replaces the one that is there, whole or not at all; files that the backup does not have stay.
    /// `tell` hears of each file and how many per cent are done. What could not be put back is returned, with the reason.
    pub fn restore(
        &mut self,
        config_dir: &Path,
        chosen: impl Fn(&str) -> bool,
        mut tell: impl FnMut(&Path, usize),
    ) -> Vec<RestoreError> {
        let wanted: Vec<_> =
            self.names.iter().filter(|(name, _)| chosen(name)).flat_map(|(_, entries)| entries).cloned().collect();
        let mut failed = Vec::new();
        for (done, (index, place)) in wanted.iter().enumerate() {
            tell(place, done * 100 / wanted.len());
            if let Err(error) = self.put_back(config_dir, *index, place) {
                failed.push(error);
            }
        }
        failed
    }

    fn put_back(&mut self, config_dir: &Path, index: usize, place: &Path) -> Result<(), RestoreError> {
        let name = place.display().to_string();
        let damaged = |reason: String| RestoreError::Damaged { name: name.clone(), reason };
        let entry = self.archive.by_index(index).map_err(|error| damaged(error.to_string()))?;
        let mut content = Vec::new();
        let most = most_bytes(place);
        // What the archive says of the size need not be true.
        entry.take(most + 1).read_to_end(&mut content).map_err(|error| damaged(error.to_string()))?;
        if content.len() as u64 > most {
            return Err(damaged(format!("it is larger than {} MiB", most / 1024 / 1024)));
        }
        if is_document(place) {
            check_document(&content).map_err(|error| damaged(error.to_string()))?;
        }
        // npm unpacks them later, so they are looked through as if somebody had sent them.
        if place.starts_with(ARCHIVES) {
            check_archive(content.as_slice()).map_err(|error| damaged(error.to_string()))?;
        }
        let path = config_dir.join(place);
        let disk = |source| RestoreError::Disk { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            make_folder(config_dir, folder).map_err(|error| error.map_or(RestoreError::Outside(name.clone()), disk))?;
        }
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(RestoreError::Outside(name));
        }
        let write = if is_secret(place) { windlass_store::write_private } else { windlass_store::write };
        write(&path, &content).map_err(disk)
    }
}

/// Whether a file has to be JSON. Of plugins only they themselves know which of their files have to be.
fn is_document(place: &Path) -> bool {
    let is_json = place.extension().is_some_and(|extension| extension == "json");
    is_json && !place.starts_with("node_modules") && !place.iter().any(|part| part == "vfs")
}

/// How large a file may be, in bytes.
fn most_bytes(place: &Path) -> u64 {
    if place.starts_with(ARCHIVES) {
        MAX_ARCHIVE as u64
    } else if !is_document(place) {
        MAX_FILE
    } else if place.starts_with("applicationData") {
        MAX_APPLICATION_DATA
    } else {
        MAX_DOCUMENT
    }
}

/// Makes a folder below a directory. `Err(None)`: a link on the way leads out of the directory.
fn make_folder(directory: &Path, folder: &Path) -> Result<(), Option<io::Error>> {
    // The deepest folder that is there decides: what is made below it is a folder for sure.
    let there = folder.ancestors().find(|folder| folder.symlink_metadata().is_ok()).unwrap_or(directory);
    let (real, root) = (there.canonicalize()?, directory.canonicalize()?);
    if !real.starts_with(root) {
        return Err(None);
    }
    fs::create_dir_all(folder)?;
    // The name of a new folder has to survive as well.
    File::open(there)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Cursor<Vec<u8>> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(*name, SimpleFileOptions::default()).expect("a file");
            writer.write_all(content).expect("written");
        }
        writer.finish().expect("an archive")
    }

    #[test]
    fn chosen_files_are_put_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).ok();
        fs::write(directory.path().join("settings.json"), r#"{"port": 1}"#).expect("a file");
        let mut backup = Backup::open(archive(&[
            ("settings.json", br#"{"port": 2}"#),
            ("security.json", b"{}"),
            ("plugin-config-data/a.json", b"{}"),
            ("plugin-config-data/a/vfs/note.json", b"no JSON"),
            ("unitpreferences/config.json", b"{}"),
            ("readme.txt", b"x"),
        ]))
        .expect("a backup");
        assert_eq!(backup.names(), ["plugin-config-data/", "security.json", "settings.json", "unitpreferences/"]);
        let mut told = Vec::new();
        let failed = backup.restore(
            directory.path(),
            |name| name != "unitpreferences/",
            |place, percent| told.push((place.display().to_string(), percent)),
        );
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(told[0], ("plugin-config-data/a.json".to_owned(), 0));
        assert_eq!(told[3], ("settings.json".to_owned(), 75));
        assert_eq!(read("settings.json").as_deref(), Some(r#"{"port": 2}"#));
        assert_eq!(read("plugin-config-data/a/vfs/note.json").as_deref(), Some("no JSON"));
        assert_eq!((read("unitpreferences/config.json"), read("readme.txt")), (None, None));
        let mode = fs::metadata(directory.path().join("security.json")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn nothing_leaves_the_directory() {
        let outside = tempfile::tempdir().expect("a directory");
        let directory = tempfile::tempdir().expect("a directory");
        symlink(outside.path(), directory.path().join("tls")).expect("a link");
        symlink(outside.path().join("x.json"), directory.path().join("priorities.json")).expect("a link");
        let files: [(&str, &[u8]); 6] = [
            ("../evil.json", b"{}"),
            ("/tmp/evil.json", b"{}"),
            ("applicationData/../../evil.json", b"{}"),
            ("tls/root.key", b"key"),
            ("tls/deep/root.key", b"key"),
            ("priorities.json", b"{}"),
        ];
        let mut backup = Backup::open(archive(&files)).expect("a backup");
        assert_eq!(backup.names(), ["priorities.json", "tls/"]);
        let failed = backup.restore(directory.path(), |_| true, |_, _| {});
        assert_eq!(failed.len(), 3, "{failed:?}");
        assert!(failed.iter().all(|error| matches!(error, RestoreError::Outside(_))), "{failed:?}");
        assert_eq!(fs::read_dir(outside.path()).expect("readable").count(), 0);
    }

    #[test]
    fn what_is_damaged_is_left_as_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("settings.json"), "{}").expect("a file");
        let mut backup =
            Backup::open(archive(&[("settings.json", b"{"), ("priorities.json", b"{}")])).expect("a backup");
        let failed = backup.restore(directory.path(), |_| true, |_, _| {});
        assert!(matches!(&failed[..], [RestoreError::Damaged { name, .. }] if name == "settings.json"), "{failed:?}");
        assert_eq!(fs::read_to_string(directory.path().join("settings.json")).expect("a file"), "{}");
        assert!(directory.path().join("priorities.json").exists(), "the others are put back");
        assert!(matches!(Backup::open(Cursor::new(b"PK no".to_vec())), Err(RestoreError::NoArchive(_))));
        assert!(matches!(Backup::open(archive(&[("other", b"x")])), Err(RestoreError::Nothing)));
    }

    #[test]
    fn no_document_is_larger_than_the_server_can_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let document = |spaces: usize| format!("{{}}{}", " ".repeat(spaces)).into_bytes();
        let (fits, large) = (document(MAX_DOCUMENT as usize - 2), document(MAX_DOCUMENT as usize));
        let mut backup = Backup::open(archive(&[
            ("settings.json", &large),
            ("priorities.json", &fits),
            ("applicationData/global/app/1.0.json", &large),
            ("plugin-config-data/a/vfs/data.json", &large),
            ("serverstate/alarms.jsonl", &fits),
        ]))
        .expect("a backup");
        let failed = backup.restore(directory.path(), |_| true, |_, _| {});
        let [RestoreError::Damaged { name, reason }] = &failed[..] else { panic!("{failed:?}") };
        assert_eq!((name.as_str(), reason.as_str()), ("settings.json", "it is larger than 16 MiB"));
        for name in ["priorities.json", "applicationData/global/app/1.0.json", "plugin-config-data/a/vfs/data.json"] {
            assert!(directory.path().join(name).is_file(), "{name}");
        }
        assert!(!directory.path().join("serverstate").exists(), "the server goes on writing its own");
        for (place, most) in [
            ("settings.json", 16),
            ("plugin-config-data/a.json", 16),
            ("applicationData/users/me/app/1.json", 50),
            ("plugin-packages/x.tgz", 64),
            ("plugin-config-data/a/vfs/x.json", 256),
            ("node_modules/x/package.json", 256),
        ] {
            assert_eq!(most_bytes(Path::new(place)), most * 1024 * 1024, "{place}");
        }
    }

    #[test]
    fn packages_are_looked_through_before_they_are_put_back() {
        use flate2::Compression;
        use flate2::write::GzEncoder;

        let packed = |path: &str, description: &str| {
            let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
            let mut header = tar::Header::new_gnu();
            header.set_size(description.len() as u64);
            // Past the library, which refuses to write what is refused here.
            let name = &mut header.as_gnu_mut().expect("a header of its kind").name;
            name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, description.as_bytes()).expect("appended");
            archive.into_inner().expect("written").finish().expect("packed")
        };
        let description = r#"{"name": "x", "version": "1.0.0", "keywords": ["signalk-webapp"]}"#;
        let good = packed("package/package.json", description);
        let outside = packed("../package.json", description);
        let foreign = packed("package/package.json", r#"{"name": "y", "version": "1.0.0"}"#);
        let directory = tempfile::tempdir().expect("a directory");
        let mut backup = Backup::open(archive(&[
            ("plugin-packages/x-1.0.0.tgz", &good),
            ("plugin-packages/outside.tgz", &outside),
            ("plugin-packages/foreign.tgz", &foreign),
            ("plugin-packages/none.tgz", b"no archive"),
            ("plugin-packages/deep/x.tgz", &good),
            ("plugin-packages/x.sh", b"x"),
        ]))
        .expect("a backup");
        assert_eq!(backup.names(), ["plugin-packages/"]);
        let failed = backup.restore(directory.path(), |_| true, |_, _| {});
        let mut damaged = Vec::new();
        for error in &failed {
            let RestoreError::Damaged { name, .. } = error else { panic!("{error}") };
            damaged.push(name.as_str());
        }
        assert_eq!(damaged, ["plugin-packages/outside.tgz", "plugin-packages/foreign.tgz", "plugin-packages/none.tgz"]);
        let there = fs::read_dir(directory.path().join(ARCHIVES)).expect("the folder");
        let there: Vec<_> = there.map(|entry| entry.expect("a file").file_name()).collect();
        assert_eq!(there, ["x-1.0.0.tgz"]);
    }
}
