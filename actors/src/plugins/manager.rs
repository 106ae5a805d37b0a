//! All plugins of the server, for those who list, configure and stop them.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::thread::available_parallelism;

use actix::prelude::*;
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Duration, sleep, timeout};
use windlass_broker::{Broker, CollectBrokerStatistics, Context as VesselContext};
use windlass_wasm_host::{DiskUsage, JailedFileSystem, Limits, PluginPackage, discover};

use super::administration::watch_files;
use super::calls::{self, CallTarget, PluginCallError};
use super::consent::Consents;
use super::endpoints::{EndpointError, EndpointMatch};
use super::error::PluginError;
use super::host::Surroundings;
use super::identities::Names;
use super::launcher::Launcher;
use super::limits::PluginLimits;
use super::offers::Offers;
use super::plugin::{ApplyConfig, Plugin, Restart, Shutdown};
use super::record::{PluginState, Record};
use super::settings::{PluginSettings, Timing};
use super::web_apps::{self, WebApp};
use crate::binary_streams::BinaryStreams;
use crate::data_model::ModelView;
use crate::stream::EventBus;
use crate::{StatusBoard, StatusKind};

/// Least time between two `PLUGINS_CHANGED`: a start changes every plugin's state several times.
const ANNOUNCEMENT_PAUSE: Duration = Duration::from_millis(100);

/// The handle on all plugins. Cheap to clone, usable from any thread with an actix or tokio runtime; no method waits for a busy
/// plugin, except those that say so.
#[derive(Clone)]
pub struct PluginManager(pub(super) Arc<Inner>);

pub(super) struct Inner {
    /// In the order of discovery; replaced as a whole when packages come and go.
    pub(super) entries: RwLock<Arc<[Arc<Entry>]>>,
    pub(super) broker: Addr<Broker>,
    pub(super) timing: Timing,
    surroundings: Surroundings,
    pub(super) web_apps: RwLock<Arc<[WebApp]>>,
    pub(super) launcher: Launcher,
    /// Held while an actor is started late.
    pub(super) opening: Mutex<()>,
    /// Held while it is looked for packages again; true once all have been stopped for the end of the server.
    pub(super) looking: tokio::sync::Mutex<bool>,
}

pub(super) struct Entry {
    pub(super) record: Arc<Record>,
    /// Empty: it can't or must not be run.
    pub(super) plugin: OnceLock<Addr<Plugin>>,
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
        let web_apps = WebApp::discover(&settings.roots);
        for app in web_apps.iter().filter(|app| app.is_for_node(&packages)) {
            log::info!("the web app {} is served; its plugin for Node.js does not run on this server", app.name);
        }
        let names = Names::default();
        names.set(&packages);
        let changed = Arc::new(watch::Sender::new(0));
        let changes = changed.subscribe();
        let surroundings = Surroundings { events: events.clone(), ..Surroundings::default() };
        let watched = settings.watch;
        let launcher = Launcher {
            consents: Arc::new(Consents::open(&settings.config_dir)),
            status,
            changed,
            view,
            self_context,
            names,
            surroundings: surroundings.clone(),
            runtime: OnceLock::new(),
            compilers: Arc::new(Semaphore::new(available_parallelism().map_or(1, NonZero::get))),
            timing,
            broker: broker.clone(),
            wasm_enabled: AtomicBool::new(settings.wasm_enabled),
            settings,
        };
        let entries: Arc<[_]> =
            packages.into_iter().map(|package| Arc::new(Entry::start(&launcher, package))).collect();
        log::info!("{} plugins found", entries.len());
        let manager = Self(Arc::new(Inner {
            entries: RwLock::new(entries),
            broker,
            timing,
            surroundings,
            web_apps: RwLock::new(web_apps.into()),
            launcher,
            opening: Mutex::new(()),
            looking: tokio::sync::Mutex::default(),
        }));
        actix::spawn(announce(Arc::downgrade(&manager.0), changes, events));
        if watched {
            actix::spawn(watch_files(Arc::downgrade(&manager.0), timing.watch));
        }
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
    /// most ten seconds (§8.2). `"consent": true` beside `"enabled": true` agrees to what the package asks for.
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

