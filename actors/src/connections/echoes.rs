//! Deltas that come around in a circle, because two servers or two connections feed each other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use smallvec::smallvec;
use tokio::time::{Instant, sleep};
use windlass_broker::{Delta, DeltaVersion, Origin, Path, PathValue, Publish, RawJson, Timestamp, Update};

use super::brought::Brought;
use super::link::Link;

/// So many echoes within [`WINDOW`] are a loop.
const MANY: usize = 10;
/// See [`MANY`]; and after so long without an echo the loop has ended.
const WINDOW: Duration = Duration::from_secs(10);

/// A value that was known already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Echo<'a> {
    pub path: &'a str,
    pub source: &'a str,
}

/// What a connection remembers of itself when it is lost and made anew, and when its settings change. Clones share.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    /// Which values it has brought.
    pub brought: Arc<Mutex<Brought>>,
    echoes: Arc<Mutex<Echoes>>,
}

impl Past {
    /// The same for another name: whether the alarm is raised belongs to the name.
    pub fn renamed(&self) -> Self {
        Self { brought: self.brought.clone(), echoes: Arc::default() }
    }

    fn echoes(&self) -> MutexGuard<'_, Echoes> {
        // They are whole at any moment, also after a panic.
        self.echoes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When echoes came.
#[derive(Debug, Default)]
struct Echoes {
    recent: VecDeque<Instant>,
    raised: bool,
}

impl Echoes {
    /// True when this one makes it a loop.
    fn note(&mut self, now: Instant) -> bool {
        self.recent.push_back(now);
        if self.recent.len() > MANY {
            self.recent.pop_front();
        }
        let many = self.recent.len() == MANY;
        let dense = self.recent.front().is_some_and(|first| now.duration_since(*first) <= WINDOW);
        many && dense && !std::mem::replace(&mut self.raised, true)
    }

    /// How long it has to be quiet yet for the loop to have ended; `None` when it has, so that the next one is told again.
    fn left(&mut self, now: Instant) -> Option<Duration> {
        let left = self.recent.back().map_or(Duration::ZERO, |last| WINDOW.saturating_sub(now.duration_since(*last)));
        self.raised = !left.is_zero();
        self.raised.then_some(left)
    }
}

/// Raises the notification `notifications.server.loop.<connection>` of a connection, once for each loop, and clears it when it ends.
pub(super) struct Alarm {
    link: Link,
}

impl Alarm {
    pub fn new(link: &Link) -> Self {
        Self { link: link.clone() }
    }

    /// A value was known already, and has been dropped.
    pub fn note(&self, echo: Echo<'_>) {
        self.link.counters.add_echo();
        // Who is only being tried brings nothing, and so no loop.
        if self.link.broker.is_none() || !self.link.past.echoes().note(Instant::now()) {
            return;
        }
        let (id, path, source) = (self.link.id(), echo.path, echo.source);
        let other = source.split('.').next().unwrap_or(source);
        let message = format!(
            "What comes in over the connection {id} has been here before: {path} of the source {source} came over the connection \
             {other} already. Two servers feed each other, or two connections lead to the same server: remove one of the connections, \
             or subscribe it to other data. Until then what is known is dropped."
        );
        log::warn!("connection {id}: {message}");
        let link = self.link.clone();
        // On its own: the loop ends when nothing comes any more, and then nobody would be here to say so.
        actix::spawn(async move {
            tell(&link, "warn", &["visual"], &message).await;
            loop {
                let Some(left) = link.past.echoes().left(Instant::now()) else { break };
                sleep(left).await;
            }
            let over =
                format!("What comes in over the connection {} does not come around in a circle any more.", link.id());
            log::info!("connection {}: {over}", link.id());
            tell(&link, "normal", &[], &over).await;
        });
    }
}

async fn tell(link: &Link, state: &str, method: &[&str], message: &str) {
    // Dots separate the parts of a path.
    let name = link.id().replace('.', "_");
    let path = match Path::new(&format!("notifications.server.loop.{name}")) {
        Ok(path) => path,
        Err(error) => return log::error!("connection {}: its loop can't be told: {error}", link.id()),
    };
    let value = RawJson::of(&json!({"state": state, "method": method, "message": message}));
    let provider = &link.provider.id;
    let update = Update {
        source: None,
        source_ref: provider.clone(),
        timestamp: Timestamp::now(),
        values: smallvec![PathValue::new(path, value)],
        meta: Vec::new(),
        notification_id: None,
    };
    let context = link.self_context.clone();
    let deltas = vec![Delta { context, updates: smallvec![update], version: DeltaVersion::V1 }];
    let publish = Publish { provider: provider.clone(), origin: Origin::NONE, deltas };
    let Some(broker) = &link.broker else { return };
    if broker.send(link.to_broker.carry(publish)).await.is_err() {
        log::debug!("connection {}: the broker has stopped; nobody hears of loops any more", link.id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_echoes_within_ten_seconds_are_a_loop_once() {
        let start = Instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let mut echoes = Echoes::default();
        let raised: Vec<u64> = (0..40).filter(|n| echoes.note(at(n * 2000))).collect();
        assert_eq!(raised, [0_u64; 0], "ten in eighteen seconds are none");
        let raised: Vec<u64> = (0..40).filter(|n| echoes.note(at(100_000 + n * 1000))).collect();
        assert_eq!(raised, [9]);
        assert_eq!(echoes.left(at(139_000)), Some(WINDOW));
        assert_eq!(echoes.left(at(149_000)), None);
        let raised: Vec<u64> = (0..40).filter(|n| echoes.note(at(200_000 + n))).collect();
        assert_eq!(raised, [9], "and once more");
    }
}
