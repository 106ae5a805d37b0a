//! The server around the plugins.

use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::{Either, select};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use windlass_broker::{
    AttachConsumer, Broker, ConsumerId, ConsumerReady, Context as VesselContext, ContextPattern, DeliverDeltas,
    DeltaVersion, Intake, Origin, Provider, Publish, Scope, SharedDelta, StopBuffering, Topic,
};

use super::super::limits::PluginLimits;
use super::super::manager::PluginManager;
use super::super::settings::{PluginSettings, Timing};
use super::guest::GuestSource;
use crate::StatusBoard;
use crate::data_model::{DataModel, Identity, ModelView};
use crate::stream::{EventBus, ServerEvent};

pub const SELF: &str = "vessels.urn:mrn:imo:mmsi:230099999";
/// Longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything a manager needs, and a tap on the bus.
pub struct Server {
    pub directory: TempDir,
    pub broker: Addr<Broker>,
    pub view: ModelView,
    pub board: StatusBoard,
    pub events: EventBus,
    pub settings: PluginSettings,
    pub(in crate::plugins) timing: Timing,
    seen: watch::Receiver<Vec<Arc<SharedDelta>>>,
}

impl Server {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let view = ModelView::new(Identity::new(VesselContext::new(SELF).expect("a context")));
        let model = DataModel::new(view.clone()).start();
        let broker = Broker::new(model.clone().recipient(), model.recipient()).start();
        let (sender, seen) = watch::channel(Vec::new());
        let tap = Tap { broker: broker.clone(), sender }.start();
        let topic = Topic::new(ContextPattern::all(), Scope::Whole);
        let attach = AttachConsumer { consumer: tap_id(), topic, except: None, recipient: tap.recipient() };
        broker.send(attach).await.expect("a broker");
        broker.send(StopBuffering(tap_id())).await.expect("a broker");
        let settings = PluginSettings {
            config_dir: directory.path().to_owned(),
            roots: vec![directory.path().join("node_modules")],
            limits: PluginLimits::default(),
            overrides: Default::default(),
            watch: false,
            cache_dir: directory.path().join("cache"),
            authorities: Default::default(),
            wasm_enabled: true,
            disable_all: false,
            enabled_by_default: Vec::new(),
            observatory: Default::default(),
        };
        let timing = Timing { poll: Duration::from_millis(2), ..Timing::default() };
        Self {
            directory,
            broker,
            view,
            board: StatusBoard::default(),
            events: EventBus::default(),
            settings,
            timing,
            seen,
        }
    }

    /// Puts a package into `node_modules`; `more` goes into its package.json.
    pub fn install(&self, name: &str, guest: &GuestSource, more: Value) {
        self.install_bytes(name, &guest.wasm(), more);
    }

    pub fn install_bytes(&self, name: &str, wasm: &[u8], more: Value) {
        let directory = self.settings.roots[0].join(name);
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("plugin.wasm"), wasm).expect("written");
        let mut package = json!({
            "name": name, "version": "1.2.3", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
        });
        for (key, value) in more.as_object().expect("an object") {
            package[key] = value.clone();
        }
        fs::write(directory.join("package.json"), package.to_string()).expect("written");
    }

    pub fn config_file(&self, id: &str) -> PathBuf {
        self.directory.path().join("plugin-config-data").join(format!("{id}.json"))
    }

    pub fn configure(&self, id: &str, config: Value) {
        let file = self.config_file(id);
        fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
        fs::write(file, config.to_string()).expect("written");
    }

    pub fn saved(&self, id: &str) -> Value {
        read_json(&self.config_file(id))
    }

    pub fn manager(&self) -> PluginManager {
        let own = self.view.identity().context().clone();
        let (broker, view) = (self.broker.clone(), self.view.clone());
        let (board, events) = (self.board.clone(), self.events.clone());
        PluginManager::start_timed(self.settings.clone(), self.timing, broker, view, board, events, own)
    }

    /// Publishes a delta as a connection does.
    pub async fn publish(&self, delta: Value) {
        self.publish_version(delta, DeltaVersion::V1).await;
    }

    pub async fn publish_version(&self, delta: Value, version: DeltaVersion) {
        let provider = Provider::new("conn").expect("a name");
        let self_context = self.view.identity().context().clone();
        let intake = Intake { self_context, provider: provider.clone(), override_timestamps: false };
        let delta = intake.take(&delta.to_string(), version).delta.expect("a delta");
        self.broker
            .send(Publish { provider: provider.id, origin: Origin::NONE, deltas: vec![delta] })
            .await
            .expect("a broker");
    }

    /// Waits until so many values have come at a path of the own ship, and returns them in order.
    pub async fn values(&mut self, path: &str, count: usize) -> Vec<Value> {
        self.updates(path, count).await.into_iter().map(|(_, value)| value).collect()
    }

    /// The same with the `$source` of each.
    pub async fn updates(&mut self, path: &str, count: usize) -> Vec<(String, Value)> {
        let enough = self.seen.wait_for(|seen| values_at(seen, path).len() >= count);
        let in_time = patiently(enough).await.is_some_and(|seen| seen.is_ok());
        let values = values_at(&self.seen.borrow(), path);
        assert!(in_time, "not {count} values at {path}, but {values:?}");
        values
    }

    /// What has come at a path so far.
    pub fn values_so_far(&self, path: &str) -> Vec<Value> {
        values_at(&self.seen.borrow(), path).into_iter().map(|(_, value)| value).collect()
    }

    /// Waits until a plugin's status is as wanted. Every change shows on the status board or as an event.
    pub async fn until(&self, manager: &PluginManager, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let (mut changes, mut events) = (self.board.changes(), self.listen());
        let waiting = async {
            loop {
                changes.mark_unchanged();
                let status = manager.status(id).await.expect("a plugin");
                if wanted(&status) {
                    return status;
                }
                select(pin!(changes.changed()), pin!(events.recv())).await;
            }
        };
        match patiently(waiting).await {
            Some(status) => status,
            None => panic!("{id} is not as wanted: {}", manager.status(id).await.expect("a plugin")),
        }
    }

    pub async fn until_state(&self, manager: &PluginManager, id: &str, state: &str) -> Value {
        self.until(manager, id, |status| status["state"] == state).await
    }

    /// What the administration pages hear.
    pub fn listen(&self) -> tokio::sync::mpsc::UnboundedReceiver<Value> {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        self.events.listen(Ear(sender).start().recipient());
        receiver
    }
}

