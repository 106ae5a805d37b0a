//! The file system a plugin sees: one directory of the host and nothing outside it.

use std::{
    collections::HashMap,
    fmt, io,
    path::{Component, Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU16, Ordering},
    },
};

use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata as CapMetadata, OpenOptions as CapOpenOptions},
};
use futures_util::future::BoxFuture;
use virtual_fs::{
    DirEntry, FileOpener, FileSystem, FileType, FsError, Metadata, OpenOptions, OpenOptionsConfig, ReadDir, Result,
    VirtualFile,
};

use super::{
    calls::errno,
    file::{JailedFile, OpenFile},
    ledger::{DiskUsage, FileRefusals, Ledger},
};
use crate::Limits;

/// Longest path a guest may name, in bytes.
const MAX_PATH: usize = 4096;
/// Deepest place of a file or directory. Removing a tree takes a descriptor and some stack for each level.
const MAX_DEPTH: usize = 64;
/// The directories every plugin has (§6.3).
const OWN: [&str; 3] = ["data", "config", "tmp"];

/// A plugin's private directory as a file system.
///
/// The directory is opened once, and every path is resolved below it by `cap-std`, component by component, so
/// `..`, absolute links and links that lead out are refused without a gap between check and use. Only regular files and
/// directories can be opened, links cannot be made, and the sizes of all files together stay below
/// [`Limits::file_bytes`]. The server itself should open a plugin's files through this type too.
#[derive(Clone)]
pub struct JailedFileSystem(Arc<Jail>);

pub(super) struct Jail {
    root: Dir,
    pub(super) ledger: Ledger,
    /// Open files by their path relative to the root.
    open: Mutex<HashMap<PathBuf, Weak<OpenFile>>>,
    max_listing: usize,
    /// The error number to report instead of what the WASI layer makes of a refusal, or 0.
    refusal: AtomicU16,
}

impl JailedFileSystem {
    /// Opens (and creates when absent) `root` with its directories `data`, `config` and `tmp` (§6.3), and counts what is
    /// in it.
    ///
    /// # Errors
    /// When the directory cannot be created or read.
    pub fn open(root: &Path, limits: &Limits) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let root = Dir::open_ambient_dir(root, ambient_authority())?;
        for directory in OWN {
            match root.create_dir(directory) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        let ledger = Ledger::new(DiskUsage { total_bytes: limits.file_bytes, file_count: limits.files });
        count(&root, &ledger)?;
        Ok(Self(Arc::new(Jail {
            root,
            ledger,
            open: Mutex::default(),
            max_listing: usize::try_from(limits.files).unwrap_or(usize::MAX),
            refusal: AtomicU16::new(0),
        })))
    }

    /// Removes everything in `tmp`, as is done before a plugin starts (§6.3).
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn empty_tmp(&self) -> io::Result<()> {
        let jail = &self.0;
        match jail.root.symlink_metadata("tmp")?.is_dir() {
            true => jail.root.remove_dir_all("tmp")?,
            // Somebody has put something else in its place.
            false => jail.root.remove_file("tmp")?,
        }
        jail.root.create_dir("tmp")?;
        let limits = Ledger::new(DiskUsage { total_bytes: u64::MAX, file_count: u64::MAX });
        count(&jail.root, &limits)?;
        let before = jail.ledger.used();
        let now = limits.used();
        jail.ledger.credit_bytes(before.total_bytes.saturating_sub(now.total_bytes));
        for _ in now.file_count..before.file_count {
            jail.ledger.credit_file();
        }
        Ok(())
    }

    /// What the plugin keeps on disk.
    pub fn usage(&self) -> DiskUsage {
        self.0.ledger.used()
    }

    /// How often there was no room left.
    pub(crate) fn refusals(&self) -> FileRefusals {
        self.0.ledger.refusals()
    }

    /// The error number of the last refusal, once.
    pub(super) fn take_refusal(&self) -> Option<u16> {
        let errno = self.0.refusal.swap(0, Ordering::Relaxed);
        (errno != 0).then_some(errno)
    }
}

/// Counts everything below `root`, without following links.
fn count(root: &Dir, ledger: &Ledger) -> io::Result<()> {
    let mut pending = vec![PathBuf::from(".")];
    while let Some(directory) = pending.pop() {
        for entry in root.read_dir(&directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let is_file = metadata.is_file();
            ledger.found(if is_file { metadata.len() } else { 0 });
            if metadata.is_dir() {
                pending.push(directory.join(entry.file_name()));
            }
        }
    }
    Ok(())
}

impl Jail {
    /// Notes which error number the guest shall see, and returns an error for the layer between.
    pub(super) fn refuse(&self, errno: u16) -> FsError {
        self.refusal.store(errno, Ordering::Relaxed);
        FsError::StorageFull
    }

