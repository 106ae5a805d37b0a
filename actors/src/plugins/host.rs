//! A running plugin's way into the server (§4.2–4.4).

use std::collections::HashSet;
use std::mem::{self, Discriminant};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use log::Level;
use windlass_broker::{Context, Delta, Intake, IntakeError, NameError, Provider, RawJson, push_string};
use windlass_wasm_host::{DeltaVersion, Host, HostError, OutputStream};

use super::identities::{Identity, Names};
use super::lookup::{self, LeafForm};
use super::record::Record;
use crate::StatusKind;
use crate::data_model::ModelView;

/// Deltas that one call into a guest may emit.
const MAX_EMITTED: usize = 10_000;
/// And their size together, in bytes.
const MAX_EMITTED_BYTES: usize = 16 << 20;

/// Serves one plugin. What the guest emits is collected here until the call into it is over.
pub(super) struct PluginHost {
    record: Arc<Record>,
    view: ModelView,
    intake: Intake,
    identity: Identity,
    leaf_form: LeafForm,
    /// The plugin's own log target.
    target: String,
    /// Whether its debug text is shown without anybody setting a log filter.
    debug: AtomicBool,
    emitted: Mutex<Emitted>,
    complained: Mutex<Complained>,
}

#[derive(Default)]
struct Emitted {
    deltas: Vec<Delta>,
    count: usize,
    bytes: usize,
}

/// What has been logged once and is only counted from then on.
#[derive(Default)]
struct Complained {
    intake: HashSet<Discriminant<IntakeError>>,
    flood: bool,
    name: bool,
    denied: HashSet<&'static str>,
}

impl PluginHost {
    pub(super) fn new(
        record: Arc<Record>,
        view: ModelView,
        self_context: Context,
        names: Names,
    ) -> Result<Self, NameError> {
        let (id, package) = (record.id().to_owned(), &record.package);
        let intake = Intake { self_context, provider: Provider::new(&id)?, override_timestamps: false };
        let node_mode = package.package_json["signalk"]["wasm"]["selfPathMode"] == "node";
        Ok(Self {
            identity: Identity::new(&id, &package.name, names),
            leaf_form: if node_mode { LeafForm::Node } else { LeafForm::Value },
            target: format!("signalk:wasm:plugin:{id}"),
            debug: AtomicBool::new(false),
            emitted: Mutex::default(),
            complained: Mutex::default(),
            record,
            view,
            intake,
        })
    }

    /// Who publishes.
    pub(super) fn provider(&self) -> &Provider {
        &self.intake.provider
    }

    /// Whether the configuration asks for debug text.
    pub(super) fn set_debug(&self, on: bool) {
        self.debug.store(on, Ordering::Relaxed);
    }

    /// What has been emitted since the last time, in order.
    pub(super) fn take_emitted(&self) -> Vec<Delta> {
        mem::take(&mut *lock(&self.emitted)).deltas
    }

    /// Publishes a notification in the plugin's name; `value_json` is valid JSON.
    pub(super) fn notify(&self, path: &str, value_json: &str) -> Result<(), String> {
        let mut text = String::with_capacity(64 + path.len() + value_json.len());
        text.push_str("{\"updates\":[{\"values\":[{\"path\":");
        push_string(&mut text, path);
        text.push_str(",\"value\":");
        text.push_str(value_json);
        text.push_str("}]}]}");
        match self.take(&text, DeltaVersion::V1) {
            None => Ok(()),
            Some(problem) => Err(problem),
        }
    }

