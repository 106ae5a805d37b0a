//! All plugins of the server, for those who list, configure and stop them.

use std::path::Path;
use std::sync::{Arc, Weak};

use actix::prelude::*;
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{Duration, sleep, timeout};
use windlass_broker::{Broker, CollectBrokerStatistics, Context as VesselContext};
use windlass_wasm_host::{JailedFileSystem, Limits, PluginPackage, Runtime, RuntimeError, RuntimeOptions, discover};

use super::config_store::ConfigStore;
use super::error::PluginError;
use super::host::PluginHost;
use super::identities::Names;
use super::plugin::{ApplyConfig, Plugin, PluginParts, Restart, Shutdown};
use super::record::{Enablement, PluginState, Record};
use super::settings::{PluginSettings, Timing};
use crate::data_model::ModelView;
use crate::stream::EventBus;
use crate::{StatusBoard, StatusKind};

/// Least time between two `PLUGINS_CHANGED`: a start changes every plugin's state several times.
const ANNOUNCEMENT_PAUSE: Duration = Duration::from_millis(100);

/// The handle on all plugins. Cheap to clone, usable from any thread with an actix or tokio runtime; no method waits for a busy
/// plugin, except those that say so.
#[derive(Clone)]
pub struct PluginManager(Arc<Inner>);

struct Inner {
    entries: Vec<Entry>,
    broker: Addr<Broker>,
    limits: Limits,
    timing: Timing,
}

struct Entry {
    record: Arc<Record>,
    /// `None`: it can't or must not be run.
    plugin: Option<Addr<Plugin>>,
}

impl PluginManager {
    /// Finds the installed plugins and has those that are enabled compiled and started in the background, each on a thread of its
    /// own. Returns when they are found: the list is complete from then on. Must be called inside an actix system.
    pub fn start(
        settings: PluginSettings,
        broker: Addr<Broker>,
        view: ModelView,
        status: StatusBoard,
        events: EventBus,
        self_context: VesselContext,
    ) -> Self {
        Self::start_timed(settings, Timing::default(), broker, view, status, events, self_context)
    }

    pub(super) fn start_timed(
        settings: PluginSettings,
        timing: Timing,
        broker: Addr<Broker>,
        view: ModelView,
        status: StatusBoard,
        events: EventBus,
        self_context: VesselContext,
    ) -> Self {
        let packages = discover(&settings.roots);
        let runtime = (settings.wasm_enabled && packages.iter().any(|package| package.problem.is_none()))
            .then(|| open_runtime(&settings.cache_dir));
        let names = packages.iter().flat_map(|package| [package.id.to_string(), package.name.clone()]);
        let names: Names = Arc::new(names.collect());
        let changed = Arc::new(watch::Sender::new(0));
        let changes = changed.subscribe();
        let start_one = |package: PluginPackage| {
            let record = Arc::new(describe(package, &settings, &status, &changed));
            let runtime = runtime.as_ref().filter(|_| record.package.problem.is_none());
            let plugin = runtime.and_then(|runtime| {
                let started = runtime.as_ref().map_err(ToString::to_string).and_then(|runtime| {
                    let host = PluginHost::new(record.clone(), view.clone(), self_context.clone(), names.clone());
                    let parts = PluginParts {
                        record: record.clone(),
                        host: Arc::new(host.map_err(|error| error.to_string())?),
                        runtime: runtime.clone(),
                        limits: settings.limits.clone(),
                        timing,
                        broker: broker.clone(),
                    };
                    start_actor(parts)
                });
                started.map_err(|reason| refuse(&record, reason)).ok()
            });
            Entry { record, plugin }
        };
        let entries: Vec<_> = packages.into_iter().map(start_one).collect();
        log::info!("{} plugins found", entries.len());
        let manager = Self(Arc::new(Inner { entries, broker, limits: settings.limits, timing }));
        actix::spawn(announce(Arc::downgrade(&manager.0), changes, events));
        manager
    }

    /// The list as `GET /skServer/plugins` shows it, sorted by name (§8.1).
    pub async fn list(&self) -> Vec<Value> {
        let records = self.0.records();
        blocking(move || list_items(records)).await.unwrap_or_default()
    }

    /// The answer of `GET …/plugins/<id>` (§8.2). The id may be a package name here and below.
    ///
    /// # Errors
    /// No such plugin.
    pub async fn info(&self, id: &str) -> Result<Value, PluginError> {
        self.read(id, |record| record.info()).await
    }

    /// The answer of `GET …/plugins/<id>/config` (§8.2).
    ///
    /// # Errors
    /// No such plugin.
    pub async fn config(&self, id: &str) -> Result<Value, PluginError> {
        self.read(id, |record| record.config_json()).await
    }

