//! A recording: a plain log of sentences or deltas, or lines of the form `<epoch ms>;<kind>;<line>` (signalk-v1 §14).

use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep_until};
use windlass_broker::MAX_DELTA_BYTES;

use super::backoff::Backoff;
use super::bad_lines::BadLine;
use super::delta_intake::DeltaIntake;
use super::intake::LineIntake;
use super::lines::{LineSplitter, Oversized};
use super::link::{End, Link};
use super::pacing::{Pacer, Recorded, Steady, multiplexed, time_of_day};
use super::plan::Recording;
use super::tcp_client::READ_BYTES;
use crate::nmea0183::MAX_LINE_BYTES;

/// Bytes in front of a line of the multiplexed form: time, letter and two semicolons.
const MULTIPLEXED_BYTES: usize = 18;
/// How much of a recording is looked through for a line with a time.
const SEARCHED_BYTES: usize = 256 * 1024;

/// Plays the recording; ends when it is over, or never if it loops.
pub(super) async fn run(
    recording: &Recording,
    link: &Link,
    backoff: &mut Backoff,
) -> Result<std::convert::Infallible, End> {
    let name = recording.file.display();
    let steady = match recording.throttle {
        Some(rate) => Some(rate),
        None => without_times(recording).await?,
    };
    let mut pacer = Pacer::new(recording.speed, steady);
    let start = Instant::now();
    loop {
        let before = link.counters.deltas();
        let mut file = open(recording).await?;
        link.status(&format!("Playing {name}"));
        play(&mut file, recording, &mut pacer, start, link, backoff).await?;
        if !recording.looped {
            link.finished(&format!("Finished {name}"));
            log::info!("connection {}: finished {name}", link.id());
            return Err(End::Finished);
        }
        if link.counters.deltas() == before {
            return Err(End::Lost(format!(
                "nothing in {name} gives data; check that it is a log of NMEA 0183 sentences or of deltas"
            )));
        }
        pacer.rewind();
    }
}

/// The steady rate, for a recording that tells no times.
async fn without_times(recording: &Recording) -> Result<Option<Steady>, End> {
    let mut file = open(recording).await?.take(SEARCHED_BYTES as u64);
    let mut splitter = splitter();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let length = file.read(&mut buffer).await.map_err(|error| unreadable(recording, &error))?;
        splitter.extend(&buffer[..length]);
        while let Some(line) = splitter.next_line() {
            if line.is_ok_and(|line| multiplexed(line).is_some() || time_of_day(line).is_some()) {
                return Ok(None);
            }
        }
        if length == 0 {
            return Ok(Some(recording.without_times));
        }
    }
}

/// Plays the file once.
async fn play(
    file: &mut File,
    recording: &Recording,
    pacer: &mut Pacer,
    start: Instant,
    link: &Link,
    backoff: &mut Backoff,
) -> Result<(), End> {
    let before = link.counters.deltas();
    let mut intakes = Intakes { sentences: LineIntake::new(link), deltas: DeltaIntake::of_recording(link) };
    let mut splitter = splitter().removing_nulls(link.lines.remove_nulls);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let length = file.read(&mut buffer).await.map_err(|error| unreadable(recording, &error))?;
        link.counters.add_bytes(length);
        if length == 0 {
            splitter.finish();
        } else {
            splitter.extend(&buffer[..length]);
        }
        while let Some(line) = splitter.next_line() {
            let entry = match line {
                Ok(line) => Entry::read(line, recording.plain),
                Err(oversized) => Entry { recorded: None, kind: recording.plain, line: Err(oversized) },
            };
            let due = start + pacer.due(entry.line.as_ref().map_or(&[], |line| line), entry.recorded);
            if due > Instant::now() {
                intakes.publish().await?;
                sleep_until(due).await;
            }
            entry.hand_to(&mut intakes);
        }
        intakes.publish().await?;
        if link.counters.deltas() > before {
            // That it can be opened does not mean that it works.
            backoff.reset();
        }
        if length == 0 {
            return Ok(());
        }
    }
}

/// Lines may be deltas, which are longer than sentences.
fn splitter() -> LineSplitter {
    LineSplitter::with_limit(MAX_DELTA_BYTES + MULTIPLEXED_BYTES)
}

/// What takes the lines of a recording, which may hold both kinds.
struct Intakes<'a> {
    sentences: LineIntake<'a>,
    deltas: DeltaIntake<'a>,
}

impl Intakes<'_> {
    async fn publish(&mut self) -> Result<(), End> {
        self.sentences.publish().await?;
        self.deltas.publish().await
    }
}

/// One line of a recording.
struct Entry<'a> {
    recorded: Option<Recorded>,
    kind: char,
    line: Result<&'a [u8], Oversized<'a>>,
}

impl<'a> Entry<'a> {
    fn read(line: &'a [u8], plain: char) -> Self {
        match multiplexed(line) {
            Some((millis, kind, line)) => Self { recorded: Some(Recorded::Epoch(millis)), kind, line: Ok(line) },
            None => Self { recorded: time_of_day(line), kind: plain, line: Ok(line) },
        }
    }

    /// A line of a multiplexed log counts as received when it was logged.
    fn hand_to(self, intakes: &mut Intakes<'_>) {
        let now = jiff::Timestamp::now();
        let logged = match self.recorded {
            Some(Recorded::Epoch(millis)) => jiff::Timestamp::from_millisecond(millis).unwrap_or(now),
            _ => now,
        };
        match (self.kind, self.line) {
            ('I', line) => intakes.deltas.take(line, now),
            ('N', Ok(line)) if line.len() > MAX_LINE_BYTES => {
                intakes.sentences.refuse(&BadLine::TooLong, line, now);
            }
            ('N', line) => intakes.sentences.take_logged(line, logged, now),
            (kind, line) => {
                let line = line.unwrap_or_else(|Oversized(start)| start);
                intakes.sentences.refuse(&BadLine::LogKind(kind), line, now);
            }
        }
    }
}

async fn open(recording: &Recording) -> Result<File, End> {
    let name = recording.file.display();
    File::open(&recording.file)
        .await
        .map_err(|error| End::Lost(format!("can't open the recording {name}: {error}; check `filename`")))
}

fn unreadable(recording: &Recording, error: &std::io::Error) -> End {
    End::Lost(format!("can't read the recording {}: {error}", recording.file.display()))
}
