//! The cache of compiled modules.
//!
//! Compiling costs about a millisecond per kilobyte, loading a compiled module almost nothing. The engine trusts what
//! it loads (a flipped byte would run as machine code), so each file carries its key and a checksum, and the
//! directory is the server's alone: one of another user is refused, and what others could have written is not loaded.
//! What has not been used for long, or is too much, is removed when the cache is opened.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};

const HASH: usize = 32;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Modules not used for longer are removed.
const KEPT: Duration = DAY.saturating_mul(30);
/// All modules together, in bytes. Those used longest ago go first.
const ROOM: u64 = 256 << 20;
/// The name of a compiled module ends in this.
const MODULE: &str = "module";
/// The name of a file that is being written ends in this.
const UNFINISHED: &str = "new";

/// A directory of compiled modules.
pub(crate) struct ModuleCache {
    directory: PathBuf,
}

/// The key of a module under one engine configuration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheKey([u8; HASH]);

impl CacheKey {
    /// `configuration` names everything that decides what machine code comes out.
    pub(crate) fn new(configuration: &str, wasm: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update((configuration.len() as u64).to_le_bytes());
        hash.update(configuration);
        hash.update(wasm);
        Self(hash.finalize().into())
    }
}

impl ModuleCache {
    /// Uses `directory`, creates it when absent, and takes all others' access to it away. When they could write to it until now, it is
    /// emptied.
    ///
    /// # Errors
    /// It can't be made or listed, or belongs to another user.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        private::make_directory(directory)?;
        if private::close(directory)? {
            log::warn!(
                "module cache: others could write to {}; its modules are removed and compiled again",
                directory.display()
            );
            empty(directory)?;
        }
        prune(directory, SystemTime::now());
        Ok(Self { directory: directory.to_owned() })
    }

    fn file(&self, key: &CacheKey) -> PathBuf {
        let name: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(format!("{name}.{MODULE}"))
    }

    /// The compiled module under `key`, when it is there and undamaged. A damaged file is removed.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<Vec<u8>> {
        let file = self.file(key);
        let mut content = match read(&file) {
            Ok(Some(content)) => content,
            Ok(None) => {
                log::warn!("module cache: others could write to {}; the module is compiled again", file.display());
                self.remove(key);
                return None;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                log::warn!("module cache: cannot read {}: {error}; the module is compiled again", file.display());
                return None;
            }
        };
        let intact = content.len() > 2 * HASH
            && content[..HASH] == key.0
            && content[HASH..2 * HASH] == Sha256::digest(&content[2 * HASH..])[..];
        if !intact {
            log::warn!("module cache: {} is damaged; the module is compiled again", file.display());
            self.remove(key);
            return None;
        }
        content.drain(..2 * HASH);
        note_use(&file);
        Some(content)
    }

    /// Keeps a compiled module. Failure costs only the next start's compilation, so it is logged, not returned.
    pub(crate) fn put(&self, key: &CacheKey, artifact: &[u8]) {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let mut content = Vec::with_capacity(2 * HASH + artifact.len());
        content.extend_from_slice(&key.0);
        content.extend_from_slice(&Sha256::digest(artifact));
        content.extend_from_slice(artifact);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let temporary = self.directory.join(format!("{}-{serial}.{UNFINISHED}", std::process::id()));
        let stored = write(&temporary, &content).and_then(|()| fs::rename(&temporary, self.file(key)));
        if let Err(error) = stored {
            log::warn!("module cache: cannot write to {}: {error}", self.directory.display());
            let _ = fs::remove_file(&temporary);
        }
    }

    /// Forgets a module.
    pub(crate) fn remove(&self, key: &CacheKey) {
        if let Err(error) = fs::remove_file(self.file(key))
            && error.kind() != io::ErrorKind::NotFound
        {
            log::warn!("module cache: cannot remove {}: {error}", self.file(key).display());
        }
    }
}

/// The content of a file that nobody else could have written; `None` when others could.
fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = fs::File::open(file)?;
    // Of the open file, so that it can't be exchanged in between.
    let metadata = file.metadata()?;
    if !private::is_own(&metadata) || private::others_write(&metadata) {
        return Ok(None);
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(Some(content))
}

/// Writes a new file that is nobody else's, whatever the server's umask is.
fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(content)
}

/// Removes all modules, finished or not.
fn empty(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == MODULE || extension == UNFINISHED) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Whose files are, and who may write to them.
#[cfg(unix)]
mod private {
    use std::{
        fs, io,
        os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
        path::Path,
    };

    /// Makes a directory of our own, unless there is one of this name.
    pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
        if let Some(parent) = directory.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// Takes others' access to a directory away, and tells whether they could write to it. One of another user is refused.
    pub(super) fn close(directory: &Path) -> io::Result<bool> {
        let metadata = fs::metadata(directory)?;
        if !metadata.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        if !is_own(&metadata) {
            let text = format!("it belongs to another user (number {}), who could put code into it", metadata.uid());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
        Ok(others_write(&metadata))
    }

    pub(super) fn is_own(metadata: &fs::Metadata) -> bool {
        // SAFETY: it takes nothing, and always succeeds.
        metadata.uid() == unsafe { libc::geteuid() }
    }

    pub(super) fn others_write(metadata: &fs::Metadata) -> bool {
        metadata.mode() & 0o022 != 0
    }
}

/// The same where files have no such owners: the user's directories are the user's.
#[cfg(not(unix))]
mod private {
    use std::{fs, io, path::Path};

    pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }

    pub(super) fn close(_: &Path) -> io::Result<bool> {
        Ok(false)
    }

    pub(super) fn is_own(_: &fs::Metadata) -> bool {
        true
    }

    pub(super) fn others_write(_: &fs::Metadata) -> bool {
        false
    }
}

/// Remembers that a module was used, to the day.
fn note_use(file: &Path) {
    let now = SystemTime::now();
    let noted = fs::File::options().write(true).open(file).and_then(|file| {
        let used = file.metadata()?.modified()?;
        if now.duration_since(used).is_ok_and(|age| age > DAY) { file.set_modified(now) } else { Ok(()) }
    });
    if let Err(error) = noted {
        log::debug!("module cache: the use of {} is not noted: {error}", file.display());
    }
}

/// Removes modules that have not been used for long, then those used longest ago until the rest fits, and what interrupted writes left.
/// Failure costs only room on the disk, so it is logged.
fn prune(directory: &Path, now: SystemTime) {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return log::warn!("module cache: cannot list {}: {error}", directory.display()),
    };
    let mut modules = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else { continue };
        let (true, Ok(used)) = (metadata.is_file(), metadata.modified()) else { continue };
        let age = now.duration_since(used).unwrap_or_default();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(MODULE) if age > KEPT => discard(&path),
            Some(MODULE) => modules.push((age, metadata.len(), path)),
            Some(UNFINISHED) if age > DAY => discard(&path),
            _ => {}
        }
    }
    modules.sort();
    let mut room = ROOM;
    for (_, size, path) in modules {
        match room.checked_sub(size) {
            Some(left) => room = left,
            None => discard(&path),
        }
    }
}

fn discard(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => log::debug!("module cache: removed {}", path.display()),
        Err(error) => log::warn!("module cache: cannot remove {}: {error}", path.display()),
    }
}
