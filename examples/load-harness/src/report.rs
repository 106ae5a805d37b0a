//! What a run found, as JSON and as a table.

use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The result of a run. Rates, latencies and costs are those of the measured window; the counts of
/// expected, lost, duplicate and misplaced values cover warm-up and window together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Producers, each with its own connection.
    pub producers: usize,
    /// Subscribers, each with its own connection.
    pub subscribers: usize,
    /// Values in each delta.
    pub values_per_delta: u64,
    /// Paths of each producer.
    pub paths: u64,
    /// Bytes of a published frame, header included.
    pub frame_bytes: usize,
    /// Length of the measured window in seconds.
    pub seconds: f64,
    /// Deltas per second that were to be published; absent when saturating.
    pub target_rate: Option<f64>,
    /// Deltas per second that were published.
    pub published_per_second: f64,
    /// Frames with values per second, all subscribers together.
    pub delivered_per_second: f64,
    /// Values per second, all subscribers together.
    pub values_per_second: f64,
    /// Whether the subscription may skip values: then only the last value of each path can be lost.
    pub rate_controlled: bool,
    /// Values that the subscribers should have received.
    pub expected: u64,
    /// Different values that they received.
    pub received: u64,
    /// Values that did not arrive.
    pub lost: u64,
    /// Values that arrived again.
    pub duplicates: u64,
    /// Values that arrived after a later one of the same path.
    pub out_of_order: u64,
    /// Places in messages that began like a harness value but had been rewritten.
    pub unreadable: u64,
    /// Deltas that were due but not published, because the server did not take them in time.
    pub unpublished: u64,
    /// Connections that the server closed, with the first reason.
    pub disconnects: Disconnects,
    /// Time from sending (or falling due, while the server did not read) to arrival. Absent when nothing arrived.
    pub latency: Option<Latency>,
    /// The server's costs; absent without `--pid` or `--spawn`.
    pub server: Option<Cost>,
    /// What this program itself used; absent on systems without `/proc`.
    pub harness: Option<Cost>,
    /// Seconds from the end of publishing until everything had arrived, or until the patience ended.
    pub drain_seconds: f64,
}

/// Connections lost during the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disconnects {
    /// How many.
    pub count: usize,
    /// Why the first one was lost.
    pub first: Option<String>,
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// 90 of 100 values were at most this late.
    pub p90: f64,
    /// 99 of 100 values were at most this late.
    pub p99: f64,
    /// The latest.
    pub max: f64,
}

/// What a process used in the measured window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// CPU time of all threads in percent of one core.
    pub cpu_percent: f64,
    /// CPU microseconds per delivered frame.
    pub cpu_micros_per_delivered: Option<f64>,
    /// CPU microseconds per published delta.
    pub cpu_micros_per_published: Option<f64>,
    /// Resident memory at the end of the window, in bytes.
    pub resident: u64,
    /// The highest resident memory since the process started, in bytes.
    pub resident_peak: u64,
}

impl Latency {
    /// Reads a histogram of nanoseconds; `None` when it is empty.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let micros = |nanos: u64| nanos as f64 / 1000.0;
        let at = |quantile| micros(histogram.value_at_quantile(quantile));
        (!histogram.is_empty()).then(|| Latency {
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
            max: micros(histogram.max()),
        })
    }
}

/// A histogram for latencies in nanoseconds from a microsecond to ten minutes, exact to 0.1 %.
pub fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 600_000_000_000, 3).expect("the bounds are constant and valid")
}

impl Report {
    /// Whether every value arrived and every connection lived.
    pub fn is_complete(&self) -> bool {
        self.lost == 0 && self.disconnects.count == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, value: String| writeln!(f, "  {name:<14}{value}");
        writeln!(
            f,
            "{} producer(s), {} subscriber(s), {} value(s) per delta, {} path(s) per producer, {} bytes per delta, {:.1} s",
            self.producers, self.subscribers, self.values_per_delta, self.paths, self.frame_bytes, self.seconds
        )?;
        let target = match self.target_rate {
            Some(rate) => format!("target {} /s", grouped(rate)),
            None => "saturating".to_owned(),
        };
        row(
            f,
            "published",
            format!("{} deltas/s ({target}, {} not taken)", grouped(self.published_per_second), self.unpublished),
        )?;
        row(
            f,
            "delivered",
            format!("{} frames/s, {} values/s", grouped(self.delivered_per_second), grouped(self.values_per_second)),
        )?;
        let kind = if self.rate_controlled { "last values of a path" } else { "values" };
        let percent = self.lost as f64 * 100.0 / self.expected.max(1) as f64;
        row(
            f,
            "lost",
            format!(
                "{} of {} {kind} ({percent:.2} %), {} duplicate, {} out of order",
                self.lost, self.expected, self.duplicates, self.out_of_order
            ),
        )?;
        if let Some(latency) = &self.latency {
            let Latency { p50, p90, p99, max } = latency;
            row(f, "latency", format!("p50 {p50:.0} µs, p90 {p90:.0} µs, p99 {p99:.0} µs, max {max:.0} µs"))?;
        }
        for (name, cost) in [("server", &self.server), ("harness", &self.harness)] {
            if let Some(cost) = cost {
                row(f, name, cost.to_string())?;
            }
        }
        row(f, "drained in", format!("{:.2} s", self.drain_seconds))?;
        if self.unreadable > 0 {
            row(f, "unreadable", format!("{} values: the server rewrites values", self.unreadable))?;
        }
        if let Some(reason) = &self.disconnects.first {
            row(f, "disconnected", format!("{} connection(s), first: {reason}", self.disconnects.count))?;
        }
        Ok(())
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MEBIBYTE: f64 = 1024.0 * 1024.0;
        write!(f, "CPU {:.1} %", self.cpu_percent)?;
        if let Some(micros) = self.cpu_micros_per_delivered {
            write!(f, ", {micros:.2} µs per delivered frame")?;
        }
        if let Some(micros) = self.cpu_micros_per_published {
            write!(f, ", {micros:.2} µs per published delta")?;
        }
        let (resident, peak) = (self.resident as f64 / MEBIBYTE, self.resident_peak as f64 / MEBIBYTE);
        write!(f, ", resident {resident:.1} MiB (peak {peak:.1} MiB)")
    }
}

/// A rounded number with its thousands separated.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_known_distribution() {
        let mut histogram = latency_histogram();
        assert_eq!(Latency::of(&histogram), None);
        for micros in 1..=1000 {
            histogram.record(micros * 1000).unwrap();
        }
        let latency = Latency::of(&histogram).unwrap();
        for (value, expected) in
            [(latency.p50, 500.0), (latency.p90, 900.0), (latency.p99, 990.0), (latency.max, 1000.0)]
        {
            assert!((value - expected).abs() <= expected * 0.002, "{value} instead of {expected}");
        }
    }

    #[test]
    fn thousands_are_separated() {
        for (number, text) in [(0.4, "0"), (999.0, "999"), (1000.0, "1 000"), (1_234_567.8, "1 234 568")] {
            assert_eq!(grouped(number), text);
        }
    }
}
