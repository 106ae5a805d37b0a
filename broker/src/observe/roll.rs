//! A bounded list of what is alive.

use std::sync::{Arc, Weak};

/// Entries below which nobody looks for dead ones.
const FEW: usize = 64;

/// Things that leave the list when they end. What ends takes no lock for it; the dead are taken out when there are as many of them as of
/// the living.
#[derive(Debug)]
pub(super) struct Roll<T> {
    entries: Vec<Weak<T>>,
    clean_at: usize,
    capacity: usize,
    unlisted: u64,
}

impl<T> Roll<T> {
    pub fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::new(), clean_at: FEW, capacity, unlisted: 0 }
    }

    /// Lists one; when the list is full of living ones it is only counted.
    pub fn add(&mut self, entry: &Arc<T>) {
        if self.entries.len() >= self.clean_at.min(self.capacity) {
            self.clean();
        }
        if self.entries.len() >= self.capacity {
            self.unlisted += 1;
            return;
        }
        self.entries.push(Arc::downgrade(entry));
    }

    /// Takes the dead out.
    pub fn clean(&mut self) {
        self.entries.retain(|entry| entry.strong_count() > 0);
        self.clean_at = (2 * self.entries.len()).max(FEW);
    }

    /// The living.
    pub fn living(&self) -> Vec<Arc<T>> {
        self.entries.iter().filter_map(Weak::upgrade).collect()
    }

    /// How many were not listed because the list was full.
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }

    #[cfg(test)]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }
}
