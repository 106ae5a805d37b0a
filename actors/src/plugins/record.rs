//! What is known of one plugin: written by its actor, read by everybody without waiting for a guest call.

mod admission;
mod shown;

pub(super) use admission::Admission;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use windlass_broker::Timestamp;
use windlass_wasm_host::{
    Abi, CallError, CallStatistics, FetchStatistics, Guest, LimitUse, PackageProblem, PluginId, PluginPackage,
    SocketStatistics, Waits,
};

use super::budget::{CpuBudget, RateBudget};
use super::config::PluginConfig;
use super::config_store::{ConfigStore, Revision};
use super::consent::Consents;
use super::endpoints::Endpoints;
use super::limits::PluginLimits;
use super::log_book::{LogBook, LogLevel, LogSource};
use crate::{StatusBoard, StatusKind, StatusSubject};

/// Notices to the operator that are kept for one plugin.
const MAX_NOTICES: usize = 20;
/// Bytes of one; it may quote what a plugin said.
const MAX_NOTICE_BYTES: usize = 500;
/// Requests that may wait for one plugin.
const MAX_REQUESTS: usize = 64;

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

impl PluginState {
    fn name(self) -> &'static str {
        match self {
            PluginState::Stopped => "stopped",
            PluginState::Starting => "starting",
            PluginState::Running => "running",
            PluginState::Error => "error",
            PluginState::Crashed => "crashed",
            PluginState::Disabled => "disabled",
        }
    }
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
    id: PluginId,
    /// Replaced by a reload.
    package: RwLock<Arc<PluginPackage>>,
    /// The version that was not loaded because it asks for more than the operator has consented to.
    pending: RwLock<Option<Arc<PluginPackage>>>,
    pub config: ConfigStore,
    pub enablement: Enablement,
    pub board: StatusBoard,
    pub consents: Arc<Consents>,
    admission: RwLock<Option<Admission>>,
    pub limits: PluginLimits,
    pub log: LogBook,
    /// Ends what the instance waits for outside.
    pub waits: Waits,
    condition: Mutex<Condition>,
    budgets: Mutex<Budgets>,
    reloading: AtomicBool,
    requests: Arc<Semaphore>,
    changed: Arc<watch::Sender<u64>>,
}

/// What a new record is made of, besides the package.
pub(super) struct RecordParts {
    pub config: ConfigStore,
    pub enablement: Enablement,
    pub board: StatusBoard,
    pub consents: Arc<Consents>,
    pub limits: PluginLimits,
    pub changed: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Budgets {
    cpu: CpuBudget,
    deltas: RateBudget,
}

/// Deltas and notifications that were not taken, by reason.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct RefusedDeltas {
    /// They could not be understood, or bear a name that is not to be had.
    invalid: u64,
    /// Too many or too large ones in one call.
    flood: u64,
    /// Too many in a second.
    rate: u64,
}

/// Why a delta was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Invalid,
    Flood,
}

/// How often the plugin ran into bounds that end the call.
#[derive(Debug, Clone, Copy, Default)]
struct Exceeded {
    memory: u64,
    deadline: u64,
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
    /// Of the present instance, as are the fetches.
    sockets: SocketStatistics,
    fetches: FetchStatistics,
    uses: LimitUse,
    /// Of earlier instances.
    earlier_calls: CallStatistics,
    earlier_uses: LimitUse,
    refused_deltas: RefusedDeltas,
    exceeded: Exceeded,
    denied_calls: u64,
    refused_requests: u64,
    notices: Vec<String>,
    /// `None` until an instance has told them.
    endpoints: Option<Arc<Endpoints>>,
}

