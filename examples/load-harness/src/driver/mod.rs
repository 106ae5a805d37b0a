//! The run itself: one thread, one poll, every connection.

mod summary;

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use mio::{Events, Poll, Token};

use crate::connection::{Connection, Lost};
use crate::error::{HarnessError, system};
use crate::frame::{Filled, READ_BUFFER, text_frame};
use crate::handshake::Target;
use crate::ledger::Ledger;
use crate::pacing::{Rate, Timetable};
use crate::plan::{Plan, ServerProcess};
use crate::process::{SpawnedServer, Usage, allow_open_files};
use crate::report::{Disconnects, Report, latency_histogram};
use crate::selection::Selection;
use crate::stamp::{DeltaTemplate, LIVE_BASE, PROBE_BASE, RunId, StampScanner};

/// Deltas of a producer are gathered up to this size before they are written.
const WRITE_BATCH: usize = 64 * 1024;
/// Events between two looks at the timetables, so that a crowd of readers does not hold up the producers.
const EVENTS_PER_POLL: usize = 256;
const PROBE_INTERVAL: u64 = 250_000_000;
const DRAIN_CHECK: u64 = 10_000_000;

/// Carries out `plan`. `progress` hears a sentence at the beginning of each phase.
///
/// # Errors
/// When the run could not take place. Losses and connections that end while it is measured are part of the report.
pub fn run(plan: &Plan, progress: &mut dyn FnMut(&str)) -> Result<Report, HarnessError> {
    plan.check()?;
    let target = Target::new(&plan.url, plan.token.clone()).map_err(HarnessError::Target)?;
    // Standard streams, the poll and a few more, besides the connections.
    let files = (plan.producers + plan.subscribers + 64) as u64;
    allow_open_files(files).map_err(system("raise the limit of open files (see 'ulimit -n')"))?;
    let mut spawned = None;
    let server_pid = match &plan.server {
        ServerProcess::Unknown => None,
        ServerProcess::Pid(pid) => Some(*pid),
        ServerProcess::Spawn(command) => {
            progress(&format!("starting {command}"));
            let server = SpawnedServer::start(command, target.address(), plan.connect_timeout)?;
            Some(spawned.insert(server).pid())
        }
    };
    server_pid.map(Usage::of).transpose()?;

    let mut driver = Driver::connect(plan, &target)?;
    progress(&format!("connected {} subscriber(s) and {} producer(s)", plan.subscribers, plan.producers));
    driver.probe()?;
    let report = driver.measure(server_pid, progress)?;
    driver.close();
    Ok(report)
}

struct Producer {
    connection: Connection,
    template: DeltaTemplate,
    /// Deltas of the measured stream so far.
    published: u64,
    /// When the server last began to read again after it had not.
    unblocked_at: u64,
}

struct Subscriber {
    connection: Connection,
    /// One for each producer.
    ledgers: Vec<Ledger>,
    /// Whether a probe of each producer has arrived.
    probed: Vec<bool>,
}

/// What the subscribers received of the measured stream.
struct Tally {
    frames: u64,
    values: u64,
    unreadable: u64,
    latencies: Histogram<u64>,
    /// Values sent in this time count for the latencies.
    window: std::ops::Range<u64>,
}

struct Driver<'p> {
    plan: &'p Plan,
    clock: Instant,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    scanner: StampScanner,
    selections: Vec<Selection>,
    producers: Vec<Producer>,
    subscribers: Vec<Subscriber>,
    timetables: Vec<Timetable>,
    /// Connections whose sockets may hold more than was read.
    again: Vec<Token>,
    next_read: u64,
    tally: Tally,
    disconnects: Disconnects,
}