    /// Enables a plugin and agrees to everything that its package asks for now.
    ///
    /// # Errors
    /// See [`save_config`](Self::save_config).
    pub async fn enable_with_consent(&self, id: &str) -> Result<(), PluginError> {
        let body = [("enabled".to_owned(), true.into()), ("consent".to_owned(), true.into())];
        self.save(id, Map::from_iter(body), false).await
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
        match entry.plugin.get() {
            None => Err(entry.reason()),
            Some(_) if entry.record.state() == PluginState::Starting => {
                Err(PluginError::Busy(entry.record.id().to_owned()))
            }
            Some(plugin) => {
                let hurry = entry.record.waits.cut_short();
                self.0.ask(&entry, plugin, Restart { hurry }).await
            }
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
        let (root, limits) = (entry.record.config.vfs_root(), entry.record.limits.sandbox.clone());
        let usage = blocking(move || disk_usage(&root, &limits)).await.unwrap_or_default();
        status.insert("vfs".into(), json!({"totalBytes": usage.total_bytes, "fileCount": usage.file_count}));
        status.insert("limits".into(), entry.record.limits_json(usage));
        Ok(status.into())
    }

    /// What running plugins offer: PUT handlers and providers.
    pub fn offers(&self) -> &Offers {
        self.0.offers()
    }

    /// The binary streams that plugins publish.
    pub fn streams(&self) -> &BinaryStreams {
        &self.0.surroundings.streams
    }

    /// The id of a plugin that is given by id or package name.
    pub fn id_of(&self, name: &str) -> Option<String> {
        self.0.find(name).ok().map(|entry| entry.record.id().to_owned())
    }

    /// Asks a running plugin, by id or package name, and waits for its answer no longer than `patience`. `Ok(None)`: it answered nothing.
    ///
    /// # Errors
    /// It does not run, has no such function, failed, or did not answer in time.
    pub async fn call(
        &self,
        id: &str,
        target: CallTarget,
        request: String,
        patience: Duration,
    ) -> Result<Option<String>, PluginCallError> {
        let entry = self.0.find(id).map_err(|_| PluginCallError::Unknown(id.to_owned()))?;
        match entry.plugin.get() {
            // Not even put in line: a plugin that is being started may take its time.
            Some(plugin) if entry.record.state() == PluginState::Running => {
                let place = entry.record.admit_request().ok_or(PluginCallError::Busy)?;
                calls::call(plugin, target, request, patience, place).await
            }
            _ => Err(PluginCallError::NotRunning),
        }
    }

    /// The endpoint that a request to a plugin, by id or package name, is for (§3.6). `path` is what follows the plugin in the URL, not
    /// decoded. It may be found although the plugin does not run at the moment.
    ///
    /// # Errors
    /// There is none, or nobody knows yet.
    pub fn endpoint(&self, id: &str, method: &str, path: &str) -> Result<EndpointMatch, EndpointError> {
        let entry = self.0.find(id).map_err(|_| EndpointError::UnknownPlugin(id.to_owned()))?;
        match entry.record.endpoints() {
            Some(endpoints) => endpoints.find(method, path),
            None if entry.record.package().capabilities.http_endpoints == Some(false) => Err(EndpointError::NotFound),
            None => Err(EndpointError::NotRunning),
        }
    }

    /// How long a plugin, by id or package name, may take for an HTTP or PUT request; the default when there is no such plugin.
    pub fn request_deadline(&self, id: &str) -> Duration {
        let deadlines = |limits: &PluginLimits| limits.sandbox.deadlines.request;
        self.0
            .find(id)
            .map_or_else(|_| deadlines(&self.0.launcher.settings.limits), |entry| deadlines(&entry.record.limits))
    }

    /// A plugin's state.
    pub fn state(&self, id: &str) -> Option<PluginState> {
        self.0.find(id).ok().map(|entry| entry.record.state())
    }

    /// Tells the operator something about a plugin, once.
    pub fn notice(&self, id: &str, text: &str) {
        if let Ok(entry) = self.0.find(id)
            && entry.record.note(text)
        {
            log::warn!("plugin {}: {text}", entry.record.id());
        }
    }

    /// Whether a plugin, or the package of this name, asks for more than the operator has agreed to. One that is not known does not.
    pub fn awaits_consent(&self, id: &str) -> bool {
        self.0.find(id).is_ok_and(|entry| !entry.record.missing_consent().is_empty())
    }

    /// The folder with a plugin's files for the browser (§8.3). Looked up each time, on disk. A plugin that waits for consent shows none:
    /// its pages could do what the operator has not agreed to.
    pub async fn public_folder(&self, id: &str) -> Option<PathBuf> {
        if self.awaits_consent(id) {
            return None;
        }
        let record = self.0.find(id).ok()?.record.clone();
        blocking(move || web_apps::plugin_folder(&record.package())).await.flatten()
    }

    /// The packages with pages for the browser, sorted by name.
    pub fn web_apps(&self) -> Arc<[WebApp]> {
        self.0.web_apps.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The names of the packages whose plugins are switched off.
    pub async fn disabled_packages(&self) -> Vec<String> {
        let records = self.0.records();
        let is_off = |record: &Arc<Record>| !record.wanted(record.saved().as_ref());
        let names = move || records.iter().filter(|r| is_off(r)).map(|r| r.package().name.clone()).collect();
        blocking(names).await.unwrap_or_default()
    }

    /// Stops all plugins, for the end of the server: `plugin_stop` once for each that runs. One that hangs is waited for no longer
    /// than six seconds.
    pub async fn stop_all(&self) {
        if let Some(Ok(runtime)) = self.0.launcher.runtime.get() {
            // A plugin that waits for an answer from outside would keep the server waiting with it.
            runtime.abort_requests();
        }
        // What is being installed must not be started after the others have stopped.
        *self.0.looking.lock().await = true;
        join_all(self.0.entries().iter().map(|entry| entry.stop(self.0.timing.shutdown, false))).await;
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
        let consents = body.get("consent") == Some(&Value::Bool(true));
        let saving = move || {
            let (config, revision) =
                record.config.update(|config| config.merged(&body)).map_err(PluginError::Config)?;
            record.note_change();
            let reload = consents
                && config.enabled() == Some(true)
                && record.give_consent().map_err(PluginError::ConsentNotSaved)?;
            Ok::<_, PluginError>((record.wanted(Some(&config)), reload, revision))
        };
        let (wanted, reload, revision) = match blocking(saving).await {
            Some(saved) => saved?,
            None => return Err(PluginError::ShutDown(entry.record.id().to_owned())),
        };
        match entry.plugin.get() {
            None if wanted => Err(entry.reason()),
            None => Ok(()),
            // It starts with what has been saved.
            Some(_) if reload => self.reload(entry.record.id()).await,
            Some(plugin) => {
                let hurry = (restart || !wanted).then(|| entry.record.waits.cut_short());
                self.0.ask(&entry, plugin, ApplyConfig { revision, restart, hurry }).await
            }
        }
    }
}

impl Inner {
    pub(super) fn records(&self) -> Vec<Arc<Record>> {
        self.entries().iter().map(|entry| entry.record.clone()).collect()
    }

    /// By id; failing that by package name.
    pub(super) fn find(&self, id: &str) -> Result<Arc<Entry>, PluginError> {
        let entries = self.entries();
        let by_id = |entry: &&Arc<Entry>| entry.record.id() == id && !entry.record.is_duplicate();
        let by_name = |entry: &&Arc<Entry>| entry.record.package().name == id;
        let found = entries.iter().find(by_id).or_else(|| entries.iter().find(by_name));
        found.cloned().ok_or_else(|| PluginError::Unknown(id.to_owned()))
    }

    /// What running plugins offer.
    pub(super) fn offers(&self) -> &Offers {
        &self.surroundings.offers
    }

    /// All of them, as they are now.
    pub(super) fn entries(&self) -> Arc<[Arc<Entry>]> {
        // Set in one step, so it is whole also after a panic.
        self.entries.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request whose answer may take as long as a start does; after a while it counts as well begun. It is carried out also
    /// when the asker goes away.
    pub(super) async fn ask<M>(&self, entry: &Entry, plugin: &Addr<Plugin>, message: M) -> Result<(), PluginError>
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
    /// Describes a package, and starts its actor if it can run.
    pub(super) fn start(launcher: &Launcher, package: PluginPackage) -> Self {
        let entry = Self { record: Arc::new(launcher.describe(package)), plugin: OnceLock::new() };
        if launcher.runs_plugins() && entry.record.package().problem.is_none() {
            match launcher.launch(&entry.record, false) {
                Ok(plugin) => drop(entry.plugin.set(plugin)),
                Err(reason) => refuse(&entry.record, reason),
            }
        }
        entry
    }

    /// Stops the plugin and ends its thread. One that hangs is waited for no longer than `patience`. `removed`: its package is gone.
    pub(super) async fn stop(&self, patience: Duration, removed: bool) {
        let Some(plugin) = self.plugin.get() else { return };
        let hurry = self.record.waits.cut_short();
        if timeout(patience, plugin.send(Shutdown { hurry, removed })).await.is_err() {
            log::error!("plugin {} does not stop; its thread is left behind", self.record.id());
        }
    }

    /// Why it can't be run.
    pub(super) fn reason(&self) -> PluginError {
        PluginError::Start(self.record.error().unwrap_or_else(|| "the WASM interface is switched off".to_owned()))
    }
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

fn disk_usage(root: &Path, limits: &Limits) -> DiskUsage {
    if !root.is_dir() {
        return DiskUsage::default();
    }
    JailedFileSystem::open(root, limits).map(|files| files.usage()).unwrap_or_else(|error| {
        log::warn!("{} can't be measured: {error}", root.display());
        DiskUsage::default()
    })
}

/// Runs what reads or writes files where it holds nobody up. `None` only while the server goes down, or after a panic, which has been
/// reported.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
