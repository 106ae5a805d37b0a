//! Seeing what the actors do while they do it: how much waits for each, how long its handlers take, who sends to whom.
//!
//! An actor holds an [`Observed`]: counters that it writes without a lock and that anybody may read without asking it, so that one that
//! hangs can be seen hanging. What waits for an actor is counted in its [`Queue`], by whoever puts it there; a message that travels in a
//! [`Carried`] counts as waiting until it is handled or dropped. A [`Flow`] counts what one actor sends to another. The [`Observatory`]
//! lists them all, and an entry leaves the list with its actor. Actors, queues and flows meet by their [`ActorId`], so none of them has to
//! know the other.
//!
//! Nothing here is behind a lock but the list, which only who comes, goes or reads it touches.

mod actor_id;
mod flow;
mod observatory;
mod observed;
mod queue;
mod report;
mod roll;
mod thread;

pub use actor_id::{ActorId, ActorKind};
pub use flow::{Carried, Flow};
pub use observatory::{MAX_ACTORS, MAX_FLOWS, Observatory};
pub use observed::{Ended, Handling, Observed, Reading};
pub use queue::{Queue, QueueUnit, Waiting};
pub use report::{ActorReport, FlowReport, Lately, Observation, QueueReport, ThreadReport, Unlisted, rounded};
pub use thread::{BEAT, name_thread};

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// What moments are counted from: some time ago, so that nobody comes with one from before.
static EPOCH: LazyLock<Instant> = LazyLock::new(|| {
    let now = Instant::now();
    now.checked_sub(Duration::from_secs(60 * 60)).unwrap_or(now)
});

/// A moment that fits an atomic: nanoseconds since [`EPOCH`]; never 0, which stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(u64);

impl Moment {
    fn of(at: Instant) -> Self {
        Self(nanos(at.saturating_duration_since(*EPOCH)).max(1))
    }

    fn since(self, earlier: u64) -> u64 {
        self.0.saturating_sub(earlier)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
