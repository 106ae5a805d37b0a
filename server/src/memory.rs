//! Keeping the process small over months: how the C library's allocator behaves.
//!
//! It gives each thread a heap ("arena") of its own, up to eight for each processor, and hands memory back only from the end of a heap. A
//! server with a thread for each plugin so keeps the largest moment of every heap for ever, which on a boat computer looks like a leak.
//! Two heaps are enough for threads that mostly allocate small things from their own cache (docs/performance.md, "Soak"), and what lies
//! free inside them goes back to the system from time to time.
//!
//! Other C libraries and systems have other allocators, and are left as they are.

use std::time::Duration;

/// How many heaps the threads share.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: libc::c_int = 2;
/// Time between two rounds of giving memory back.
const ROUND: Duration = Duration::from_secs(60);

/// Lets all threads share few heaps. To be called before threads start, for heaps that exist stay; who set `MALLOC_ARENA_MAX` keeps his choice.
pub fn share_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if std::env::var_os("MALLOC_ARENA_MAX").is_none() {
        // SAFETY: `mallopt` takes two numbers and no pointer, and locks the heap itself.
        let taken = unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS) };
        if taken == 0 {
            log::warn!("the allocator did not take the number of heaps: memory may grow more than it need");
        }
    }
}

/// Gives free memory back to the system once a minute, on a thread for blocking work. Never ends.
pub async fn give_back() {
    let mut round = tokio::time::interval(ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        if tokio::task::spawn_blocking(trim).await.is_err() {
            log::error!("giving memory back failed; it is not tried again");
            return;
        }
    }
}

/// Gives what is free inside the heaps back to the system.
fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` takes no pointer and locks the heaps itself.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::trim;

    /// Resident memory of this process in pages, as `/proc/self/statm` tells.
    fn resident() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").expect("the kernel tells");
        let resident = statm.split(' ').nth(1).expect("the second number");
        resident.parse().expect("a number")
    }

    /// How many pages 64 MiB of small pieces take, and how many of them stay when nearly all pieces are freed and given back.
    fn taken_and_left() -> (usize, usize) {
        let start = resident();
        // Every 256th piece stays: nothing at the end of the heap is free.
        let pieces: Vec<Vec<u8>> = (0..65_536).map(|_| vec![1; 1_000]).collect();
        let kept: Vec<Vec<u8>> =
            pieces.into_iter().enumerate().filter_map(|(at, piece)| (at % 256 == 0).then_some(piece)).collect();
        let taken = resident().saturating_sub(start);
        trim();
        let left = resident().saturating_sub(start);
        assert_eq!(kept.len(), 256);
        (taken, left)
    }

    #[test]
    fn what_is_free_inside_a_heap_goes_back() {
        // Other tests of this process take memory too, and give some back, so not every turn tells.
        let turns: Vec<_> = (0..5).map(|_| taken_and_left()).collect();
        assert!(turns.iter().any(|(taken, left)| *taken > 2 * left), "pages taken and left: {turns:?}");
    }
}
