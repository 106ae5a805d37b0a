//! Progress: one line a step, with the time it took.

use anyhow::{Context, Result};
use std::io::Write;
use std::time::Instant;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It made something.
    Made,
    /// What it makes was there already.
    UpToDate,
}

/// Runs a silent step: `▸ building the UI … 12 s`.
pub fn step(what: &str, work: impl FnOnce() -> Result<Done>) -> Result<()> {
    print!("▸ {what} … ");
    // Without this the line would appear only when the step is over. A closed standard output is no
    // reason to stop.
    let _ = std::io::stdout().flush();
    let start = Instant::now();
    let done = work();
    match &done {
        Ok(Done::Made) => println!("{}", seconds(start)),
        Ok(Done::UpToDate) => println!("up to date"),
        Err(_) => println!("failed after {}", seconds(start)),
    }
    done.map(drop).with_context(|| format!("{what} failed"))
}

/// Runs a step that shows its own output: a line before and a line after.
pub fn chapter(what: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("▸ {what}");
    let start = Instant::now();
    work().with_context(|| format!("{what} failed"))?;
    println!("▸ {what}: {}", seconds(start));
    Ok(())
}

fn seconds(start: Instant) -> String {
    let elapsed = start.elapsed().as_secs_f64();
    if elapsed < 10.0 { format!("{elapsed:.1} s") } else { format!("{elapsed:.0} s") }
}
