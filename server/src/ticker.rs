//! What happens by the clock: statistics and status events, and forgetting silent contexts (signalk-v1 §1.2, §11).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use actix::Arbiter;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use windlass_broker::{CollectBrokerStatistics, Timestamp};

use crate::http::AppState;
use crate::source_events;

/// Time between two SERVERSTATISTICS events.
const STATISTICS: Duration = Duration::from_secs(5);
/// How long a source of positions counts as present, in milliseconds.
const POSITIONS: i64 = 60_000;
/// Longest and shortest time between two rounds of forgetting, in milliseconds.
const PRUNE: (f64, f64) = (60_000.0, 100.0);

/// Starts the clocks on an arbiter. Contexts are forgotten after so many minutes as `prune_minutes` has at the moment; 0 keeps them.
pub fn start(arbiter: &Arbiter, state: AppState, prune_minutes: watch::Receiver<f64>) {
    let started = Instant::now();
    arbiter.spawn(report_statistics(state.clone(), started));
    arbiter.spawn(report_status(state.clone()));
    arbiter.spawn(prune(state, prune_minutes));
}

/// Emits SERVERSTATISTICS and PROVIDERSTATUS every five seconds, and what the sources do when it has changed.
async fn report_statistics(state: AppState, started: Instant) {
    let mut tick = tokio::time::interval(STATISTICS);
    let mut meter = Meter { last: BTreeMap::new(), at: Instant::now() };
    loop {
        tick.tick().await;
        let Ok(broker) = state.broker.send(CollectBrokerStatistics).await else { return };
        let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
        for (id, deltas) in &broker.providers {
            counts.entry(id.to_string()).or_default().deltas = *deltas;
        }
        for (id, output) in [("nmea-tcp", state.outputs.nmea()), ("tcp", state.outputs.signalk())] {
            if let Some(output) = output {
                counts.entry(id.to_owned()).or_default().written = output.read().sent;
            }
        }
        let (rate, providers) = meter.turn(counts, Instant::now());
        let statistics = json!({
            "deltaRate": rate,
            "numberOfAvailablePaths": state.view.own().path_count(),
            "wsClients": state.stream.counters.read().clients,
            "providerStatistics": providers,
            "uptime": started.elapsed().as_secs_f64(),
        });
        state.events.emit("SERVERSTATISTICS", &statistics);
        state.events.emit("PROVIDERSTATUS", &state.status.all());
        source_events::emit_groups(&state.events, &state.view, &state.priorities);
        let positions = source_events::position_sources(&state.view, POSITIONS, Timestamp::now());
        state.events.emit_change("POSITION_SOURCES", &positions);
    }
}

/// What an input, plugin or output has done since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Counts {
    /// Deltas that it has brought.
    deltas: u64,
    /// What it has written.
    written: u64,
}

/// Makes rates from counts.
struct Meter {
    last: BTreeMap<String, Counts>,
    at: Instant,
}

impl Meter {
    /// The deltas per second of all together, and `providerStatistics` (server-admin-api §14).
    fn turn(&mut self, counts: BTreeMap<String, Counts>, now: Instant) -> (Value, Map<String, Value>) {
        // The first interval is none: what came in while the server started is no rate.
        let seconds = now.duration_since(self.at).as_secs_f64().max(1.0);
        let per_second = |count: u64| json!((count as f64 / seconds * 100.0).round() / 100.0);
        let (mut all, mut providers) = (0, Map::new());
        for (id, now) in &counts {
            let before = self.last.get(id).copied().unwrap_or_default();
            let deltas = now.deltas.saturating_sub(before.deltas);
            let written = now.written.saturating_sub(before.written);
            all += deltas;
            let statistics = json!({
                "deltaRate": per_second(deltas), "deltaCount": now.deltas, "lastIntervalDeltaCount": deltas,
                "writeRate": per_second(written), "writeCount": now.written, "lastIntervalWriteCount": written,
            });
            providers.insert(id.clone(), statistics);
        }
        (self.last, self.at) = (counts, now);
        (per_second(all), providers)
    }
}

/// Emits PROVIDERSTATUS when an entry changes.
async fn report_status(state: AppState) {
    let mut changes = state.status.changes();
    while changes.changed().await.is_ok() {
        state.events.emit("PROVIDERSTATUS", &state.status.all());
        // Changes that come together are told together.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn prune(state: AppState, mut minutes: watch::Receiver<f64>) {
    loop {
        let now = *minutes.borrow_and_update();
        tokio::select! {
            // An error says that nobody can change it any more: the server goes down.
            changed = minutes.changed() => if changed.is_err() { return },
            never = prune_after(&state, now) => match never {},
        }
    }
}

async fn prune_after(state: &AppState, minutes: f64) -> Infallible {
    if minutes <= 0.0 {
        return std::future::pending().await;
    }
    // What is too long for that is for ever.
    let keep = Duration::try_from_secs_f64(minutes * 60.0).unwrap_or(Duration::MAX);
    // Where a context is kept for a short time, a minute more would be long.
    let between = (minutes * 60_000.0 / 4.0).clamp(PRUNE.1, PRUNE.0);
    let mut tick = tokio::time::interval(Duration::from_millis(between as u64));
    loop {
        tick.tick().await;
        let gone = state.view.prune(keep);
        if gone > 0 {
            log::info!("{gone} vessels or other contexts have been silent for {minutes} minutes and are forgotten");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_interval() {
        // SK-209
        let start = Instant::now();
        let mut meter = Meter { last: BTreeMap::new(), at: start };
        let counts = |deltas, written| {
            BTreeMap::from([
                ("gps".to_owned(), Counts { deltas, written: 0 }),
                ("tcp".to_owned(), Counts { deltas: 5, written }),
            ])
        };
        let (rate, _) = meter.turn(counts(5, 0), start + Duration::from_millis(1));
        assert_eq!(rate, json!(10.0), "no more per second than there were");
        meter.turn(counts(10, 0), start + Duration::from_secs(5));
        let (rate, providers) = meter.turn(counts(31, 8), start + Duration::from_secs(9));
        assert_eq!(rate, json!(5.25));
        assert_eq!(
            providers["gps"],
            json!({"deltaRate": 5.25, "deltaCount": 31, "lastIntervalDeltaCount": 21,
                "writeRate": 0.0, "writeCount": 0, "lastIntervalWriteCount": 0})
        );
        assert_eq!((&providers["tcp"]["writeRate"], &providers["tcp"]["deltaRate"]), (&json!(2.0), &json!(0.0)));
    }
}