impl<'p> Driver<'p> {
    fn connect(plan: &'p Plan, target: &Target) -> Result<Self, HarnessError> {
        let poll = Poll::new().map_err(system("create a poll"))?;
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
        let run = RunId::from_seed(seed);
        let open = |role, index, query: &str, token| {
            let handshake = target.open(query, plan.connect_timeout);
            let (stream, rest) = handshake.map_err(|error| HarnessError::Handshake { role, index, error })?;
            Connection::new(stream, &rest, poll.registry(), Token(token)).map_err(system("watch a connection"))
        };

        let selections = plan.selections();
        let ledgers: Vec<Ledger> = selections
            .iter()
            .map(|selection| match plan.rate_controlled() {
                true => Ledger::latest(selection.covered()),
                false => Ledger::every(selection.covered()),
            })
            .collect();
        let subscribe = plan.subscribe_message();
        let mut subscribers = Vec::with_capacity(plan.subscribers);
        for index in 0..plan.subscribers {
            let mut connection = open("subscriber", index, plan.subscriber_query(), plan.producers + index)?;
            if let Some(message) = &subscribe {
                connection.push(text_frame(message.as_bytes(), connection.mask()).bytes());
                connection.flush().map_err(|lost| HarnessError::Early(lost.to_string()))?;
            }
            let probed = selections.iter().map(|selection| selection.covered() == 0).collect();
            subscribers.push(Subscriber { connection, ledgers: ledgers.clone(), probed });
        }
        let mut producers = Vec::with_capacity(plan.producers);
        for index in 0..plan.producers {
            let connection = open("producer", index, "subscribe=none", index)?;
            let mask = connection.mask();
            let template = DeltaTemplate::new(&plan.context, run, index, plan.values_per_delta, plan.paths, mask);
            producers.push(Producer { connection, template, published: 0, unblocked_at: 0 });
        }
        Ok(Driver {
            plan,
            clock: Instant::now(),
            poll,
            events: Events::with_capacity(EVENTS_PER_POLL),
            buffer: vec![0; READ_BUFFER],
            scanner: StampScanner::new(run),
            selections,
            producers,
            subscribers,
            timetables: Vec::new(),
            again: Vec::new(),
            next_read: 0,
            tally: Tally { frames: 0, values: 0, unreadable: 0, latencies: latency_histogram(), window: 0..0 },
            disconnects: Disconnects::default(),
        })
    }

    fn now(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }

    /// Publishes probes until every subscriber has seen one of each producer it covers. A subscription has no
    /// acknowledgement, so this is how the harness knows that all of them stand.
    fn probe(&mut self) -> Result<(), HarnessError> {
        let (mut next, deadline) = (0, self.now() + nanos(self.plan.connect_timeout));
        let values = self.plan.values_per_delta;
        loop {
            let waiting = self.subscribers.iter().enumerate().find_map(|(subscriber, state)| {
                let producer = state.probed.iter().position(|probed| !probed)?;
                Some((subscriber, producer))
            });
            let Some((subscriber, producer)) = waiting else { return Ok(()) };
            if let Some(reason) = &self.disconnects.first {
                return Err(HarnessError::Early(reason.clone()));
            }
            let now = self.now();
            if now >= deadline {
                let seconds = self.plan.connect_timeout.as_secs_f64();
                return Err(HarnessError::NothingArrives { subscriber, producer, seconds });
            }
            if now >= next {
                next = now + PROBE_INTERVAL;
                for at in 0..self.producers.len() {
                    let Producer { connection, template, .. } = &mut self.producers[at];
                    if connection.waiting() > 0 {
                        continue;
                    }
                    for delta in 0..self.plan.paths.div_ceil(values) {
                        connection.push(template.stamped(PROBE_BASE, delta * values, now));
                    }
                    let flushed = connection.flush();
                    self.note(flushed);
                }
            }
            self.turn(next.min(deadline))?;
        }
    }

