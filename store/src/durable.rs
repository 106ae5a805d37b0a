//! Files that survive a power cut at any instant.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Replaces a file: the content goes to a temporary file beside it, which is flushed to the disk, takes the file's name, and the
/// directory is flushed too. A reader sees the old content or the new, never a part.
///
/// The permissions stay as they are; a new file is for its owner only, because configurations may hold passwords and tokens. A link stays
/// one: the file that it leads to is replaced.
///
/// # Errors
/// The old file's metadata can't be read, or the directory or the disk refuses.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content, false)
}

/// As [`write()`], but the file is for its owner only afterwards, whatever it was before: it holds secrets.
///
/// # Errors
/// As for [`write()`].
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content, true)
}

/// Makes a directory and those above it, so that they survive a power cut too.
///
/// # Errors
/// The disk refuses.
pub fn create_directory(path: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    let mut at = path;
    while !at.as_os_str().is_empty() && !at.is_dir() {
        missing.push(at);
        let Some(parent) = at.parent() else { break };
        at = parent;
    }
    for directory in missing.into_iter().rev() {
        match fs::create_dir(directory) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && directory.is_dir() => continue,
            made => made?,
        }
        let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Takes a file away from everybody but its owner.
pub(crate) fn hide(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    fs::metadata(path)?;
    Ok(())
}

/// Removes the temporary files that replacing `file` has left in its directory when the power went.
pub(crate) fn sweep(directory: &Path, file: &Path) {
    let prefix = temporary_prefix(file);
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(TEMPORARY));
        if random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric()))
            && let Err(error) = fs::remove_file(entry.path())
        {
            log::warn!("{} was left by a power cut and can't be removed: {error}", entry.path().display());
        }
    }
}

const TEMPORARY: &str = ".tmp";
/// Letters between prefix and suffix of a temporary file's name.
const RANDOM: usize = 6;

fn temporary_prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

fn replace(path: &Path, content: &[u8], private: bool) -> io::Result<()> {
    let (path, permissions) = match path.canonicalize() {
        Ok(real) => {
            let metadata = fs::metadata(&real)?;
            (real, (metadata.is_file() && !private).then(|| metadata.permissions()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => (path.to_owned(), None),
        Err(error) => return Err(error),
    };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = temporary_prefix(&path);
    let mut temporary =
        tempfile::Builder::new().prefix(&prefix).rand_bytes(RANDOM).suffix(TEMPORARY).tempfile_in(directory)?;
    temporary.write_all(content)?;
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(&path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("the file").permissions().mode() & 0o777
    }

    #[test]
    fn permissions_and_links_stay() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, link) = (directory.path().join("sub/file"), directory.path().join("link"));
        fs::create_dir(directory.path().join("sub")).expect("a directory");
        write(&file, b"new").expect("written");
        assert_eq!(mode(&file), 0o600, "a new file is for its owner");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("changed");
        symlink("sub/file", &link).expect("a link");
        write(&link, b"changed").expect("written");
        assert_eq!((fs::read(&file).expect("the file"), mode(&file)), (b"changed".to_vec(), 0o640));
        assert!(link.is_symlink());
        write_private(&link, b"secret").expect("written");
        assert_eq!((fs::read(&file).expect("the file"), mode(&file)), (b"secret".to_vec(), 0o600));
        let names = fs::read_dir(directory.path().join("sub")).expect("the directory").count();
        assert_eq!(names, 1, "no temporary file stays");
    }
}
