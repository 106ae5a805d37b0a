//! Counting the bytes and files a plugin keeps.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use serde::Serialize;

/// What a plugin keeps on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskUsage {
    /// Sum of the sizes of its files, in bytes.
    pub total_bytes: u64,
    /// Number of its files and directories.
    pub file_count: u64,
}

/// How often the quota had no room for what the plugin wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileRefusals {
    /// Writes that would have exceeded the bytes allowed.
    pub bytes: u64,
    /// Files and directories beyond the number allowed.
    pub files: u64,
}

/// The quota has no room for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OverQuota;

/// Current usage against the limits. Sizes count, not blocks: a sparse file costs its full length.
pub(super) struct Ledger {
    used: Mutex<DiskUsage>,
    max: DiskUsage,
    refused_bytes: AtomicU64,
    refused_files: AtomicU64,
}

impl Ledger {
    pub(super) fn new(max: DiskUsage) -> Self {
        Self { used: Mutex::default(), max, refused_bytes: AtomicU64::new(0), refused_files: AtomicU64::new(0) }
    }

    fn used_mut(&self) -> MutexGuard<'_, DiskUsage> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn used(&self) -> DiskUsage {
        *self.used_mut()
    }

    pub(super) fn refusals(&self) -> FileRefusals {
        FileRefusals { bytes: self.refused_bytes.load(Relaxed), files: self.refused_files.load(Relaxed) }
    }

    /// Takes what was found on disk at load, even beyond the limits: old files stay readable.
    pub(super) fn found(&self, bytes: u64) {
        let mut used = self.used_mut();
        used.total_bytes = used.total_bytes.saturating_add(bytes);
        used.file_count += 1;
    }

    pub(super) fn charge_bytes(&self, bytes: u64) -> Result<(), OverQuota> {
        let mut used = self.used_mut();
        let total = used.total_bytes.checked_add(bytes).filter(|total| bytes == 0 || *total <= self.max.total_bytes);
        used.total_bytes = total.ok_or_else(|| refuse(&self.refused_bytes))?;
        Ok(())
    }

    pub(super) fn credit_bytes(&self, bytes: u64) {
        let mut used = self.used_mut();
        used.total_bytes = used.total_bytes.saturating_sub(bytes);
    }

    pub(super) fn charge_file(&self) -> Result<(), OverQuota> {
        let mut used = self.used_mut();
        if used.file_count >= self.max.file_count {
            return Err(refuse(&self.refused_files));
        }
        used.file_count += 1;
        Ok(())
    }

    pub(super) fn credit_file(&self) {
        let mut used = self.used_mut();
        used.file_count = used.file_count.saturating_sub(1);
    }
}

fn refuse(counter: &AtomicU64) -> OverQuota {
    counter.fetch_add(1, Relaxed);
    OverQuota
}
