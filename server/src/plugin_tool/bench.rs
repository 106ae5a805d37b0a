//! `windlass plugin bench`: what a plugin costs.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;
use windlass_wasm_host::interface::inspect_module;
use windlass_wasm_host::{CallError, CompiledPlugin, Limits, Runtime, RuntimeOptions};

use super::ToolError;
use super::output::{Size, plain};
use super::subject::Subject;
use super::trial::{Instance, cannot_call, cannot_load, sample_delta, temporary_directory};
use super::trial_host::TrialHost;

/// Calls that are timed together: a clock is slower than a small plugin.
const BATCH: usize = 100;
/// Deltas before the first that is timed.
const WARM_UP: usize = 1000;
/// How often a start from the cache is timed.
const WARM_STARTS: usize = 5;
/// How many polls are timed, at most.
const POLLS: usize = 10_000;
/// The longest time for polls; some do much.
const POLLING: Duration = Duration::from_secs(2);
/// Calls that take longer are timed one by one.
const SLOW: Duration = Duration::from_millis(1);

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchArguments {
    /// The folder of a package, or a .wasm file
    path: PathBuf,
    /// How many deltas to deliver
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    deltas: u32,
    /// A file with the delta (JSON) to deliver, instead of one with position, speed and depth
    #[arg(long, value_name = "FILE")]
    delta: Option<PathBuf>,
    /// The configuration to start it with
    #[arg(long, value_name = "JSON", default_value = "{}")]
    config: String,
}

/// Measures a plugin.
pub fn bench(out: &mut dyn Write, arguments: &BenchArguments) -> Result<(), ToolError> {
    let config = super::check::configuration(&arguments.config)?;
    let deltas = deltas(arguments)?;
    let subject = Subject::read(&arguments.path)?;
    let report = inspect_module(&subject.wasm).map_err(cannot_load)?;
    writeln!(out, "{:<16}{}, {}", "module", subject.shown(), Size(report.size))?;

    let cache = temporary_directory()?;
    let start = || -> Result<(Runtime, CompiledPlugin, Duration), ToolError> {
        let runtime =
            Runtime::new(RuntimeOptions { cache_dir: Some(cache.path().to_owned()), ..RuntimeOptions::default() })?;
        let began = Instant::now();
        let compiled = runtime.compile_bytes(&subject.wasm, &Limits::default()).map_err(cannot_load)?;
        Ok((runtime, compiled, began.elapsed()))
    };
    let (_, _, cold) = start()?;
    let mut warm = Vec::new();
    for _ in 1..WARM_STARTS {
        warm.push(start()?.2);
    }
    let (runtime, compiled, last) = start()?;
    warm.push(last);

    let began = Instant::now();
    let capabilities = subject.capabilities(&report, false);
    let mut instance = Instance::new(&runtime, &compiled, &subject, capabilities, TrialHost::deaf())?;
    let code = instance.guest.start(&config).map_err(cannot_call)?;
    let started = began.elapsed();
    if code != 0 {
        return Err(ToolError::CannotRun(format!(
            "plugin_start returned error code {code}; name a configuration that it accepts with --config"
        )));
    }
    let memory = instance.guest.memory_bytes();
    writeln!(
        out,
        "{:<16}{} compiled (cold), {} from the cache (warm); then {} to instantiate and start",
        "start-up",
        Short(cold),
        Short(Figures::of(warm).median),
        Short(started)
    )?;

    let guest = &mut instance.guest;
    if guest.has_delta_handler() {
        let mut next = deltas.iter().cycle();
        let mut deliver = || guest.deliver(next.next().map_or("", String::as_str));
        for _ in 0..WARM_UP {
            deliver().map_err(cannot_call)?;
        }
        let before = instance.host.deltas();
        let batches = (arguments.deltas as usize).div_ceil(BATCH);
        let figures = timed(batches, BATCH, Duration::MAX, &mut deliver)?;
        let emitted = (instance.host.deltas() - before) as f64 / (batches * BATCH) as f64;
        writeln!(
            out,
            "{:<16}{figures}; {} a delta, {emitted:.2} emitted for each",
            "delta_handler",
            Size(deltas[0].len() as u64)
        )?;
    } else {
        writeln!(out, "{:<16}none: it gets no deltas", "delta_handler")?;
    }
    if guest.has_poll() {
        let mut poll = || guest.poll().map(drop);
        let first = timed(1, 1, POLLING, &mut poll)?;
        let size = if first.median > SLOW { 1 } else { BATCH };
        let figures = timed(POLLS / size, size, POLLING, &mut poll)?;
        writeln!(out, "{:<16}{figures}", "poll")?;
    } else {
        writeln!(out, "{:<16}none", "poll")?;
    }
    writeln!(
        out,
        "{:<16}{} KiB after the start, {} KiB in the end",
        "memory",
        memory / 1024,
        instance.guest.memory_bytes() / 1024
    )?;
    instance.guest.stop().map_err(cannot_call)?;
    Ok(())
}

/// The deltas that are delivered in turn.
fn deltas(arguments: &BenchArguments) -> Result<Vec<String>, ToolError> {
    let Some(path) = &arguments.delta else {
        return Ok((0..10).map(sample_delta).collect());
    };
    let text = std::fs::read_to_string(path).map_err(|source| ToolError::File { path: path.clone(), source })?;
    let delta: Value = serde_json::from_str(&text)
        .map_err(|error| ToolError::Program(format!("{} is no JSON: {error}", plain(&path.display().to_string()))))?;
    // Servers pass deltas without white space (wasm-plugin-abi §3.2).
    Ok(vec![delta.to_string()])
}

/// Times calls in batches, for at most so long.
fn timed(
    batches: usize,
    size: usize,
    longest: Duration,
    call: &mut dyn FnMut() -> Result<(), CallError>,
) -> Result<Figures, ToolError> {
    let begin = Instant::now();
    let mut times = Vec::with_capacity(batches);
    for _ in 0..batches {
        let start = Instant::now();
        for _ in 0..size {
            call().map_err(cannot_call)?;
        }
        times.push(start.elapsed().div_f64(size as f64));
        if begin.elapsed() > longest {
            break;
        }
    }
    Ok(Figures { size, ..Figures::of(times) })
}

/// What a row of times is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Figures {
    median: Duration,
    /// 95 % took no longer.
    most: Duration,
    batches: usize,
    /// Calls in a batch.
    size: usize,
}

impl Figures {
    /// Of at least one time.
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: usize| {
            times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        Self { median: at(50), most: at(95), batches: times.len(), size: 1 }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "median {}, p95 {} over {} batches of {}",
            Short(self.median),
            Short(self.most),
            self.batches,
            self.size
        )
    }
}

/// A time with two decimals, in the unit that suits it.
#[derive(Debug, Clone, Copy)]
struct Short(Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds < 1e-3 {
            write!(f, "{:.2} µs", seconds * 1e6)
        } else if seconds < 1.0 {
            write!(f, "{:.2} ms", seconds * 1e3)
        } else {
            write!(f, "{seconds:.2} s")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_95th_percentile() {
        let times = (1..=100).rev().map(Duration::from_micros).collect();
        let figures = Figures::of(times);
        assert_eq!((figures.median, figures.most), (Duration::from_micros(51), Duration::from_micros(96)));
        let one = Figures::of(vec![Duration::from_nanos(1500)]);
        assert_eq!(one.to_string(), "median 1.50 µs, p95 1.50 µs over 1 batches of 1");
        assert_eq!(Short(Duration::from_millis(21)).to_string(), "21.00 ms");
    }
}
