//! The bus of a test: a broker, and a data model that keeps what arrives.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use windlass_broker::{
    ApplyDeltas, Broker, CachedValue, CollectSnapshot, Context as VesselContext, Delta, Judged, SharedDelta,
};

use crate::connections::*;
use crate::data_model::{Identity, ModelView};
use crate::discovery::Reach;
use crate::outputs::SentenceBus;
use crate::{ProviderStatus, StatusBoard};

/// A good sentence with one value that tells it apart: the depth in metres below the transducer.
pub fn sentence(depth: u32) -> String {
    with_checksum(&format!("SDDBT,,f,{depth:05}.0,M,,F"))
}

/// Frames a sentence.
pub fn with_checksum(body: &str) -> String {
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${body}*{sum:02X}\r\n")
}

/// What arrived at the data model, and when.
#[derive(Default)]
struct Arrived {
    deltas: Vec<(Instant, Arc<SharedDelta>)>,
    /// Deltas in each batch.
    batches: Vec<usize>,
}

struct Model {
    arrived: Arc<Mutex<Arrived>>,
    count: watch::Sender<usize>,
    /// Permits to answer.
    gate: Arc<Semaphore>,
}

impl Actor for Model {
    type Context = Context<Self>;
}
impl Handler<ApplyDeltas> for Model {
    type Result = ResponseFuture<()>;
    fn handle(&mut self, ApplyDeltas(deltas): ApplyDeltas, _: &mut Self::Context) -> Self::Result {
        let mut arrived = self.arrived.lock().unwrap();
        arrived.batches.push(deltas.len());
        arrived.deltas.extend(deltas.iter().map(|delta| (Instant::now(), delta.delta().clone())));
        self.count.send_replace(arrived.deltas.len());
        let gate = self.gate.clone();
        Box::pin(async move { drop(gate.acquire().await.expect("the gate is never closed")) })
    }
}
impl Handler<CollectSnapshot> for Model {
    type Result = Vec<CachedValue>;
    fn handle(&mut self, _: CollectSnapshot, _: &mut Self::Context) -> Self::Result {
        Vec::new()
    }
}

/// Everything a test needs around its connections.
pub struct Bus {
    pub context: ConnectionContext,
    pub board: StatusBoard,
    /// Give a permit to let the data model answer; there is one from the start unless the bus is blocked.
    pub gate: Arc<Semaphore>,
    pub directory: tempfile::TempDir,
    arrived: Arc<Mutex<Arrived>>,
    count: watch::Receiver<usize>,
}

impl Bus {
    pub fn new() -> Self {
        let bus = Self::blocked();
        bus.gate.add_permits(1);
        bus
    }

    /// A bus whose data model does not answer until the gate has a permit.
    pub fn blocked() -> Self {
        let (arrived, gate) = (Arc::<Mutex<Arrived>>::default(), Arc::new(Semaphore::new(0)));
        let (sender, count) = watch::channel(0);
        let model = Model { arrived: arrived.clone(), count: sender, gate: gate.clone() }.start();
        let (board, directory) = (StatusBoard::default(), tempfile::tempdir().expect("a directory"));
        let own = VesselContext::new("vessels.urn:mrn:imo:mmsi:230099999").expect("a context");
        let view = ModelView::new(Identity::new(own.clone()));
        let context = ConnectionContext {
            broker: Broker::new(model.clone().recipient(), model.recipient()).start(),
            self_context: own,
            status: board.clone(),
            override_timestamps: false,
            view: view.clone(),
            sentences: SentenceBus::default(),
            raw_log: RawLog::new(RawLogSettings::in_directory(directory.path().to_owned()), board.clone()),
            directory: directory.path().to_owned(),
            arbiter: Arbiter::current(),
            observatory: Default::default(),
            reach: Reach::Loopback,
        };
        Self { context, board, gate, directory, arrived, count }
    }

    /// Puts a delta into the model, as if another connection had brought it.
    pub fn know(&self, delta: Delta) {
        self.context.view.apply(&Judged::accepted(delta));
    }

    pub fn start(&self, settings: ConnectionSettings) -> ConnectionManager {
        ConnectionManager::start(vec![settings], self.context.clone())
    }

    /// Waits until so many deltas have arrived.
    pub async fn deltas(&self, count: usize) -> Vec<Delta> {
        let mut arrived = self.count.clone();
        soon(arrived.wait_for(|arrived| *arrived >= count)).await.expect("the model lives");
        self.arrived.lock().unwrap().deltas.iter().map(|(_, delta)| delta.delta().clone()).collect()
    }

    /// Waits until so many deltas have arrived; the depths they tell.
    pub async fn depths(&self, count: usize) -> Vec<String> {
        self.deltas(count).await.iter().map(|delta| delta.updates[0].values[0].value.to_string()).collect()
    }

    /// Checks when the first deltas arrived, in milliseconds since `start`. tokio's timers end up to a millisecond late.
    pub fn assert_times(&self, start: Instant, expected: &[u128], case: &str) {
        let arrived = self.arrived.lock().unwrap();
        let times: Vec<_> = arrived.deltas.iter().map(|(at, _)| at.duration_since(start).as_millis()).collect();
        assert!(times.len() >= expected.len(), "{case}: {times:?}");
        let fine = times.iter().zip(expected).all(|(time, expected)| (*expected..=*expected + 1).contains(time));
        assert!(fine, "{case}: {times:?} instead of {expected:?}");
    }

    /// Deltas in each batch that arrived.
    pub fn batches(&self) -> Vec<usize> {
        self.arrived.lock().unwrap().batches.clone()
    }

    /// Waits until the connection's entry on the status board is like this.
    pub async fn status(&self, id: &str, like: impl Fn(&ProviderStatus) -> bool) -> ProviderStatus {
        let mut changes = self.board.changes();
        soon(async {
            loop {
                changes.borrow_and_update();
                if let Some(entry) = self.board.get(id).filter(|entry| like(entry)) {
                    return entry;
                }
                changes.changed().await.expect("the board lives");
            }
        })
        .await
    }

    pub async fn status_text(&self, id: &str, start: &str) -> ProviderStatus {
        self.status(id, |entry| entry.message.starts_with(start)).await
    }

    /// Writes a recording.
    pub fn record(&self, name: &str, text: &str) -> std::path::PathBuf {
        let file = self.directory.path().join(Path::new(name));
        std::fs::write(&file, text).expect("a file");
        file
    }
}

/// What should happen soon. Without it, a broken promise would hang the test instead of failing it.
pub async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(120), future).await.expect("it happens")
}

/// Waits until the connection's statistics are like this.
pub async fn statistics(
    manager: &ConnectionManager,
    id: &str,
    like: impl Fn(&ConnectionStatistics) -> bool,
) -> ConnectionStatistics {
    soon(async {
        loop {
            let statistics = manager.connection(id).expect("a connection").statistics;
            if like(&statistics) {
                return statistics;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// The bad lines as a map to compare with.
pub fn bad_lines(statistics: &ConnectionStatistics) -> HashMap<&str, u64> {
    statistics.bad_lines_by_kind.iter().map(|(kind, n)| (kind.as_str(), *n)).collect()
}