/// Waits for something that other threads do, at most a while of real time: where tokio's clock is paused, its timers run out at once
/// when this thread has nothing to do.
pub async fn patiently<T>(work: impl Future<Output = T>) -> Option<T> {
    let (late, too_late) = oneshot::channel();
    let (done, is_done) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if is_done.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            // Nobody waits any more when it has come just now.
            let _ = late.send(());
        }
    });
    let result = match select(pin!(work), too_late).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    };
    drop(done);
    result
}

/// Which of the deltas have a value at the path, with its `$source`.
fn values_at(seen: &[Arc<SharedDelta>], path: &str) -> Vec<(String, Value)> {
    let updates = seen.iter().flat_map(|delta| &delta.delta().updates);
    let values = updates.flat_map(|update| update.values.iter().map(move |value| (update, value)));
    let wanted = values.filter(|(_, value)| value.path.as_str() == path);
    wanted.map(|(update, value)| (update.source_ref.to_string(), value.value.to_value())).collect()
}

pub fn read_json(file: &FilePath) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// A delta of the own ship.
pub fn delta(path: &str, value: Value) -> Value {
    json!({"updates": [{"$source": "gps.GP", "values": [{"path": path, "value": value}]}]})
}

fn tap_id() -> ConsumerId {
    ConsumerId("tap".into())
}

struct Tap {
    broker: Addr<Broker>,
    sender: watch::Sender<Vec<Arc<SharedDelta>>>,
}

impl Actor for Tap {
    type Context = Context<Self>;
}

impl Handler<DeliverDeltas> for Tap {
    type Result = ();

    fn handle(&mut self, DeliverDeltas(deltas): DeliverDeltas, ctx: &mut Self::Context) {
        self.sender.send_modify(|seen| seen.extend(deltas));
        ctx.spawn(self.broker.send(ConsumerReady(tap_id())).into_actor(self).map(|_, _, _| ()));
    }
}

struct Ear(tokio::sync::mpsc::UnboundedSender<Value>);

impl Actor for Ear {
    type Context = Context<Self>;
}

impl Handler<ServerEvent> for Ear {
    type Result = ();

    fn handle(&mut self, ServerEvent(text): ServerEvent, ctx: &mut Self::Context) {
        if self.0.send(serde_json::from_str(&text).expect("JSON")).is_err() {
            ctx.stop();
        }
    }
}
