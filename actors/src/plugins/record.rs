//! What is known of one plugin: written by its actor, read by everybody without waiting for a guest call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use windlass_broker::Timestamp;
use windlass_wasm_host::{Abi, CallStatistics, Guest, PackageProblem, PluginPackage};

use super::config::PluginConfig;
use super::config_store::{ConfigStore, Revision};
use crate::{StatusBoard, StatusKind, StatusSubject};

/// Notices to the operator that are kept for one plugin.
const MAX_NOTICES: usize = 20;

/// The state machine of §7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginState {
    /// Not running, and not meant to.
    Stopped,
    /// Being loaded or started.
    Starting,
    /// Started.
    Running,
    /// It could not be loaded or started, or crashed too often.
    Error,
    /// Its instance failed; the restart policy will bring it back.
    Crashed,
    /// The WASM interface is switched off.
    Disabled,
}

/// What decides whether a plugin runs, besides its configuration file (§1.5).
#[derive(Debug, Clone, Copy)]
pub(super) struct Enablement {
    /// The WASM interface is on.
    pub wasm: bool,
    /// `DISABLEPLUGINS`.
    pub disable_all: bool,
    /// It is named in `DEFAULTENABLEDPLUGINS`.
    pub by_default: bool,
}

/// One plugin.
#[derive(Debug)]
pub(super) struct Record {
    pub package: PluginPackage,
    pub config: ConfigStore,
    pub enablement: Enablement,
    pub board: StatusBoard,
    condition: Mutex<Condition>,
    changed: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Condition {
    state: PluginState,
    name: String,
    schema: Value,
    error: Option<String>,
    crash_count: u64,
    last_crash: Option<Timestamp>,
    restart_backoff: Option<Duration>,
    abi: Option<Abi>,
    memory_bytes: u64,
    queued: usize,
    calls: CallStatistics,
    /// Of earlier instances.
    earlier_calls: CallStatistics,
    refused_deltas: u64,
    denied_calls: u64,
    notices: Vec<String>,
}

impl Record {
    pub(super) fn new(
        package: PluginPackage,
        config: ConfigStore,
        enablement: Enablement,
        board: StatusBoard,
        changed: Arc<watch::Sender<u64>>,
    ) -> Self {
        let state = match (enablement.wasm, &package.problem) {
            (false, _) => PluginState::Disabled,
            (true, Some(_)) => PluginState::Error,
            (true, None) => PluginState::Stopped,
        };
        let condition = Condition {
            state,
            name: package.display_name.clone().unwrap_or_else(|| package.name.clone()),
            schema: Map::new().into(),
            error: package.problem.as_ref().filter(|_| enablement.wasm).map(PackageProblem::to_string),
            crash_count: 0,
            last_crash: None,
            restart_backoff: None,
            abi: None,
            memory_bytes: 0,
            queued: 0,
            calls: CallStatistics::default(),
            earlier_calls: CallStatistics::default(),
            refused_deltas: 0,
            denied_calls: 0,
            notices: Vec::new(),
        };
        let record = Self { package, config, enablement, board, condition: Mutex::new(condition), changed };
        if let Some(problem) = record.error() {
            log::error!("plugin {}: {problem}", record.package.name);
            if !record.is_duplicate() {
                record.report(StatusKind::Error, &problem);
            }
        }
        record
    }

    pub(super) fn id(&self) -> &str {
        self.package.id.as_str()
    }