    /// Takes a delta in; returns the first problem.
    fn take(&self, json: &str, version: DeltaVersion) -> Option<String> {
        {
            let mut emitted = lock(&self.emitted);
            emitted.count += 1;
            emitted.bytes += json.len();
            if emitted.count > MAX_EMITTED || emitted.bytes > MAX_EMITTED_BYTES {
                drop(emitted);
                return Some(self.refuse_flood());
            }
        }
        let version = match version {
            DeltaVersion::V1 => windlass_broker::DeltaVersion::V1,
            DeltaVersion::V2 => windlass_broker::DeltaVersion::V2,
        };
        let taken = self.intake.take(json, version);
        let mut first = None;
        for problem in taken.problems {
            self.refuse(&problem);
            first.get_or_insert_with(|| problem.to_string());
        }
        if let Some(mut delta) = taken.delta {
            match self.identity.correct(&mut delta) {
                Ok(()) => lock(&self.emitted).deltas.push(delta),
                Err(error) => {
                    self.record.count_refused_delta();
                    if !mem::replace(&mut lock(&self.complained).name, true) {
                        log::warn!("plugin {}: a delta is dropped: {error}", self.record.id());
                    }
                    first.get_or_insert_with(|| error.to_string());
                }
            }
        }
        first
    }

    fn refuse(&self, problem: &IntakeError) {
        self.record.count_refused_delta();
        if lock(&self.complained).intake.insert(mem::discriminant(problem)) {
            log::warn!(
                "plugin {}: {problem}. Further ones of this kind are only counted (refusedDeltas in the plugin's status)",
                self.record.id()
            );
        }
    }

    fn refuse_flood(&self) -> String {
        self.record.count_refused_delta();
        let problem = format!(
            "more than {MAX_EMITTED} deltas or {MAX_EMITTED_BYTES} bytes emitted in one call; the rest is dropped, emit less at a time"
        );
        if !mem::replace(&mut lock(&self.complained).flood, true) {
            log::warn!("plugin {}: {problem}", self.record.id());
        }
        problem
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only this file's short sections hold these locks, and each leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host for PluginHost {
    fn debug(&self, text: &str) {
        let level = if self.debug.load(Ordering::Relaxed) { Level::Info } else { Level::Debug };
        log::log!(target: &self.target, level, "{text}");
    }

    fn set_status(&self, text: &str) {
        self.record.report(StatusKind::Status, text);
    }

    fn set_error(&self, text: &str) {
        log::warn!(target: &self.target, "{text}");
        self.record.report(StatusKind::Error, text);
    }

    fn emit_delta(&self, json: &str, version: DeltaVersion) {
        // A problem is counted and logged; there is no way to tell the guest.
        self.take(json, version);
    }

    fn publish_notification(&self, path: &str, value_json: &str) -> Result<(), HostError> {
        self.notify(path, value_json).map_err(HostError)
    }

    fn self_path(&self, path: &str) -> Option<String> {
        lookup::self_path(&self.view, path, self.leaf_form)
    }

    fn path(&self, path: &str) -> Option<String> {
        lookup::full_path(&self.view, path, self.leaf_form)
    }

    fn read_config(&self) -> Result<String, HostError> {
        let saved = self.record.config.load().map_err(|error| HostError(error.to_string()))?;
        Ok(saved.unwrap_or_default().configuration_json())
    }

    fn save_config(&self, json: &str) -> Result<(), HostError> {
        let configuration = RawJson::parse(json).map_err(|error| HostError(error.to_string()))?.to_value();
        // It runs, so it is enabled, even if only by default.
        let saved = self.record.config.update(|config| config.with_configuration(configuration, true));
        saved.map_err(|error| HostError(error.to_string()))?;
        self.record.note_change();
        Ok(())
    }

    fn output_line(&self, stream: OutputStream, line: &str) {
        let level = match stream {
            OutputStream::Stdout => Level::Debug,
            OutputStream::Stderr => Level::Warn,
        };
        log::log!(target: &self.target, level, "{stream}: {line}");
    }

    fn denied(&self, import: &'static str, capability: &'static str) {
        self.record.count_denied_call();
        if lock(&self.complained).denied.insert(import) {
            log::warn!(
                "plugin {}: {import} is refused, because its package.json does not grant wasmCapabilities.{capability}; further \
                 calls are only counted",
                self.record.id()
            );
        }
    }

    fn notice(&self, text: &str) {
        if self.record.note(text) {
            log::warn!("plugin {}: {text}", self.record.id());
        }
    }
}
