//! How much memory the model may take: producers that invent paths, sources or large values are refused, not served until the memory
//! is gone.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes that all values of the model may take together, with [`ENTRY_BYTES`] for each.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;
/// What a value costs besides its text, roughly.
pub const ENTRY_BYTES: usize = 512;

/// The account of one model.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    used: AtomicUsize,
    refused: AtomicU64,
}

impl Budget {
    /// A budget of `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { most, used: AtomicUsize::new(0), refused: AtomicU64::new(0) }
    }

    /// Replaces `before` bytes with `after`. False when that would be more than there is; nothing changes then.
    pub fn exchange(&self, before: usize, after: usize) -> bool {
        // The data model is the only writer, so nobody comes between the two steps.
        let used = self.used.load(Ordering::Relaxed).saturating_sub(before) + after;
        if after > before && used > self.most {
            self.refuse();
            return false;
        }
        self.used.store(used, Ordering::Relaxed);
        true
    }

    /// Counts something that was refused.
    pub fn refuse(&self) {
        let times = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if times.is_power_of_two() {
            log::warn!(
                "the data model holds {} MB or has too many root keys or metadata: values are refused ({times} so far); a producer seems to \
                 invent paths, sources, keys or large values",
                self.most / 1024 / 1024
            );
        }
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How many values were refused.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}