    /// Saves what `POST …/plugins/<id>/config` brings, then starts, restarts or stops the plugin accordingly and waits for that, at
    /// most ten seconds (§8.2).
    ///
    /// # Errors
    /// No such plugin, the body is not an object, the file can't be written; or all is saved, but the plugin does not start.
    pub async fn save_config(&self, id: &str, body: Value) -> Result<(), PluginError> {
        let Value::Object(body) = body else { return Err(PluginError::NotAnObject) };
        self.save(id, body, true).await
    }

    /// Enables or disables a plugin, for good, and waits as [`save_config`](Self::save_config) does (§8.4).
    ///
    /// # Errors
    /// See [`save_config`](Self::save_config).
    pub async fn set_enabled(&self, id: &str, enabled: bool) -> Result<(), PluginError> {
        self.save(id, Map::from_iter([("enabled".to_owned(), enabled.into())]), false).await
    }

    /// Gives an enabled plugin a fresh instance, and waits as [`save_config`](Self::save_config) does (§8.4).
    ///
    /// # Errors
    /// No such plugin, it is not enabled or just being started; or it does not start again.
    pub async fn restart(&self, id: &str) -> Result<(), PluginError> {
        let entry = self.0.find(id)?;
        let record = entry.record.clone();
        let wanted = blocking(move || record.wanted(record.saved().as_ref())).await.unwrap_or(false);
        if !wanted {
            return Err(PluginError::NotEnabled(entry.record.id().to_owned()));
        }
        match &entry.plugin {
            None => Err(entry.reason()),
            Some(_) if entry.record.state() == PluginState::Starting => {
                Err(PluginError::Busy(entry.record.id().to_owned()))
            }
            Some(plugin) => self.0.ask(entry, plugin, Restart).await,
        }
    }

    /// The answer of `GET …/plugins/<id>/status` (§8.4).
    ///
    /// # Errors
    /// No such plugin.
    pub async fn status(&self, id: &str) -> Result<Value, PluginError> {
        let entry = self.0.find(id)?;
        let mut status = entry.record.status();
        let statistics = self.0.broker.send(CollectBrokerStatistics).await;
        let consumers = statistics.map(|statistics| statistics.consumers).unwrap_or_default();
        let consumer = consumers.into_iter().find(|consumer| consumer.consumer.0 == entry.record.id());
        let own = status.get("queuedDeltas").and_then(Value::as_u64).unwrap_or_default();
        let (queued, dropped) = consumer.map_or((0, 0), |consumer| (consumer.queued as u64, consumer.dropped));
        status.insert("queuedDeltas".into(), (own + queued).into());
        status.insert("droppedDeltas".into(), dropped.into());
        let (root, limits) = (entry.record.config.vfs_root(), self.0.limits.clone());
        status.insert("vfs".into(), blocking(move || disk_usage(&root, &limits)).await.unwrap_or_default());
        Ok(status.into())
    }

    /// Stops all plugins, for the end of the server: `plugin_stop` once for each that runs. One that hangs is waited for no longer
    /// than six seconds.
    pub async fn stop_all(&self) {
        let plugins = self.0.entries.iter().filter_map(|entry| Some((entry, entry.plugin.clone()?)));
        join_all(plugins.map(|(entry, plugin)| async move {
            if timeout(self.0.timing.shutdown, plugin.send(Shutdown)).await.is_err() {
                log::error!("plugin {} does not stop; its thread is left behind", entry.record.id());
            }
        }))
        .await;
    }

    async fn read(&self, id: &str, what: fn(&Record) -> Value) -> Result<Value, PluginError> {
        let record = self.0.find(id)?.record.clone();
        let id = record.id().to_owned();
        blocking(move || what(&record)).await.ok_or(PluginError::ShutDown(id))
    }

    async fn save(&self, id: &str, body: Map<String, Value>, restart: bool) -> Result<(), PluginError> {
        let entry = self.0.find(id)?;
        let record = entry.record.clone();
        if record.is_duplicate() {
            // The file belongs to the plugin that has the id.
            return Err(entry.reason());
        }
        let saving = move || {
            let (config, revision) = record.config.update(|config| config.merged(&body))?;
            record.note_change();
            Ok((record.wanted(Some(&config)), revision))
        };
        let (wanted, revision) = match blocking(saving).await {
            Some(saved) => saved.map_err(PluginError::Config)?,
            None => return Err(PluginError::ShutDown(entry.record.id().to_owned())),
        };
        match &entry.plugin {
            None if wanted => Err(entry.reason()),
            None => Ok(()),
            Some(plugin) => self.0.ask(entry, plugin, ApplyConfig { revision, restart }).await,
        }
    }
}

