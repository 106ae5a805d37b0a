//! What was received and not fetched yet.

use std::collections::VecDeque;

use super::lines::without_end;

/// Most datagrams, lines or chunks kept per socket (§4.6, §4.7).
const ITEMS: usize = 1000;
/// Most bytes kept per socket.
const BYTES: usize = 4 << 20;

/// Something that occupies memory.
pub(super) trait Occupies {
    fn size(&self) -> usize;
}

impl Occupies for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }
}

/// Keeps the newest 1000 items and 4 MiB; older ones give way.
pub(super) struct ReceiveQueue<T> {
    items: VecDeque<T>,
    bytes: usize,
    dropped: u64,
}

impl<T: Occupies> ReceiveQueue<T> {
    pub(super) fn new() -> Self {
        Self { items: VecDeque::new(), bytes: 0, dropped: 0 }
    }

    pub(super) fn push(&mut self, item: T) {
        self.bytes += item.size();
        self.items.push_back(item);
        while self.items.len() > ITEMS || (self.bytes > BYTES && self.items.len() > 1) {
            self.pop();
            self.dropped += 1;
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        self.bytes -= item.size();
        Some(item)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many items gave way so far.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl ReceiveQueue<Vec<u8>> {
    /// Takes up to `max` bytes of the oldest item; what remains of it stays for the next time.
    pub(super) fn take(&mut self, max: usize) -> Option<Vec<u8>> {
        let oldest = self.items.front_mut()?;
        if oldest.len() <= max {
            return self.pop();
        }
        let rest = oldest.split_off(max);
        let taken = std::mem::replace(oldest, rest);
        self.bytes -= taken.len();
        Some(taken)
    }

    /// The same where items are lines with their ends, which are left out.
    pub(super) fn take_line(&mut self, max: usize) -> Option<Vec<u8>> {
        let length = without_end(self.items.front()?).len();
        if length > max {
            return self.take(max);
        }
        let mut line = self.pop()?;
        line.truncate(length);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_give_way_by_number_and_by_bytes() {
        let mut queue = ReceiveQueue::new();
        for number in 0..1500u32 {
            queue.push(number.to_le_bytes().to_vec());
        }
        assert_eq!((queue.len(), queue.dropped()), (1000, 500));
        assert_eq!(queue.pop(), Some(500u32.to_le_bytes().to_vec()));

        let mut queue = ReceiveQueue::new();
        for number in 0..10u8 {
            queue.push(vec![number; 1 << 20]);
        }
        assert_eq!((queue.len(), queue.dropped()), (4, 6));
        assert_eq!(queue.pop().map(|item| item[0]), Some(6));
    }

    #[test]
    fn the_rest_of_an_item_stays() {
        let mut queue = ReceiveQueue::new();
        queue.push(b"abcdef".to_vec());
        queue.push(b"gh".to_vec());
        assert_eq!(queue.take(4), Some(b"abcd".to_vec()));
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.take(4), Some(b"ef".to_vec()));
        assert_eq!(queue.take(4), Some(b"gh".to_vec()));
        assert_eq!((queue.take(4), queue.bytes), (None, 0));
    }

    #[test]
    fn lines_come_without_their_ends_and_leave_nothing_of_them() {
        let mut queue = ReceiveQueue::new();
        queue.push(b"abcdef\r\n".to_vec());
        queue.push(b"gh\n".to_vec());
        queue.push(b"i".to_vec());
        assert_eq!(queue.take_line(4), Some(b"abcd".to_vec()));
        assert_eq!((queue.take_line(2), queue.len()), (Some(b"ef".to_vec()), 2), "its end is not a line of its own");
        assert_eq!((queue.take_line(4), queue.take_line(4)), (Some(b"gh".to_vec()), Some(b"i".to_vec())));
        assert_eq!((queue.take_line(4), queue.bytes), (None, 0));
    }
}
