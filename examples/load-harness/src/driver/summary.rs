//! From the counts of a run to its report.

use super::Driver;
use crate::error::HarnessError;
use crate::ledger::Ledger;
use crate::pacing::{Rate, Timetable};
use crate::process::Usage;
use crate::report::{Cost, Latency, Report};

/// The totals at one moment; the difference of two of them is what the window between them held.
pub(super) struct Snapshot {
    pub(super) at: u64,
    published: u64,
    frames: u64,
    values: u64,
    server: Option<Usage>,
    harness: Option<Usage>,
}

impl Driver<'_> {
    /// The totals now.
    pub(super) fn snapshot(&self, pid: Option<u32>) -> Result<Snapshot, HarnessError> {
        Ok(Snapshot {
            at: self.now(),
            published: self.published(),
            frames: self.tally.frames,
            values: self.tally.values,
            server: pid.map(Usage::of).transpose()?,
            // Only Linux tells; elsewhere the report does without.
            harness: Usage::of(std::process::id()).ok(),
        })
    }

    /// What the run found: the window is between two snapshots, and `drained` nanoseconds followed it.
    pub(super) fn report(&self, before: &Snapshot, after: &Snapshot, drained: u64) -> Report {
        let plan = self.plan;
        let seconds = (after.at - before.at) as f64 / 1e9;
        let published = after.published - before.published;
        let frames = after.frames - before.frames;
        let each = |count: fn(&Ledger) -> u64| -> u64 {
            self.subscribers.iter().flat_map(|subscriber| &subscriber.ledgers).map(count).sum()
        };
        let lost = |subscriber| -> u64 { (0..plan.producers).map(|at| self.lost(subscriber, at)).sum() };
        let expected_by_each: u64 = (0..plan.producers)
            .map(|at| match plan.rate_controlled() {
                true => self.covered(at).min(self.selections[at].covered()),
                false => self.covered(at),
            })
            .sum();
        let due: u64 = self.timetables.iter().map(Timetable::total).sum();
        let cost = |before: Option<Usage>, after: Option<Usage>| {
            let (before, after) = (before?, after?);
            let cpu = after.cpu_seconds - before.cpu_seconds;
            let per = |count: u64| (count > 0).then(|| cpu * 1e6 / count as f64);
            Some(Cost {
                cpu_percent: cpu * 100.0 / seconds,
                cpu_micros_per_delivered: per(frames),
                cpu_micros_per_published: per(published),
                resident: after.resident,
                resident_peak: after.resident_peak,
            })
        };
        Report {
            producers: plan.producers,
            subscribers: plan.subscribers,
            values_per_delta: plan.values_per_delta,
            paths: plan.paths,
            frame_bytes: self.producers.iter().map(|producer| producer.template.frame_bytes()).max().unwrap_or(0),
            seconds,
            target_rate: match plan.rate {
                Rate::PerSecond(rate) => Some(rate),
                Rate::Saturating => None,
            },
            published_per_second: published as f64 / seconds,
            delivered_per_second: frames as f64 / seconds,
            values_per_second: (after.values - before.values) as f64 / seconds,
            rate_controlled: plan.rate_controlled(),
            expected: expected_by_each * plan.subscribers as u64,
            received: each(|ledger| ledger.counts().unique),
            lost: self.subscribers.iter().map(lost).sum(),
            duplicates: each(|ledger| ledger.counts().duplicates),
            out_of_order: each(|ledger| ledger.counts().out_of_order),
            unreadable: self.tally.unreadable,
            unpublished: due.saturating_sub(self.published()),
            disconnects: self.disconnects.clone(),
            latency: Latency::of(&self.tally.latencies),
            server: cost(before.server, after.server),
            harness: cost(before.harness, after.harness),
            drain_seconds: drained as f64 / 1e9,
        }
    }
}
