//! What the process uses up, as the system tells it. On Linux from `/proc`, which is no disk; elsewhere most of it is unknown and left out.

use std::time::Instant;

use serde::Serialize;
use windlass_broker::Timestamp;

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The answer of `GET /windlass/process`. What the system does not tell is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessReport {
    /// The version of the server.
    pub version: &'static str,
    /// Its process id.
    pub id: u32,
    /// Seconds since the server started.
    pub uptime: f64,
    /// Resident memory in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// The part of it that the process has asked for itself, without the pages of its program and libraries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_bytes: Option<u64>,
    /// The most memory that was ever resident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_resident_bytes: Option<u64>,
    /// Memory of the computer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_memory_bytes: Option<u64>,
    /// The part of it that programs could still get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_memory_bytes: Option<u64>,
    /// Seconds of processor time used since the start, of all cores together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// Cores that the process may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<usize>,
    /// The computer's load averages of 1, 5 and 15 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<[f64; 3]>,
    /// Threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// Open files and sockets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// How many of them there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_open_files: Option<u64>,
    /// What was written to disks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

/// Bytes that the process caused to be written to disks. Nothing of it is kept over a restart, so each number says since when it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// Since the start.
    pub bytes: u64,
    /// The start.
    pub since: Timestamp,
    /// Since the day (in UTC) began, or the server, if that was later.
    pub today_bytes: u64,
    /// Which of both.
    pub today_since: Timestamp,
}

/// Reads the figures of the process.
#[derive(Debug)]
pub struct ProcessMeter {
    started: Instant,
    disk: DiskMeter,
}

impl Default for ProcessMeter {
    fn default() -> Self {
        Self::new()
    }
}

impl ProcessMeter {
    /// The server starts now.
    pub fn new() -> Self {
        Self { started: Instant::now(), disk: DiskMeter::new(jiff::Timestamp::now().as_millisecond()) }
    }

    /// The figures now. To be called now and then, so that the turn of the day is seen.
    pub fn read(&mut self) -> ProcessReport {
        let now = jiff::Timestamp::now().as_millisecond();
        let mut report = ProcessReport {
            version: env!("CARGO_PKG_VERSION"),
            id: std::process::id(),
            uptime: self.started.elapsed().as_secs_f64(),
            cores: std::thread::available_parallelism().ok().map(usize::from),
            ..ProcessReport::default()
        };
        system::read(&mut report);
        report.written = system::written().map(|bytes| self.disk.read(bytes, now));
        report
    }
}

/// Tells what of the bytes written was written today.
#[derive(Debug)]
struct DiskMeter {
    started: i64,
    /// The day that counts now, in days since 1970.
    day: i64,
    /// When it began, for us.
    since: i64,
    /// What had been written until then.
    before: u64,
    /// What had been written at the last look.
    latest: u64,
}

impl DiskMeter {
    /// The process starts, in milliseconds since 1970.
    fn new(now: i64) -> Self {
        Self { started: now, day: now.div_euclid(DAY), since: now, before: 0, latest: 0 }
    }