    fn open_files(&self) -> MutexGuard<'_, HashMap<PathBuf, Weak<OpenFile>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the file at `path` (relative) and gives its bytes back, at the latest when it is closed.
    pub(super) fn remove(&self, path: &Path) -> Result<()> {
        let metadata = self.root.symlink_metadata(path)?;
        if metadata.is_dir() {
            return Err(FsError::NotAFile);
        }
        self.root.remove_file(path)?;
        self.forget(path, &metadata);
        Ok(())
    }

    /// Takes a file that is gone from its name out of the books.
    fn forget(&self, path: &Path, metadata: &CapMetadata) {
        self.ledger.credit_file();
        if !metadata.is_file() {
            return;
        }
        match self.open_files().remove(path).and_then(|file| file.upgrade()) {
            Some(open) => open.orphan(metadata.len()),
            None => self.ledger.credit_bytes(metadata.len()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let source = self.root.symlink_metadata(from)?;
        // A relative link means something else in another place.
        if source.is_symlink() {
            return Err(FsError::PermissionDenied);
        }
        if is_own_directory(from) || is_own_directory(to) {
            return Err(FsError::PermissionDenied);
        }
        let replaced = self.root.symlink_metadata(to).ok();
        if from == to {
            return Ok(());
        }
        let below = if source.is_dir() { self.levels_below(from)? } else { 0 };
        if depth(to) + below > MAX_DEPTH {
            return Err(self.refuse(errno::INVAL));
        }
        self.root.rename(from, &self.root, to)?;
        if let Some(replaced) = replaced {
            self.forget(to, &replaced);
        }
        let mut open = self.open_files();
        let moved: Vec<PathBuf> = open.keys().filter(|path| path.starts_with(from)).cloned().collect();
        for old in moved {
            let Some(file) = open.remove(&old) else { continue };
            let new = match old.strip_prefix(from) {
                Ok(rest) if !rest.as_os_str().is_empty() => to.join(rest),
                _ => to.to_owned(),
            };
            if let Some(file) = file.upgrade() {
                file.moved_to(&new);
                open.insert(new, Arc::downgrade(&file));
            }
        }
        Ok(())
    }

    /// How many levels of directories and files there are below a directory.
    fn levels_below(&self, directory: &Path) -> Result<usize> {
        let (mut pending, mut deepest) = (vec![(directory.to_owned(), 0)], 0);
        while let Some((directory, level)) = pending.pop() {
            deepest = deepest.max(level);
            for entry in self.root.read_dir(&directory)? {
                let entry = entry?;
                deepest = deepest.max(level + 1);
                if entry.metadata()?.is_dir() {
                    pending.push((directory.join(entry.file_name()), level + 1));
                }
            }
        }
        Ok(deepest)
    }

    fn open(self: &Arc<Self>, path: &Path, conf: &OpenOptionsConfig) -> Result<JailedFile> {
        let creates = conf.create || conf.create_new;
        if creates && depth(path) > MAX_DEPTH {
            return Err(self.refuse(errno::INVAL));
        }
        let existed = match self.root.metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Err(FsError::NotAFile),
            // Opening a FIFO would block the plugin's thread, a device would reach the machine.
            Ok(metadata) if !metadata.is_file() => return Err(FsError::PermissionDenied),
            Ok(_) if conf.create_new => return Err(FsError::AlreadyExists),
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound && creates => false,
            Err(error) => return Err(error.into()),
        };
        if !existed {
            self.ledger.charge_file().map_err(|_| self.refuse(errno::DQUOT))?;
        }
        let opened = self.open_regular(path, conf, existed);
        let file = match opened {
            Ok(file) => file,
            Err(error) => {
                if !existed {
                    self.ledger.credit_file();
                }
                return Err(error);
            }
        };
        let shared = {
            let mut open = self.open_files();
            open.retain(|_, file| file.strong_count() > 0);
            match open.get(path).and_then(Weak::upgrade) {
                Some(shared) => shared,
                None => {
                    let shared = Arc::new(OpenFile::new(Arc::clone(self), path));
                    open.insert(path.to_owned(), Arc::downgrade(&shared));
                    shared
                }
            }
        };
        let mut file = JailedFile::new(shared, file);
        // Not by the open flag: the bytes given back must be counted.
        if conf.truncate && existed {
            file.set_len(0)?;
        }
        Ok(file)
    }

    fn open_regular(&self, path: &Path, conf: &OpenOptionsConfig, existed: bool) -> Result<std::fs::File> {
        let mut options = CapOpenOptions::new();
        options
            .read(conf.read)
            .write(conf.write || conf.append || conf.truncate || !existed)
            .create(!existed)
            .create_new(conf.create_new);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt;
            // If the file was replaced by a FIFO meanwhile, opening it must not wait.
            options.custom_flags(libc::O_NONBLOCK);
        }
        let file = self.root.open_with(path, &options)?.into_std();
        if !file.metadata()?.is_file() {
            return Err(FsError::PermissionDenied);
        }
        Ok(file)
    }