impl Inner {
    fn records(&self) -> Vec<Arc<Record>> {
        self.entries.iter().map(|entry| entry.record.clone()).collect()
    }

    /// By id; failing that by package name.
    fn find(&self, id: &str) -> Result<&Entry, PluginError> {
        let by_id = |entry: &&Entry| entry.record.id() == id && !entry.record.is_duplicate();
        let by_name = |entry: &&Entry| entry.record.package.name == id;
        let found = self.entries.iter().find(by_id).or_else(|| self.entries.iter().find(by_name));
        found.ok_or_else(|| PluginError::Unknown(id.to_owned()))
    }

    /// Sends a request whose answer may take as long as a start does; after a while it counts as well begun. It is carried out also
    /// when the asker goes away.
    async fn ask<M>(&self, entry: &Entry, plugin: &Addr<Plugin>, message: M) -> Result<(), PluginError>
    where
        M: Message<Result = Result<(), PluginError>> + Send + 'static,
        Plugin: Handler<M>,
    {
        let answer = tokio::spawn(plugin.send(message));
        match timeout(self.timing.answer, answer).await {
            Ok(Ok(Ok(answer))) => answer,
            Ok(_) => Err(PluginError::ShutDown(entry.record.id().to_owned())),
            Err(_) => Ok(()),
        }
    }
}

impl Entry {
    /// Why it can't be run.
    fn reason(&self) -> PluginError {
        PluginError::Start(self.record.error().unwrap_or_else(|| "the WASM interface is switched off".to_owned()))
    }
}

fn describe(
    package: PluginPackage,
    settings: &PluginSettings,
    status: &StatusBoard,
    changed: &Arc<watch::Sender<u64>>,
) -> Record {
    for warning in &package.capability_warnings {
        log::warn!("plugin {}: {warning}", package.name);
    }
    let by_default = |name: &String| name == package.id.as_str() || *name == package.name;
    let enablement = Enablement {
        wasm: settings.wasm_enabled,
        disable_all: settings.disable_all,
        by_default: settings.enabled_by_default.iter().any(by_default),
    };
    let config = ConfigStore::new(&settings.config_dir, package.id.as_str());
    Record::new(package, config, enablement, status.clone(), changed.clone())
}

/// The runtime; without its cache when that can't be used.
fn open_runtime(cache_dir: &Path) -> Result<Runtime, RuntimeError> {
    Runtime::new(RuntimeOptions { cache_dir: Some(cache_dir.to_owned()) }).or_else(|error| match error {
        RuntimeError::Cache { .. } => {
            log::error!("{error}. Plugins are compiled anew at every start");
            Runtime::new(RuntimeOptions::default())
        }
        other => Err(other),
    })
}

fn start_actor(parts: PluginParts) -> Result<Addr<Plugin>, String> {
    let arbiter = Arbiter::try_new().map_err(|error| format!("no thread can be started for it: {error}"))?;
    Ok(Plugin::start_in_arbiter(&arbiter.handle(), move |_| Plugin::new(parts)))
}

fn refuse(record: &Record, reason: String) {
    log::error!("plugin {}: {reason}", record.id());
    record.report(StatusKind::Error, &format!("Failed to start: {reason}"));
    record.enter(PluginState::Error, Some(reason));
}

/// Tells the administration pages about changes, until the manager is gone.
async fn announce(manager: Weak<Inner>, mut changes: watch::Receiver<u64>, events: EventBus) {
    while changes.changed().await.is_ok() {
        let Some(records) = manager.upgrade().map(|manager| manager.records()) else { return };
        if let Some(list) = blocking(move || list_items(records)).await {
            events.emit("PLUGINS_CHANGED", &list);
        }
        sleep(ANNOUNCEMENT_PAUSE).await;
    }
}

fn list_items(records: Vec<Arc<Record>>) -> Vec<Value> {
    let mut items: Vec<_> = records.iter().map(|record| (record.name(), record.list_item())).collect();
    items.sort_by(|a, b| a.0.cmp(&b.0));
    items.into_iter().map(|(_, item)| item).collect()
}

fn disk_usage(root: &Path, limits: &Limits) -> Value {
    let usage = if root.is_dir() {
        JailedFileSystem::open(root, limits).map(|files| files.usage()).unwrap_or_else(|error| {
            log::warn!("{} can't be measured: {error}", root.display());
            Default::default()
        })
    } else {
        Default::default()
    };
    json!({"totalBytes": usage.total_bytes, "fileCount": usage.file_count})
}

/// Runs what reads or writes files where it holds nobody up. `None` only while the server goes down, or after a panic, which has been
/// reported.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