    /// Whether the id belongs to another package (§1.4).
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self.package.problem, Some(PackageProblem::DuplicateId { .. }))
    }

    pub(super) fn state(&self) -> PluginState {
        self.lock().state
    }

    pub(super) fn error(&self) -> Option<String> {
        self.lock().error.clone()
    }

    /// What is saved; nothing when it can't be read, which is logged.
    pub(super) fn saved(&self) -> Option<PluginConfig> {
        self.saved_revision().1
    }

    /// The same, with the revision that it is.
    pub(super) fn saved_revision(&self) -> (Revision, Option<PluginConfig>) {
        let (revision, saved) = self.config.load_revision();
        let saved = saved.unwrap_or_else(|error| {
            log::error!("plugin {}: {error}; it counts as not configured", self.id());
            None
        });
        (revision, saved)
    }

    /// Whether it is to run.
    pub(super) fn wanted(&self, saved: Option<&PluginConfig>) -> bool {
        let Enablement { wasm, disable_all, by_default } = self.enablement;
        let unsaved = by_default || self.package.enabled_by_default;
        wasm && !disable_all && saved.map_or(unsaved, |config| config.enabled() == Some(true))
    }

    /// A status text in the plugin's name (§8.6).
    pub(super) fn report(&self, kind: StatusKind, text: &str) {
        self.board.set(self.id(), StatusSubject::Plugin, kind, text);
    }

    /// A change of state. `error` is kept until the next change. Its status text is reported before, so that who sees the state sees the
    /// text as well.
    pub(super) fn enter(&self, state: PluginState, error: Option<String>) {
        let mut condition = self.lock();
        condition.state = state;
        condition.error = error;
        if state != PluginState::Crashed {
            condition.restart_backoff = None;
        }
        drop(condition);
        self.note_change();
    }

    pub(super) fn count_crash(&self) {
        let mut condition = self.lock();
        condition.crash_count += 1;
        condition.last_crash = Some(Timestamp::now());
    }

    pub(super) fn set_backoff(&self, delay: Duration) {
        self.lock().restart_backoff = Some(delay);
        self.note_change();
    }

    /// What the module says of itself. An empty name leaves the package's in place.
    pub(super) fn describe(&self, abi: Abi, name: &str, schema: Value) {
        let mut condition = self.lock();
        condition.abi = Some(abi);
        condition.name = if name.is_empty() { self.package.name.clone() } else { name.to_owned() };
        condition.schema = schema;
        drop(condition);
        self.note_change();
    }

    /// The figures after a call.
    pub(super) fn observe(&self, guest: &dyn Guest, queued: usize) {
        let mut condition = self.lock();
        condition.memory_bytes = guest.memory_bytes();
        condition.calls = guest.calls();
        condition.queued = queued;
    }

    /// The instance is gone; what it counted stays.
    pub(super) fn retire_instance(&self, queued: usize) {
        let mut condition = self.lock();
        condition.earlier_calls = condition.all_calls();
        condition.calls = CallStatistics::default();
        condition.memory_bytes = 0;
        condition.queued = queued;
    }

    pub(super) fn count_refused_delta(&self) {
        self.lock().refused_deltas += 1;
    }

    pub(super) fn count_denied_call(&self) {
        self.lock().denied_calls += 1;
    }

    /// Keeps a notice. True when it is new.
    pub(super) fn note(&self, text: &str) -> bool {
        let mut condition = self.lock();
        let new = condition.notices.len() < MAX_NOTICES && !condition.notices.iter().any(|known| known == text);
        if new {
            condition.notices.push(text.to_owned());
        }
        new
    }

    /// Something that the plugin list shows is different.
    pub(super) fn note_change(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    /// The display name; the package's until the module has answered.
    pub(super) fn name(&self) -> String {
        self.lock().name.clone()
    }

    fn status_message(&self) -> String {
        match self.lock().state {
            PluginState::Disabled => return "WASM interface disabled".to_owned(),
            _ if self.package.problem.is_some() => {}
            _ => return self.board.get(self.id()).map(|entry| entry.message).unwrap_or_default(),
        }
        self.error().unwrap_or_default()
    }

    /// The saved settings with what is forced on them from outside; `{}` without any (§8.1).
    fn data(&self) -> Map<String, Value> {
        let saved = self.saved();
        let by_default = saved.is_none() && self.enablement.by_default;
        let mut data = saved.map(PluginConfig::into_object).unwrap_or_default();
        if self.enablement.disable_all || !self.enablement.wasm {
            data.insert("enabled".into(), false.into());
        } else if by_default {
            data.insert("enabled".into(), true.into());
        }
        data
    }

    /// An item of the plugin list (§8.1). Reads the configuration file.
    pub(super) fn list_item(&self) -> Value {
        let data = self.data();
        let condition = self.lock();
        let mut item = json!({
            "id": self.id(),
            "name": condition.name,
            "packageName": self.package.name,
            "keywords": self.package.keywords,
            "version": self.package.version,
            "description": self.package.description,
            "schema": condition.schema,
            "statusMessage": null,
            "state": condition.state,
            "data": data,
            "type": "wasm",
            "bundled": self.package.bundled,
        });
        drop(condition);
        // After the state: texts are reported before states, so this one is not older.
        item["statusMessage"] = self.status_message().into();
        item
    }

    /// The answer of `GET …/plugins/<id>` (§8.2). Reads the configuration file.
    pub(super) fn info(&self) -> Value {
        json!({
            "enabled": self.wanted(self.saved().as_ref()),
            "enabledByDefault": self.enablement.by_default || self.package.enabled_by_default,
            "id": self.id(),
            "name": self.name(),
            "version": self.package.version,
        })
    }

    /// The answer of `GET …/plugins/<id>/config`: the file over the defaults (§8.2).
    pub(super) fn config_json(&self) -> Value {
        let mut config = Map::from_iter([
            ("enabled".to_owned(), self.wanted(None).into()),
            ("enableDebug".to_owned(), false.into()),
        ]);
        config.extend(self.data());
        config.into()
    }

    /// The answer of `GET …/plugins/<id>/status` (§8.4), without what only the broker and the disk know.
    pub(super) fn status(&self) -> Map<String, Value> {
        let condition = self.lock();
        let calls = condition.all_calls();
        let mut status = json!({
            "id": self.id(),
            "state": condition.state,
            "statusMessage": null,
            "errorMessage": condition.error,
            "crashCount": condition.crash_count,
            "lastCrash": condition.last_crash,
            "restartBackoff": condition.restart_backoff.map(|delay| delay.as_millis() as u64),
            "capabilities": self.package.capabilities,
            "capabilityWarnings": self.package.capability_warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "abi": condition.abi,
            "memoryBytes": condition.memory_bytes,
            "queuedDeltas": condition.queued,
            "refusedDeltas": condition.refused_deltas,
            "deniedCalls": condition.denied_calls,
            "notices": condition.notices,
            "calls": {
                "count": calls.count,
                "failed": calls.failed,
                "maxMs": calls.longest.as_secs_f64() * 1000.0,
            },
        });
        drop(condition);
        status["statusMessage"] = self.status_message().into();
        match status {
            Value::Object(status) => status,
            _ => Map::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Condition> {
        // Whole between any two statements above, also after a panic.
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Condition {
    fn all_calls(&self) -> CallStatistics {
        CallStatistics {
            count: self.earlier_calls.count + self.calls.count,
            failed: self.earlier_calls.failed + self.calls.failed,
            longest: self.earlier_calls.longest.max(self.calls.longest),
        }
    }
}
