//! A plugin's private directory before its first start (§6.3, 6.4).

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use windlass_wasm_host::{JailedFileSystem, Limits};

use super::config_store::ConfigStore;

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prepared {
    /// Files of a Node plugin of the same id that are in `data/` now.
    pub migrated: usize,
    /// Files that were not taken over, because they are more than the plugin may keep.
    pub left_out: Vec<String>,
}

/// Makes sure that the directory is there, with `data/`, `config/` and `tmp/`. When it is made now, regular files found directly in
/// `plugin-config-data/<id>/`, where plugins for Node keep theirs, are copied into `data/`: once, and all or none, however that is
/// interrupted. The originals stay.
///
/// # Errors
/// Something can't be read or written; there is no directory then.
pub(super) fn prepare(config: &ConfigStore, limits: &Limits) -> io::Result<Prepared> {
    let root = config.vfs_root();
    let mut prepared = Prepared::default();
    if root.symlink_metadata().is_ok() {
        return Ok(prepared);
    }
    let Some(own) = root.parent() else { return Ok(prepared) };
    let unfinished = own.join("vfs.unfinished");
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // With its three directories.
    JailedFileSystem::open(&unfinished, limits)?;
    for (file, size) in old_files(own, config)? {
        let Some(name) = file.file_name() else { continue };
        let taken: u64 = directory_size(&unfinished.join("data"))?;
        if taken + size > limits.file_bytes || prepared.migrated as u64 >= limits.files {
            prepared.left_out.push(name.to_string_lossy().into_owned());
            continue;
        }
        let copy = unfinished.join("data").join(name);
        fs::copy(&file, &copy)?;
        File::open(&copy)?.sync_all()?;
        prepared.migrated += 1;
    }
    fs::rename(&unfinished, &root)?;
    File::open(own)?.sync_all()?;
    Ok(prepared)
}

/// Regular files directly in a plugin's directory, links not followed, without its configuration at an early place.
fn old_files(own: &Path, config: &ConfigStore) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(own)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() && Some(entry.file_name().as_os_str()) != config.file().file_name() {
            files.push((entry.path(), metadata.len()));
        }
    }
    files.sort();
    Ok(files)
}

fn directory_size(directory: &Path) -> io::Result<u64> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_node_plugin_are_taken_over_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = ConfigStore::new(directory.path(), "p");
        let own = directory.path().join("plugin-config-data/p");
        fs::create_dir_all(own.join("sub")).expect("made");
        fs::create_dir_all(own.join("vfs.unfinished/data")).expect("of an interrupted attempt");
        for (name, text) in [("a.json", "1"), ("b.db", "22"), ("p.json", "{}"), ("sub/c", "3"), ("z", "too much of it")]
        {
            fs::write(own.join(name), text).expect("written");
        }
        fs::write(directory.path().join("secret"), "s").expect("written");
        #[cfg(unix)]
        std::os::unix::fs::symlink(directory.path().join("secret"), own.join("link")).expect("a link");
        let limits = Limits { file_bytes: 10, ..Limits::default() };
        let prepared = prepare(&config, &limits).expect("prepared");
        assert_eq!(prepared, Prepared { migrated: 2, left_out: vec!["z".into()] });
        let mut names: Vec<_> = fs::read_dir(own.join("vfs/data"))
            .expect("there")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        assert_eq!(names, ["a.json", "b.db"]);
        assert!(own.join("vfs/config").is_dir() && own.join("vfs/tmp").is_dir() && own.join("a.json").is_file());
        fs::remove_file(own.join("vfs/data/a.json")).expect("removed");
        assert_eq!(prepare(&config, &limits).expect("nothing to do"), Prepared::default());
        assert!(!own.join("vfs/data/a.json").exists());
    }
}