    /// Warm-up, measured window and drain.
    fn measure(&mut self, pid: Option<u32>, progress: &mut dyn FnMut(&str)) -> Result<Report, HarnessError> {
        let start = self.now();
        let window = start + nanos(self.plan.warm_up);
        let end = window + nanos(self.plan.duration);
        if let Rate::PerSecond(rate) = self.plan.rate {
            let count = self.plan.producers;
            self.timetables = (0..count).map(|index| Timetable::new(rate, index, count, start, end)).collect();
        }
        self.tally.window = window..end;

        progress(&format!("warming up for {} s", self.plan.warm_up.as_secs_f64()));
        self.publish_until(window)?;
        let before = self.snapshot(pid)?;
        progress(&format!("measuring for {} s", self.plan.duration.as_secs_f64()));
        self.publish_until(end)?;
        let after = self.snapshot(pid)?;
        progress("waiting for what is under way");
        self.drain(after.at + nanos(self.plan.drain_timeout))?;
        let drained = self.now() - after.at;
        Ok(self.report(&before, &after, drained))
    }

    fn publish_until(&mut self, end: u64) -> Result<(), HarnessError> {
        loop {
            let now = self.now();
            let next = self.publish(now.min(end));
            if now >= end || !self.producers.iter().any(|producer| producer.connection.is_open()) {
                return Ok(());
            }
            self.turn(next.min(end))?;
        }
    }

    /// Publishes what is due and returns when more will be.
    fn publish(&mut self, now: u64) -> u64 {
        let mut next = u64::MAX;
        for index in 0..self.producers.len() {
            let window_end = self.window_end(index);
            let producer = &mut self.producers[index];
            if !producer.connection.is_open() || producer.connection.is_blocked() {
                continue;
            }
            let timetable = self.timetables.get(index);
            let due = timetable.map_or(u64::MAX, |timetable| timetable.due(now)).min(window_end);
            let mut outcome = Ok(());
            while producer.published < due && !producer.connection.is_blocked() && outcome.is_ok() {
                while producer.published < due && producer.connection.waiting() < WRITE_BATCH {
                    // What fell due while the server did not read has been waiting since then.
                    let due_at = timetable.map_or(now, |timetable| timetable.due_at(producer.published));
                    let time = if due_at < producer.unblocked_at { due_at } else { now };
                    let first = producer.published * self.plan.values_per_delta;
                    producer.connection.push(producer.template.stamped(LIVE_BASE, first, time));
                    producer.published += 1;
                }
                outcome = producer.connection.flush();
                if timetable.is_none() {
                    // A saturating producer leaves the turn to the others after each batch.
                    break;
                }
            }
            if !producer.connection.is_blocked() && producer.published < window_end {
                next = next.min(timetable.map_or(now, |timetable| timetable.due_at(producer.published)));
            }
            self.note(outcome);
        }
        next
    }

    /// How many deltas `producer` may have published in all, by what the slowest subscriber has of it.
    fn window_end(&self, producer: usize) -> u64 {
        let Some(window) = self.plan.in_flight else { return u64::MAX };
        let open = self.subscribers.iter().filter(|subscriber| subscriber.connection.is_open());
        let slowest = open.map(|subscriber| subscriber.ledgers[producer].frontier()).min();
        slowest.map_or(u64::MAX, |slowest| slowest / self.plan.values_per_delta + window)
    }

    fn drain(&mut self, deadline: u64) -> Result<(), HarnessError> {
        loop {
            let now = self.now();
            let complete = self.subscribers.iter().all(|subscriber| {
                !subscriber.connection.is_open() || (0..self.producers.len()).all(|at| self.lost(subscriber, at) == 0)
            });
            if complete || now >= deadline {
                return Ok(());
            }
            let check = (now + DRAIN_CHECK).min(deadline);
            while self.now() < check {
                self.turn(check)?;
            }
        }
    }

    /// Waits for sockets until `until` at most, and serves those that are ready.
    fn turn(&mut self, until: u64) -> Result<(), HarnessError> {
        let mut now = self.now();
        if self.again.is_empty() && now < self.next_read {
            std::thread::sleep(Duration::from_nanos(until.min(self.next_read).saturating_sub(now)));
            now = self.now();
            if now < self.next_read {
                return Ok(());
            }
        }
        self.next_read = now + nanos(self.plan.read_interval);
        let wait = if self.again.is_empty() { until.saturating_sub(now) } else { 0 };
        match self.poll.poll(&mut self.events, Some(Duration::from_nanos(wait))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(system("wait for sockets")(error)),
            _ => {}
        }
        for token in std::mem::take(&mut self.again) {
            self.read(token, false);
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            if event.is_writable() {
                self.write(event.token());
            }
            if event.is_readable() {
                self.read(event.token(), event.is_read_closed());
            }
        }
        self.events = events;
        Ok(())
    }

