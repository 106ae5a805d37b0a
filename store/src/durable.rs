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
    let prefix = format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy());
    let mut temporary = tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(directory)?;
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
