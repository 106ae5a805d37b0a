//! What happens by the clock: statistics and status events, and forgetting silent contexts (signalk-v1 §1.2, §11).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actix::Arbiter;
use serde_json::{Value, json};
use windlass_broker::{CollectBrokerStatistics, Timestamp};

use crate::http::AppState;

/// Time between two SERVERSTATISTICS events.
const STATISTICS: Duration = Duration::from_secs(5);
/// Time between two rounds of forgetting.
const PRUNE: Duration = Duration::from_secs(60);

/// Starts the clocks on an arbiter.
pub fn start(arbiter: &Arbiter, state: AppState, prune_minutes: u64) {
    let started = Instant::now();
    arbiter.spawn(report_statistics(state.clone(), started));
    arbiter.spawn(report_status(state.clone()));
    if prune_minutes > 0 {
        arbiter.spawn(prune(state, prune_minutes));
    }
}

/// Emits VESSEL_INFO once, then SERVERSTATISTICS and PROVIDERSTATUS every five seconds.
async fn report_statistics(state: AppState, started: Instant) {
    let attribute = |key: &str| state.view.own().root().attributes.get(key).cloned();
    let mut vessel = json!({});
    for key in ["name", "mmsi", "uuid"] {
        if let Some(value) = attribute(key) {
            vessel[key] = value;
        }
    }
    state.events.emit("VESSEL_INFO", &vessel);
    let mut tick = tokio::time::interval(STATISTICS);
    let (mut last, mut last_at) = (BTreeMap::new(), Instant::now());
    loop {
        tick.tick().await;
        let Ok(broker) = state.broker.send(CollectBrokerStatistics).await else { return };
        let seconds = last_at.elapsed().as_secs_f64().max(0.001);
        last_at = Instant::now();
        let counts: BTreeMap<_, _> = broker.providers.iter().cloned().collect();
        let rate = |id: &str, count: u64| (count - last.get(id).copied().unwrap_or(0)) as f64 / seconds;
        let mut providers = BTreeMap::new();
        for (id, count) in &counts {
            let interval = count - last.get(id).copied().unwrap_or(0);
            let rate = round(rate(id, *count));
            providers.insert(
                id.to_string(),
                json!({"deltaRate": rate, "deltaCount": count, "lastIntervalDeltaCount": interval,
                    "writeRate": 0, "writeCount": 0, "lastIntervalWriteCount": 0}),
            );
        }
        let total: f64 = counts.iter().map(|(id, count)| rate(id, *count)).sum();
        let statistics = json!({
            "deltaRate": round(total),
            "numberOfAvailablePaths": state.view.own().path_count(),
            "wsClients": state.stream.counters.read().clients,
            "providerStatistics": providers,
            "uptime": started.elapsed().as_secs_f64(),
        });
        state.events.emit("SERVERSTATISTICS", &statistics);
        state.events.emit("PROVIDERSTATUS", &state.status.all());
        last = counts;
    }
}

fn round(rate: f64) -> Value {
    json!((rate * 100.0).round() / 100.0)
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

async fn prune(state: AppState, minutes: u64) {
    let mut tick = tokio::time::interval(PRUNE);
    let keep = i64::try_from(minutes).unwrap_or(i64::MAX).saturating_mul(60_000);
    loop {
        tick.tick().await;
        let now = Timestamp::now().as_millis().unwrap_or_default();
        let gone = state.view.prune(now.saturating_sub(keep));
        if gone > 0 {
            log::info!("{gone} vessels or other contexts have been silent for {minutes} minutes and are forgotten");
        }
    }
}
