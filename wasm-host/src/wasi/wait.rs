//! Time for guests: the clock, and waiting in a way that the watchdog can end.

use std::{
    sync::LazyLock,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::calls::errno;
use crate::engine::{Memory, OutOfBounds, Trap, watchdog::Watch};

/// How long the thread sleeps before it looks whether the call is overdue.
const SLICE: Duration = Duration::from_millis(10);
const MAX_SUBSCRIPTIONS: u32 = 1024;
const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;
const CLOCK: u8 = 0;
const ABSOLUTE: u16 = 1;
const REALTIME: u32 = 0;

/// Nanoseconds of clock `id`: 0 is the time of day, the others count from the start of the server.
pub(super) fn now(id: u32) -> Option<u64> {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = match id {
        REALTIME => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        1..=3 => START.elapsed(),
        _ => return None,
    };
    Some(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// `clock_time_get(id, precision, out)`.
pub(super) fn clock_time_get(memory: &mut dyn Memory, id: u32, out: u32) -> u16 {
    let Some(time) = now(id) else { return errno::INVAL };
    match memory.write(out, &time.to_le_bytes()) {
        Ok(()) => errno::SUCCESS,
        Err(OutOfBounds) => errno::FAULT,
    }
}

/// `poll_oneoff(in, out, count, events)` of WASI preview 1: waits for the earliest of its clocks. Files and standard streams
/// are always ready.
///
/// # Errors
/// The call into the guest passed its deadline meanwhile.
pub(super) fn poll_oneoff(
    memory: &mut dyn Memory,
    watch: &Watch,
    [subscriptions, events, count, stored]: [u32; 4],
) -> Result<u16, Trap> {
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Ok(errno::INVAL);
    }
    let mut input = vec![0; count as usize * SUBSCRIPTION];
    if memory.read(subscriptions, &mut input).is_err() {
        return Ok(errno::FAULT);
    }
    let all: Vec<Subscription> = input.chunks_exact(SUBSCRIPTION).map(Subscription::parse).collect();
    let wait = all.iter().map(|subscription| subscription.wait).min().unwrap_or_default();
    sleep(wait, watch)?;
    let mut output = Vec::new();
    let mut happened = 0u32;
    for subscription in all.iter().filter(|subscription| subscription.wait <= wait) {
        happened += 1;
        output.extend_from_slice(&subscription.event());
    }
    let written = memory.write(events, &output).and_then(|()| memory.write(stored, &happened.to_le_bytes()));
    Ok(if written.is_ok() { errno::SUCCESS } else { errno::FAULT })
}

struct Subscription {
    user_data: [u8; 8],
    kind: u8,
    wait: Duration,
    error: u16,
}

impl Subscription {
    fn parse(bytes: &[u8]) -> Self {
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let kind = bytes[8];
        let mut subscription =
            Self { user_data: std::array::from_fn(|i| bytes[i]), kind, wait: Duration::ZERO, error: errno::SUCCESS };
        if kind == CLOCK {
            let id = u32::from_le_bytes(std::array::from_fn(|i| bytes[16 + i]));
            let timeout = long(24);
            let flags = u16::from_le_bytes([bytes[40], bytes[41]]);
            match now(id) {
                Some(now) if flags & ABSOLUTE != 0 => {
                    subscription.wait = Duration::from_nanos(timeout.saturating_sub(now));
                }
                Some(_) => subscription.wait = Duration::from_nanos(timeout),
                None => subscription.error = errno::INVAL,
            }
        }
        subscription
    }

    fn event(&self) -> [u8; EVENT] {
        let mut event = [0; EVENT];
        event[..8].copy_from_slice(&self.user_data);
        event[8..10].copy_from_slice(&self.error.to_le_bytes());
        event[10] = self.kind;
        event
    }
}

/// Waits, unless the call into the guest passes its deadline meanwhile, which is the error.
pub(super) fn sleep(wait: Duration, watch: &Watch) -> Result<(), Trap> {
    let begun = Instant::now();
    loop {
        if watch.fired() {
            return Err(Trap::Interrupted);
        }
        let Some(left) = wait.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else {
            return Ok(());
        };
        thread::sleep(left.min(SLICE));
    }
}