    fn read(&mut self, bytes: u64, now: i64) -> Written {
        let day = now.div_euclid(DAY);
        // A clock that is set back does not bring a day back.
        if day > self.day {
            (self.day, self.since, self.before) = (day, day * DAY, self.latest);
        }
        self.latest = bytes;
        Written {
            bytes,
            since: Timestamp::from_millis(self.started),
            today_bytes: bytes.saturating_sub(self.before),
            today_since: Timestamp::from_millis(self.since),
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    //! `/proc`.

    use std::fs;

    use super::ProcessReport;

    pub(super) fn read(report: &mut ProcessReport) {
        if let Ok(status) = fs::read_to_string("/proc/self/status") {
            report.resident_bytes = kilobytes(&status, "VmRSS:");
            report.anonymous_bytes = kilobytes(&status, "RssAnon:");
            report.most_resident_bytes = kilobytes(&status, "VmHWM:");
            report.threads = field(&status, "Threads:").and_then(|text| text.parse().ok());
        }
        if let Ok(memory) = fs::read_to_string("/proc/meminfo") {
            report.total_memory_bytes = kilobytes(&memory, "MemTotal:");
            report.available_memory_bytes = kilobytes(&memory, "MemAvailable:");
        }
        if let Ok(stat) = fs::read_to_string("/proc/self/stat") {
            report.cpu_seconds = cpu_ticks(&stat).map(|ticks| ticks as f64 / ticks_per_second());
        }
        report.load = fs::read_to_string("/proc/loadavg").ok().and_then(|text| load(&text));
        // The folder that is read is open itself.
        report.open_files = fs::read_dir("/proc/self/fd").ok().map(|files| (files.count() as u64).saturating_sub(1));
        report.max_open_files = fs::read_to_string("/proc/self/limits").ok().and_then(|text| max_open_files(&text));
    }

    /// Bytes that this process caused to be written to disks.
    pub(super) fn written() -> Option<u64> {
        let io = fs::read_to_string("/proc/self/io").ok()?;
        field(&io, "write_bytes:")?.parse().ok()
    }

    fn ticks_per_second() -> f64 {
        rustix::param::clock_ticks_per_second() as f64
    }

    fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
        text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
    }

    pub(super) fn kilobytes(text: &str, name: &str) -> Option<u64> {
        let number: u64 = field(text, name)?.strip_suffix(" kB")?.trim().parse().ok()?;
        number.checked_mul(1024)
    }

    /// Time of the process in user and kernel mode. The name before it may have spaces and parentheses.
    pub(super) fn cpu_ticks(stat: &str) -> Option<u64> {
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let kernel: u64 = fields.next()?.parse().ok()?;
        Some(user + kernel)
    }

    pub(super) fn load(text: &str) -> Option<[f64; 3]> {
        let mut numbers = text.split_ascii_whitespace().map(str::parse);
        Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
    }

    pub(super) fn max_open_files(limits: &str) -> Option<u64> {
        field(limits, "Max open files")?.split_ascii_whitespace().next()?.parse().ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! A system that is not asked.

    use super::ProcessReport;

    pub(super) fn read(_: &mut ProcessReport) {}

    pub(super) fn written() -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().expect("a time").as_millisecond()
    }

    #[test]
    fn what_was_written_today_begins_anew_at_midnight() {
        let start = millis("2026-05-01T22:00:00Z");
        let mut meter = DiskMeter::new(start);
        let first = meter.read(1000, start + 1000);
        assert_eq!((first.bytes, first.today_bytes), (1000, 1000));
        assert_eq!(first.today_since, Timestamp::from_millis(start), "not since midnight: nobody knows of that");
        assert_eq!(meter.read(3000, millis("2026-05-01T23:59:59Z")).today_bytes, 3000);
        let next = meter.read(3500, millis("2026-05-02T00:00:04Z"));
        assert_eq!((next.bytes, next.today_bytes), (3500, 500));
        assert_eq!(
            (next.since, next.today_since),
            (first.since, Timestamp::from_millis(millis("2026-05-02T00:00:00Z")))
        );
        assert_eq!(meter.read(3600, millis("2026-05-01T23:00:00Z")).today_bytes, 600, "the clock was set back");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_files_of_the_system_are_understood() {
        let status = "Name:\twindlass\nVmHWM:\t   60000 kB\nVmRSS:\t   51200 kB\nRssAnon:\t   15000 kB\nThreads:\t12\n";
        assert_eq!(system::kilobytes(status, "VmRSS:"), Some(52_428_800));
        assert_eq!(system::kilobytes(status, "RssAnon:"), Some(15_360_000));
        assert_eq!(system::kilobytes(status, "VmSwap:"), None);
        let stat = "77 (a (strange) name) S 1 77 77 0 -1 4194560 3000 0 5 0 250 50 0 0 20 0 12 0 100 900 800 1";
        assert_eq!(system::cpu_ticks(stat), Some(300));
        assert_eq!(system::load("0.52 0.58 0.59 1/389 12345\n"), Some([0.52, 0.58, 0.59]));
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(system::max_open_files(limits), Some(1024));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found() {
        let mut meter = ProcessMeter::new();
        let report = meter.read();
        assert_eq!(report.id, std::process::id());
        let resident = report.resident_bytes.expect("memory");
        assert!(
            report.anonymous_bytes.expect("memory") <= resident
                && resident <= report.most_resident_bytes.expect("memory")
        );
        assert!(report.threads.expect("threads") >= 1);
        // A file more is open while it is held.
        let before = report.open_files.expect("files");
        let held: Vec<_> = (0..50).map(|_| std::fs::File::open("/proc/self/status").expect("a file")).collect();
        assert!(meter.read().open_files.expect("files") >= before + 40, "other tests close few");
        drop(held);
        let used = |meter: &mut ProcessMeter| meter.read().cpu_seconds.expect("a time");
        let (before, deadline) = (used(&mut meter), Instant::now() + std::time::Duration::from_secs(20));
        while used(&mut meter) <= before {
            assert!(Instant::now() < deadline, "work takes processor time");
        }
    }
}