    fn list(&self, path: &Path) -> Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in self.root.read_dir(path)? {
            let entry = entry?;
            if entries.len() >= self.max_listing {
                return Err(self.refuse(errno::OVERFLOW));
            }
            entries.push(DirEntry {
                path: Path::new("/").join(path.strip_prefix(".").unwrap_or(path)).join(entry.file_name()),
                metadata: entry.metadata().map(|metadata| describe(&metadata)).map_err(FsError::from),
            });
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }
}

/// A guest path as a path relative to the root. `..` is kept: the resolution below the root judges it.
fn relative(path: &Path) -> Result<PathBuf> {
    if path.as_os_str().len() > MAX_PATH {
        return Err(FsError::InvalidInput);
    }
    let mut relative = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => relative.push(name),
            Component::ParentDir => relative.push(".."),
            Component::RootDir | Component::CurDir => {}
            Component::Prefix(_) => return Err(FsError::InvalidInput),
        }
    }
    if relative.as_os_str().is_empty() {
        relative.push(".");
    }
    Ok(relative)
}

/// Whether a relative path is that of one of the directories every plugin has; they stay.
fn is_own_directory(path: &Path) -> bool {
    OWN.iter().any(|own| path == Path::new(own))
}

/// How deep a relative path leads at most.
fn depth(path: &Path) -> usize {
    path.components().filter(|part| matches!(part, Component::Normal(_))).count()
}

fn describe(metadata: &CapMetadata) -> Metadata {
    let nanoseconds = |time: io::Result<cap_std::time::SystemTime>| {
        time.ok()
            .and_then(|time| time.into_std().duration_since(std::time::UNIX_EPOCH).ok())
            .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    };
    let ft = metadata.file_type();
    Metadata {
        ft: FileType {
            dir: ft.is_dir(),
            file: ft.is_file(),
            symlink: ft.is_symlink(),
            // What else there may be is named as a FIFO: nothing but files, directories and links can be used.
            fifo: !(ft.is_dir() || ft.is_file() || ft.is_symlink()),
            ..FileType::default()
        },
        accessed: nanoseconds(metadata.accessed()),
        created: nanoseconds(metadata.created()),
        modified: nanoseconds(metadata.modified()),
        len: metadata.len(),
    }
}

impl FileSystem for JailedFileSystem {
    fn readlink(&self, path: &Path) -> Result<PathBuf> {
        let target = self.0.root.read_link_contents(relative(path)?)?;
        // Refused even when it points inside: it names the host's directories.
        if target.has_root() {
            return Err(FsError::PermissionDenied);
        }
        Ok(target)
    }

    fn read_dir(&self, path: &Path) -> Result<ReadDir> {
        Ok(ReadDir::new(self.0.list(&relative(path)?)?))
    }

    fn create_dir(&self, path: &Path) -> Result<()> {
        let path = relative(path)?;
        if depth(&path) > MAX_DEPTH {
            return Err(self.0.refuse(errno::INVAL));
        }
        self.0.ledger.charge_file().map_err(|_| self.0.refuse(errno::DQUOT))?;
        self.0.root.create_dir(path).map_err(|error| {
            self.0.ledger.credit_file();
            error.into()
        })
    }

    fn create_symlink(&self, _source: &Path, _target: &Path) -> Result<()> {
        Err(FsError::PermissionDenied)
    }

    fn hard_link(&self, _source: &Path, _target: &Path) -> Result<()> {
        Err(FsError::PermissionDenied)
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        let path = relative(path)?;
        if path == Path::new(".") || is_own_directory(&path) {
            return Err(FsError::PermissionDenied);
        }
        self.0.root.remove_dir(path).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => FsError::DirectoryNotEmpty,
            io::ErrorKind::NotADirectory => FsError::BaseNotDirectory,
            _ => error.into(),
        })?;
        self.0.ledger.credit_file();
        Ok(())
    }

    fn rename<'a>(&'a self, from: &'a Path, to: &'a Path) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.0.rename(&relative(from)?, &relative(to)?) })
    }

    fn metadata(&self, path: &Path) -> Result<Metadata> {
        Ok(describe(&self.0.root.metadata(relative(path)?)?))
    }

    fn symlink_metadata(&self, path: &Path) -> Result<Metadata> {
        Ok(describe(&self.0.root.symlink_metadata(relative(path)?)?))
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.0.remove(&relative(path)?)
    }

    fn new_open_options(&self) -> OpenOptions<'_> {
        OpenOptions::new(self)
    }
}

impl FileOpener for JailedFileSystem {
    fn open(&self, path: &Path, conf: &OpenOptionsConfig) -> Result<Box<dyn VirtualFile + Send + Sync + 'static>> {
        Ok(Box::new(self.0.open(&relative(path)?, conf)?))
    }
}

impl fmt::Debug for JailedFileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JailedFileSystem").field("usage", &self.usage()).finish_non_exhaustive()
    }
}