impl Record {
    pub(super) fn new(package: PluginPackage, parts: RecordParts) -> Self {
        let RecordParts { config, enablement, board, consents, limits, changed } = parts;
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
            sockets: SocketStatistics::default(),
            fetches: FetchStatistics::default(),
            uses: LimitUse::default(),
            earlier_calls: CallStatistics::default(),
            earlier_uses: LimitUse::default(),
            refused_deltas: RefusedDeltas::default(),
            exceeded: Exceeded::default(),
            denied_calls: 0,
            refused_requests: 0,
            notices: Vec::new(),
            endpoints: None,
        };
        let budgets = Budgets {
            cpu: CpuBudget::new(limits.cpu_share),
            deltas: RateBudget::new(limits.emitted_deltas_per_second, Instant::now()),
        };
        let record = Self {
            id: package.id.clone(),
            package: RwLock::new(Arc::new(package)),
            pending: RwLock::default(),
            config,
            enablement,
            board,
            consents,
            admission: RwLock::default(),
            limits,
            log: LogBook::default(),
            waits: Waits::default(),
            condition: Mutex::new(condition),
            budgets: Mutex::new(budgets),
            reloading: AtomicBool::new(false),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
            changed,
        };
        if let Some(problem) = record.error() {
            let package = record.package();
            if package.is_for_node() {
                let reason = "it is made for Node.js, which this server does not run; look for a version with a WebAssembly module";
                record.log.write(LogLevel::Info, LogSource::Server, reason);
                log::info!("plugin {}: {reason}", package.name);
            } else {
                record.log.write(LogLevel::Error, LogSource::Server, &problem);
                log::error!("plugin {}: {problem}", package.name);
                if !record.is_duplicate() {
                    record.report(StatusKind::Error, &problem);
                }
            }
        }
        record
    }

    pub(super) fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The package as it was read last.
    pub(super) fn package(&self) -> Arc<PluginPackage> {
        self.package.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The package has been read anew. It has the same name, and thereby the same id.
    pub(super) fn replace_package(&self, package: Arc<PluginPackage>) {
        *self.package.write().unwrap_or_else(PoisonError::into_inner) = package;
        self.set_pending(None);
    }

    /// The version on the disk that is not loaded before the operator consents to it.
    pub(super) fn pending(&self) -> Option<Arc<PluginPackage>> {
        self.pending.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_pending(&self, package: Option<Arc<PluginPackage>>) {
        *self.pending.write().unwrap_or_else(PoisonError::into_inner) = package;
        self.note_change();
    }

    /// Records that the operator agrees to what the plugin asks for; true when a version that waited for that is to be loaded now.
    ///
    /// # Errors
    /// In words: the record can't be written.
    pub(super) fn give_consent(&self) -> Result<bool, String> {
        let pending = self.pending();
        let given = self.consents.give(pending.as_ref().unwrap_or(&self.package()));
        self.note_change();
        given.map(|()| pending.is_some())
    }

    /// The right to reload the plugin; none when somebody else is at it.
    pub(super) fn begin_reload(&self) -> Option<Reloading<'_>> {
        (!self.reloading.swap(true, Ordering::AcqRel)).then_some(Reloading(&self.reloading))
    }

    /// Whether the id belongs to another package (§1.4).
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self.package().problem, Some(PackageProblem::DuplicateId { .. }))
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
        let unsaved = by_default || self.package().enabled_by_default;
        wasm && !disable_all && saved.map_or(unsaved, |config| config.enabled() == Some(true))
    }

    /// A status text in the plugin's name (§8.6).
    pub(super) fn report(&self, kind: StatusKind, text: &str) {
        self.board.set(self.id(), StatusSubject::Plugin, kind, text);
    }

    /// A change of state. `error` is kept until the next change. Its status text is reported before, so that who sees the state sees the
    /// text as well.
    pub(super) fn enter(&self, state: PluginState, error: Option<String>) {
        let level = match state {
            PluginState::Error | PluginState::Crashed => LogLevel::Error,
            _ => LogLevel::Info,
        };
        match &error {
            Some(reason) => self.log.write(level, LogSource::Server, &format!("{}: {reason}", state.name())),
            None => self.log.write(level, LogSource::Server, state.name()),
        }
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
        condition.name = if name.is_empty() { self.package().name.clone() } else { name.to_owned() };
        condition.schema = schema;
        drop(condition);
        self.note_change();
    }

    /// The figures after a call.
    pub(super) fn observe(&self, guest: &mut dyn Guest, queued: usize) {
        let mut condition = self.lock();
        let ran = guest.calls().time.saturating_sub(condition.calls.time);
        self.budgets().cpu.spend(ran, Instant::now());
        condition.memory_bytes = guest.memory_bytes();
        condition.calls = guest.calls();
        condition.sockets = guest.sockets();
        condition.fetches = guest.fetches();
        condition.uses = guest.limit_use();
        condition.queued = queued;
    }

    /// The instance is gone; what it counted stays.
    pub(super) fn retire_instance(&self, queued: usize) {
        let mut condition = self.lock();
        condition.earlier_calls = condition.all_calls();
        condition.calls = CallStatistics::default();
        condition.earlier_uses = condition.all_uses();
        condition.uses = LimitUse::default();
        condition.sockets = SocketStatistics::default();
        condition.fetches = FetchStatistics::default();
        condition.memory_bytes = 0;
        condition.queued = queued;
    }

    pub(super) fn count_refused_delta(&self, reason: Refusal) {
        let refused = &mut self.lock().refused_deltas;
        match reason {
            Refusal::Invalid => refused.invalid += 1,
            Refusal::Flood => refused.flood += 1,
        }
    }

    /// Whether the plugin may emit one more delta now; when not, that is counted.
    pub(super) fn admit_delta(&self) -> bool {
        let admitted = self.budgets().deltas.take(Instant::now());
        if !admitted {
            self.lock().refused_deltas.rate += 1;
        }
        admitted
    }

    /// How long it has to rest, because it had more than its share.
    pub(super) fn rest(&self) -> Option<Duration> {
        self.budgets().cpu.rest(Instant::now())
    }

    /// Counts a call that ended because of a limit.
    pub(super) fn count_failure(&self, error: &CallError) {
        let exceeded = &mut self.lock().exceeded;
        match error {
            CallError::MemoryLimit { .. } => exceeded.memory += 1,
            CallError::Deadline { .. } => exceeded.deadline += 1,
            _ => {}
        }
    }

    pub(super) fn count_denied_call(&self) {
        self.lock().denied_calls += 1;
    }

    /// A place among the requests that wait for the plugin; none when there are too many already, which is counted.
    pub(super) fn admit_request(&self) -> Option<OwnedSemaphorePermit> {
        let permit = self.requests.clone().try_acquire_owned().ok();
        if permit.is_none() {
            self.lock().refused_requests += 1;
        }
        permit
    }

    /// What the latest instance says about its endpoints.
    pub(super) fn set_endpoints(&self, endpoints: Endpoints) {
        self.lock().endpoints = Some(Arc::new(endpoints));
    }

    /// The endpoints; `None` when the plugin has not been started yet.
    pub(super) fn endpoints(&self) -> Option<Arc<Endpoints>> {
        self.lock().endpoints.clone()
    }

    /// Keeps a notice, the begin of a long one. True when it is new.
    pub(super) fn note(&self, text: &str) -> bool {
        let text = &text[..text.floor_char_boundary(MAX_NOTICE_BYTES)];
        let mut condition = self.lock();
        let new = condition.notices.len() < MAX_NOTICES && !condition.notices.iter().any(|known| known == text);
        if new {
            condition.notices.push(text.to_owned());
        }
        drop(condition);
        if new {
            self.log.write(LogLevel::Warn, LogSource::Server, text);
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

    fn budgets(&self) -> MutexGuard<'_, Budgets> {
        // Plain numbers, whole at any time.
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
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
            time: self.earlier_calls.time + self.calls.time,
        }
    }
}

impl Condition {
    /// How far all instances went: peaks and sums. What an instance has now is only the present one's.
    fn all_uses(&self) -> LimitUse {
        let (earlier, now) = (&self.earlier_uses, &self.uses);
        LimitUse {
            table_elements: now.table_elements,
            tables_refused: earlier.tables_refused + now.tables_refused,
            file_bytes_refused: earlier.file_bytes_refused + now.file_bytes_refused,
            files_refused: earlier.files_refused + now.files_refused,
            largest_answer: earlier.largest_answer.max(now.largest_answer),
            answers_refused: earlier.answers_refused + now.answers_refused,
            fetches: now.fetches,
            fetches_until: now.fetches_until,
            lines_dropped: earlier.lines_dropped + now.lines_dropped,
        }
    }
}

impl RefusedDeltas {
    fn total(&self) -> u64 {
        self.invalid + self.flood + self.rate
    }
}

/// Only one reload of a plugin at a time; dropping it lets the next one begin.
pub(super) struct Reloading<'a>(&'a AtomicBool);

impl Drop for Reloading<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