    fn connection(&mut self, Token(at): Token) -> &mut Connection {
        match at.checked_sub(self.producers.len()) {
            None => &mut self.producers[at].connection,
            Some(at) => &mut self.subscribers[at].connection,
        }
    }

    fn write(&mut self, token: Token) {
        let now = self.now();
        if let Some(producer) = self.producers.get_mut(token.0)
            && producer.connection.is_blocked()
        {
            producer.unblocked_at = now;
        }
        let connection = self.connection(token);
        connection.unblock();
        let flushed = connection.flush();
        self.note(flushed);
    }

    /// Reads once; a socket that the server closed is read to its end, because it will not become ready again.
    fn read(&mut self, token: Token, to_the_end: bool) {
        while self.connection(token).is_open() {
            let received = match token.0.checked_sub(self.producers.len()) {
                None => self.producers[token.0].connection.receive(&mut self.buffer, |_| ()),
                Some(at) => self.read_subscriber(at),
            };
            match received {
                Ok(Filled::More) if !to_the_end => self.again.push(token),
                Ok(Filled::More | Filled::Drained) if to_the_end => continue,
                Ok(_) => {}
                Err(lost) => self.note(Err(lost)),
            }
            return;
        }
    }

    fn read_subscriber(&mut self, at: usize) -> Result<Filled, Lost> {
        let Subscriber { connection, ledgers, probed } = &mut self.subscribers[at];
        let (scanner, selections, tally, clock) = (&self.scanner, &self.selections, &mut self.tally, self.clock);
        // One reading of the clock serves all frames of a read: they arrived together.
        let mut now = None;
        connection.receive(&mut self.buffer, |message| {
            let values = tally.values;
            let found = scanner.scan(message, |stamp| {
                let Some(number) = stamp.seq.checked_sub(LIVE_BASE) else {
                    if let Some(probed) = probed.get_mut(stamp.producer) {
                        *probed = true;
                    }
                    return;
                };
                let selection = selections.get(stamp.producer);
                let Some(number) = selection.and_then(|selection| selection.index_of(number)) else {
                    tally.unreadable += 1;
                    return;
                };
                ledgers[stamp.producer].record(number);
                tally.values += 1;
                if tally.window.contains(&stamp.time) {
                    let now = *now.get_or_insert_with(|| clock.elapsed().as_nanos() as u64);
                    tally.latencies.saturating_record(now.saturating_sub(stamp.time));
                }
            });
            tally.frames += u64::from(tally.values > values);
            tally.unreadable += found.unreadable;
        })
    }

    fn note(&mut self, outcome: Result<(), Lost>) {
        if let Err(lost) = outcome {
            self.disconnects.count += 1;
            self.disconnects.first.get_or_insert_with(|| lost.to_string());
        }
    }

    fn published(&self) -> u64 {
        self.producers.iter().map(|producer| producer.published).sum()
    }

    /// Values of producer `at` that a subscriber should have received.
    fn covered(&self, at: usize) -> u64 {
        self.selections[at].covered_of(self.producers[at].published * self.plan.values_per_delta)
    }

    fn lost(&self, subscriber: &Subscriber, producer: usize) -> u64 {
        subscriber.ledgers[producer].lost(self.covered(producer))
    }

    fn close(&mut self) {
        let producers = self.producers.iter_mut().map(|producer| &mut producer.connection);
        let subscribers = self.subscribers.iter_mut().map(|subscriber| &mut subscriber.connection);
        producers.chain(subscribers).for_each(Connection::close);
    }
}

fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
