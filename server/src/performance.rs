//! How the server has been doing for the last quarter of an hour: one sample every five seconds, kept in memory only.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::MissedTickBehavior;
use windlass_actors::stream::{EventBus, StreamContext, StreamCounters};
use windlass_broker::Timestamp;
use windlass_broker::observe::{ActorId, ActorKind, Observation, Observatory, rounded};

use crate::process::{ProcessMeter, ProcessReport};

/// Time between two samples.
const INTERVAL: Duration = Duration::from_secs(5);
/// Samples that are kept: a quarter of an hour.
const SAMPLES: usize = 180;

/// What the actors do, and what the process uses up. Clones share.
#[derive(Clone)]
pub struct Performance(Arc<Inner>);

struct Inner {
    observatory: Observatory,
    counters: StreamCounters,
    events: EventBus,
    state: Mutex<State>,
}

struct State {
    process: ProcessMeter,
    samples: VecDeque<Sample>,
    before: Totals,
}

/// The answer of `GET /windlass/performance`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// Seconds between two samples.
    pub interval: f64,
    /// Most samples that are kept.
    pub capacity: usize,
    /// The samples, the oldest first.
    pub samples: Vec<Sample>,
}

/// What went on between the sample before and this one. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Its end.
    pub at: Timestamp,
    /// Deltas a second that the broker took.
    pub deltas_per_second: f64,
    /// Text frames a second that were handed to the sockets of stream clients.
    pub frames_per_second: f64,
    /// Stream clients at its end.
    pub clients: u64,
    /// The most batches that waited for the broker.
    pub most_waiting: u64,
    /// The share of its time that the broker worked.
    pub broker_busy: f64,
    /// The longest handler of any actor.
    pub longest_handler: f64,
    /// Whose it was; absent when nobody did anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_by: Option<ActorId>,
    /// The longest time that a thread of several actors did not get round to its heartbeat.
    pub longest_stall: f64,
    /// The same of the thread of the broker and the data model.
    pub core_stall: f64,
    /// What actors and queues dropped; what was put together for slow clients is counted below instead.
    pub dropped: u64,
    /// Values of slow clients that were replaced by later ones.
    pub conflated: u64,
    /// Resident memory in bytes, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// The part of it that is the process's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_bytes: Option<u64>,
    /// Processor time used, as a share of one core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
}

/// Counters since the start of which a sample shows the growth.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    frames: u64,
    conflated: u64,
    lost_events: u64,
    cpu: Option<f64>,
    at: Option<Instant>,
}

impl Performance {
    /// Samples from now on, on the present thread, as long as there is an arbiter on it.
    pub fn start(observatory: Observatory, stream: StreamContext) -> Self {
        let performance = Self(Arc::new(Inner {
            observatory,
            counters: stream.counters,
            events: stream.events,
            state: Mutex::new(State {
                process: ProcessMeter::new(),
                samples: VecDeque::new(),
                before: Totals::default(),
            }),
        }));
        let sampling = performance.clone();
        actix::spawn(async move {
            let mut tick = tokio::time::interval(INTERVAL);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                sampling.sample(Instant::now());
            }
        });
        performance
    }

    /// Where the actors are seen.
    pub fn observatory(&self) -> &Observatory {
        &self.0.observatory
    }

    /// The process now.
    pub fn process(&self) -> ProcessReport {
        self.lock().process.read()
    }

    /// The samples.
    pub fn history(&self) -> History {
        let samples = self.lock().samples.iter().cloned().collect();
        History { interval: INTERVAL.as_secs_f64(), capacity: SAMPLES, samples }
    }

    fn sample(&self, now: Instant) {
        self.0.observatory.turn(now);
        let seen = self.0.observatory.report(now);
        let stream = self.0.counters.read();
        let mut state = self.lock();
        let process = state.process.read();
        let totals = Totals {
            frames: stream.frames,
            conflated: stream.conflated,
            lost_events: self.0.events.dropped(),
            cpu: process.cpu_seconds,
            at: Some(now),
        };
        let before = std::mem::replace(&mut state.before, totals);
        if let Some(past) = before.at.map(|at| now.saturating_duration_since(at)).filter(|past| !past.is_zero()) {
            let sample = Sample { clients: stream.clients, ..sample_of(&seen, &before, &totals, past, &process) };
            if state.samples.len() >= SAMPLES {
                state.samples.pop_front();
            }
            state.samples.push_back(sample);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whole between any two statements, also after a panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sample_of(seen: &Observation, before: &Totals, totals: &Totals, past: Duration, process: &ProcessReport) -> Sample {
    let seconds = past.as_secs_f64();
    let lately = || seen.actors.iter().filter_map(|actor| Some((actor, actor.lately.as_ref()?)));
    let broker = lately().find(|(actor, _)| actor.kind == ActorKind::Broker).map(|(_, lately)| lately);
    let slowest = lately().max_by(|(_, a), (_, b)| a.longest.total_cmp(&b.longest));
    let slowest = slowest.filter(|(_, lately)| lately.longest > 0.0);
    let dropped = lately().filter(|(actor, _)| actor.kind != ActorKind::Client).map(|(_, lately)| lately.dropped);
    let core = seen.threads.iter().find(|thread| thread.name == "core");
    Sample {
        at: Timestamp::now(),
        deltas_per_second: broker.map_or(0.0, |lately| lately.deltas_per_second),
        frames_per_second: rounded(totals.frames.saturating_sub(before.frames) as f64 / seconds),
        clients: 0,
        most_waiting: broker.map_or(0, |lately| lately.most_waiting),
        broker_busy: broker.map_or(0.0, |lately| lately.busy),
        longest_handler: slowest.map_or(0.0, |(_, lately)| lately.longest),
        longest_by: slowest.map(|(actor, _)| actor.id.clone()),
        longest_stall: seen.threads.iter().map(|thread| thread.lately).fold(0.0, f64::max),
        core_stall: core.map_or(0.0, |thread| thread.lately),
        dropped: dropped.sum::<u64>() + totals.lost_events.saturating_sub(before.lost_events),
        conflated: totals.conflated.saturating_sub(before.conflated),
        resident_bytes: process.resident_bytes,
        anonymous_bytes: process.anonymous_bytes,
        cpu: totals.cpu.zip(before.cpu).map(|(now, before)| rounded((now - before).max(0.0) / seconds)),
    }
}

#[cfg(test)]
#[path = "performance_tests.rs"]
mod tests;
