//! Files that survive a power cut at any instant.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file: the content goes to a temporary file beside it, which is flushed to the disk, takes the file's name, and the
/// directory is flushed too. A reader sees the old content or the new, never a part.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is for its owner only: configurations may hold passwords and tokens.
    let prefix = format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy());
    let mut temporary = tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(directory)?;
    temporary.write_all(content)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}
