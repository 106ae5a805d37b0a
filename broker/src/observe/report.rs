//! What is seen, in the form in which it is shown. Times are milliseconds, shares are parts of one.

use serde::Serialize;
use smol_str::SmolStr;

use super::actor_id::{ActorId, ActorKind};
use super::queue::QueueUnit;
use crate::timestamp::Timestamp;

/// Everything at a moment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// Seconds that `lately` speaks of; absent before the first of these intervals is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<f64>,
    /// The actors, by kind and name.
    pub actors: Vec<ActorReport>,
    /// Who sends to whom.
    pub flows: Vec<FlowReport>,
    /// The threads that have a heartbeat.
    pub threads: Vec<ThreadReport>,
    /// What found the lists full.
    pub unlisted: Unlisted,
}

/// What found the lists full, since the start. It works all the same, but can't be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Unlisted {
    /// Actors.
    pub actors: u64,
    /// Flows.
    pub flows: u64,
}

/// An actor.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActorReport {
    /// `<kind>:<name>`, by which flows name it.
    pub id: ActorId,
    /// What it is.
    pub kind: ActorKind,
    /// Which one; empty for the only one of its kind.
    pub name: SmolStr,
    /// More about it in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<SmolStr>,
    /// The actor that it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ActorId>,
    /// The thread that it runs on.
    pub thread: SmolStr,
    /// When it began.
    pub since: Timestamp,
    /// Messages that it has handled.
    pub messages: u64,
    /// Deltas in them.
    pub deltas: u64,
    /// Time in handlers, the one that runs included.
    pub busy: f64,
    /// The longest handler, the one that runs included.
    pub longest: f64,
    /// How long the handler that runs has been running. Absent while none does; a large number means that it hangs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<f64>,
    /// What it, or its queue, has dropped.
    pub dropped: u64,
    /// How often it was started anew after a crash.
    pub restarts: u64,
    /// What waits for it, where that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueReport>,
    /// The last complete interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lately: Option<Lately>,
}

/// What waits for an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueReport {
    /// What the numbers count.
    pub unit: QueueUnit,
    /// Waiting now. It may be more than the capacity: those who wait until they may put something in are counted too.
    pub waiting: u64,
    /// The most that ever waited.
    pub most: u64,
    /// Beyond this senders wait, or something is dropped or put together.
    pub capacity: u64,
    /// Dropped because it was too much.
    pub dropped: u64,
}

/// An actor in the last complete interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lately {
    /// Messages handled.
    pub messages_per_second: f64,
    /// Deltas in them.
    pub deltas_per_second: f64,
    /// Share of the time that was spent in handlers.
    pub busy: f64,
    /// The longest handler.
    pub longest: f64,
    /// What was dropped.
    pub dropped: u64,
    /// The most that waited.
    pub most_waiting: u64,
}

/// What one actor sends to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowReport {
    /// Who sends.
    pub from: ActorId,
    /// To whom.
    pub to: ActorId,
    /// Messages.
    pub messages: u64,
    /// Deltas in them; for a client the values too that it gets one by one.
    pub deltas: u64,
    /// Messages a second in the last complete interval.
    pub messages_per_second: f64,
    /// Deltas a second in the last complete interval.
    pub deltas_per_second: f64,
}

/// A thread that actors run on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadReport {
    /// Its name.
    pub name: SmolStr,
    /// The longest time that its heartbeat was kept waiting.
    pub longest_stall: f64,
    /// The same in the last complete interval.
    pub lately: f64,
    /// How long it has been waiting now. Absent when it is in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalled: Option<f64>,
}

/// A number as people read it, to three places.
pub fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// Nanoseconds as milliseconds, to the microsecond.
pub(super) fn milliseconds(nanos: u64) -> f64 {
    (nanos / 1000) as f64 / 1000.0
}
