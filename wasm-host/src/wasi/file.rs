//! An open file of a plugin, whose growth is charged to the plugin's quota.

use std::{
    fmt,
    fs::{File, FileTimes},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use virtual_fs::{AsyncRead, AsyncSeek, AsyncWrite, FsError, ReadBuf, Result, VirtualFile};

use super::{calls::errno, jail::Jail};

/// What all handles of one file share: its name, which changes with a rename, and what it still
/// costs after its name was removed.
pub(super) struct OpenFile {
    jail: Arc<Jail>,
    name: Mutex<Name>,
}

enum Name {
    /// The path relative to the root.
    Path(PathBuf),
    /// The name is gone; the bytes are given back when the last handle closes.
    Orphan(u64),
}

impl OpenFile {
    pub(super) fn new(jail: Arc<Jail>, path: &Path) -> Self {
        Self { jail, name: Mutex::new(Name::Path(path.to_owned())) }
    }

    fn name(&self) -> MutexGuard<'_, Name> {
        self.name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn orphan(&self, bytes: u64) {
        *self.name() = Name::Orphan(bytes);
    }

    pub(super) fn moved_to(&self, path: &Path) {
        *self.name() = Name::Path(path.to_owned());
    }

    fn grow(&self, bytes: u64) -> Result<()> {
        self.jail.ledger.charge_bytes(bytes).map_err(|_| self.jail.refuse(errno::DQUOT))?;
        if let Name::Orphan(total) = &mut *self.name() {
            *total += bytes;
        }
        Ok(())
    }

    fn shrink(&self, bytes: u64) {
        self.jail.ledger.credit_bytes(bytes);
        if let Name::Orphan(total) = &mut *self.name() {
            *total = total.saturating_sub(bytes);
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Name::Orphan(bytes) = *self.name() {
            self.jail.ledger.credit_bytes(bytes);
        }
    }
}

/// One handle. Everything happens at once: regular files do not block in a way an event loop could help with, and the
/// plugin's thread has nothing else to do.
pub(super) struct JailedFile {
    shared: Arc<OpenFile>,
    file: File,
}

impl JailedFile {
    pub(super) fn new(shared: Arc<OpenFile>, file: File) -> Self {
        Self { shared, file }
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Writes at the current position: charges what the file will grow by first, and gives back what it did not use.
    fn write_charged(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let before = self.length()?;
        let end = self.file.stream_position()?.saturating_add(bytes.len() as u64);
        let growth = if bytes.is_empty() { 0 } else { end.saturating_sub(before) };
        self.shared.grow(growth)?;
        let written = self.file.write(bytes);
        let after = self.length()?;
        self.shared.shrink((before + growth).saturating_sub(after.max(before)));
        written
    }

    fn time(&self, of: impl Fn(&std::fs::Metadata) -> io::Result<SystemTime>) -> u64 {
        self.file
            .metadata()
            .and_then(|metadata| of(&metadata))
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl VirtualFile for JailedFile {
    fn last_accessed(&self) -> u64 {
        self.time(std::fs::Metadata::accessed)
    }

    fn last_modified(&self) -> u64 {
        self.time(std::fs::Metadata::modified)
    }

    fn created_time(&self) -> u64 {
        self.time(std::fs::Metadata::created)
    }

    fn set_times(&mut self, atime: Option<u64>, mtime: Option<u64>) -> Result<()> {
        let at = |nanoseconds| UNIX_EPOCH + Duration::from_nanos(nanoseconds);
        let mut times = FileTimes::new();
        if let Some(time) = atime {
            times = times.set_accessed(at(time));
        }
        if let Some(time) = mtime {
            times = times.set_modified(at(time));
        }
        Ok(self.file.set_times(times)?)
    }

    fn size(&self) -> u64 {
        self.length().unwrap_or(0)
    }

    fn set_len(&mut self, new_size: u64) -> Result<()> {
        let before = self.length()?;
        self.shared.grow(new_size.saturating_sub(before))?;
        if let Err(error) = self.file.set_len(new_size) {
            self.shared.shrink(new_size.saturating_sub(before));
            return Err(error.into());
        }
        self.shared.shrink(before.saturating_sub(new_size));
        Ok(())
    }

    fn unlink(&mut self) -> Result<()> {
        let path = match &*self.shared.name() {
            Name::Path(path) => path.clone(),
            Name::Orphan(_) => return Err(FsError::EntryNotFound),
        };
        self.shared.jail.remove(&path)
    }

    fn poll_read_ready(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let left = self.length().and_then(|length| Ok(length.saturating_sub(self.file.stream_position()?)));
        Poll::Ready(left.map(|left| usize::try_from(left).unwrap_or(usize::MAX)))
    }

    fn poll_write_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(8192))
    }
}

impl AsyncRead for JailedFile {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let target = buffer.initialize_unfilled();
        let read = self.file.read(target);
        Poll::Ready(read.map(|count| buffer.advance(count)))
    }
}

impl AsyncWrite for JailedFile {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write_charged(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for JailedFile {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        self.file.seek(position).map(drop)
    }

    fn poll_complete(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(self.file.stream_position())
    }
}

impl fmt::Debug for JailedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JailedFile").finish_non_exhaustive()
    }
}
