//! The queue before a plugin: at most 1,000 deltas, the oldest dropped first, every drop counted (wasm-plugin-abi §7.4).

use std::collections::VecDeque;

/// How many deltas are kept for one plugin.
pub const RELOAD_BUFFER_CAPACITY: usize = 1000;

/// A bounded queue that forgets its oldest item when a new one finds it full.
#[derive(Debug)]
pub struct ReloadBuffer<T> {
    items: VecDeque<T>,
    capacity: usize,
    dropped: u64,
}

impl<T> Default for ReloadBuffer<T> {
    fn default() -> Self {
        Self::with_capacity(RELOAD_BUFFER_CAPACITY)
    }
}

impl<T> ReloadBuffer<T> {
    /// A buffer of `capacity` items; at least one.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { items: VecDeque::new(), capacity: capacity.max(1), dropped: 0 }
    }

    /// Appends an item. Returns true when the oldest one had to go for it.
    pub fn push(&mut self, item: T) -> bool {
        let full = self.items.len() >= self.capacity;
        if full {
            self.items.pop_front();
            self.dropped += 1;
        }
        self.items.push_back(item);
        full
    }

    /// Takes the oldest `most` items, in order.
    pub fn take(&mut self, most: usize) -> Vec<T> {
        let count = most.min(self.items.len());
        self.items.drain(..count).collect()
    }

    /// Puts items that were just taken back before all others. They had their place, so nothing is dropped for them.
    pub fn put_back(&mut self, items: Vec<T>) {
        for item in items.into_iter().rev() {
            self.items.push_front(item);
        }
    }

    /// How many items wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many items were dropped since the buffer was made.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_1200_the_newest_1000_stay_in_order() {
        let mut buffer = ReloadBuffer::default();
        let dropped = (0..1200).filter(|n| buffer.push(*n)).count();
        assert_eq!((dropped, buffer.dropped(), buffer.len()), (200, 200, 1000));
        assert_eq!(buffer.take(usize::MAX), (200..1200).collect::<Vec<_>>());
        assert!(buffer.is_empty());
    }

    #[test]
    fn taking_a_part_leaves_the_rest() {
        let mut buffer = ReloadBuffer::with_capacity(3);
        for n in 0..3 {
            buffer.push(n);
        }
        assert_eq!(buffer.take(2), [0, 1]);
        assert!(!buffer.push(3));
        assert_eq!(buffer.take(9), [2, 3]);
    }
}
