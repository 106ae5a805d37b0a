//! A running plugin's way into the server (§4.2–4.4).

use std::collections::HashSet;
use std::mem::{self, Discriminant};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use log::Level;
use windlass_broker::{Context, Delta, Intake, IntakeError, NameError, Provider, RawJson, push_string};
use windlass_wasm_host::{DeltaVersion, Host, HostError, OutputStream, Waits};

use super::identities::{Identity, Names};
use super::log_book::{LogLevel, LogSource};
use super::lookup::{self, LeafForm};
use super::offers::Offers;
use super::record::{Record, Refusal};
use super::server_events::EventFilter;
use crate::StatusKind;
use crate::binary_streams::BinaryStreams;
use crate::data_model::ModelView;
use crate::stream::EventBus;

/// Looks into the data model that a plugin takes without a rest, and the rest.
const READS_IN_A_ROW: u32 = 256;
const REST: Duration = Duration::from_micros(50);
/// Deltas that one call into a guest may emit.
const MAX_EMITTED: usize = 10_000;
/// And their size together, in bytes.
const MAX_EMITTED_BYTES: usize = 16 << 20;

/// Bytes of a name that a plugin gives to something: a path, a stream, a provider. All of them are kept, and some shown.
const MAX_NAME: usize = 256;

/// Serves one plugin. What the guest emits is collected here until the call into it is over.
pub(super) struct PluginHost {
    record: Arc<Record>,
    view: ModelView,
    intake: Intake,
    identity: Identity,
    /// `signalk.wasm.selfPathMode` is `node` (§4.3).
    node_paths: AtomicBool,
    /// The plugin's own log target.
    target: String,
    /// Whether its debug text is shown without anybody setting a log filter.
    debug: AtomicBool,
    emitted: Mutex<Emitted>,
    complained: Mutex<Complained>,
    surroundings: Surroundings,
    wanted_events: Mutex<Option<EventFilter>>,
    /// Looks into the model.
    reads: AtomicU32,
}

/// What plugins share with the rest of the server, besides the bus.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// What plugins offer.
    pub offers: Offers,
    /// Where their binary frames go.
    pub streams: BinaryStreams,
    /// Server events.
    pub events: EventBus,
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
        surroundings: Surroundings,
    ) -> Result<Self, NameError> {
        let (id, package) = (record.id().to_owned(), record.package());
        let intake = Intake { self_context, provider: Provider::new(&id)?, override_timestamps: false };
        let host = Self {
            identity: Identity::new(&id, &package.name, names),
            node_paths: AtomicBool::new(false),
            target: format!("signalk:wasm:plugin:{id}"),
            debug: AtomicBool::new(false),
            emitted: Mutex::default(),
            complained: Mutex::default(),
            record,
            view,
            intake,
            wanted_events: Mutex::default(),
            reads: AtomicU32::new(0),
            surroundings,
        };
        host.package_changed();
        Ok(host)
    }

    /// Another version of the package is to run.
    pub(super) fn package_changed(&self) {
        let node_mode = self.record.package().package_json["signalk"]["wasm"]["selfPathMode"] == "node";
        self.node_paths.store(node_mode, Ordering::Relaxed);
    }

    fn leaf_form(&self) -> LeafForm {
        if self.node_paths.load(Ordering::Relaxed) { LeafForm::Node } else { LeafForm::Value }
    }

    /// Whether one more delta may be emitted now. When not, that is said once.
    fn admit(&self) -> Result<(), String> {
        if self.record.admit_delta() {
            return Ok(());
        }
        let problem = format!(
            "more than {} deltas a second, twice as many at once, are dropped and counted (limits.emittedDeltasPerSecond in the plugin's status)",
            self.record.limits.emitted_deltas_per_second
        );
        if self.record.note(&problem) {
            log::warn!("plugin {}: {problem}", self.record.id());
        }
        Err(problem)
    }

    /// Who publishes.
    pub(super) fn provider(&self) -> &Provider {
        &self.intake.provider
    }

    /// Whether this is the id or package name of another installed plugin.
    pub(super) fn is_another(&self, name: &str) -> bool {
        self.identity.is_another(name)
    }

    /// Whether the configuration asks for debug text.
    pub(super) fn set_debug(&self, on: bool) {
        self.debug.store(on, Ordering::Relaxed);
    }

    /// Rests for a moment at every few hundredth look into the model. Its locks favour whoever holds them: a plugin that does nothing but
    /// read would keep the writer waiting, and with it everybody.
    fn make_way(&self) {
        if self.reads.fetch_add(1, Ordering::Relaxed) % READS_IN_A_ROW == READS_IN_A_ROW - 1 {
            std::thread::sleep(REST);
        }
    }

    /// The instance has stopped: what it offered ends.
    pub(super) fn withdraw(&self) {
        self.surroundings.offers.withdraw(self.record.id());
        self.surroundings.streams.end_of(self.record.id());
    }

    /// Whether the plugin has asked for server events.
    pub(super) fn wants_events(&self) -> bool {
        lock(&self.wanted_events).is_some()
    }

    /// Which ones.
    pub(super) fn event_filter(&self) -> Option<EventFilter> {
        lock(&self.wanted_events).clone()
    }

    pub(super) fn want_no_events(&self) {
        *lock(&self.wanted_events) = None;
    }

    /// Where they come from.
    pub(super) fn events(&self) -> &EventBus {
        &self.surroundings.events
    }

    /// The binary stream that the plugin means (§4.5).
    fn own_stream(&self, stream: &str) -> Result<String, HostError> {
        check_length("the name of a stream", stream)?;
        if let Some(radar) = stream.strip_prefix("radars/") {
            return radar_stream(radar);
        }
        let own = stream.strip_prefix("plugins/").and_then(|rest| {
            let package = self.record.package();
            let names = [self.record.id(), package.name.as_str()];
            names.into_iter().find_map(|name| rest.strip_prefix(name)?.strip_prefix('/'))
        });
        match own {
            Some(rest) if !rest.is_empty() => Ok(format!("plugins/{}/{rest}", self.record.id())),
            _ => Err(HostError(format!(
                "the stream {stream:?} is refused: a plugin's streams are called plugins/{}/… or radars/<id>",
                self.record.id()
            ))),
        }
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
                    self.record.count_refused_delta(Refusal::Invalid);
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
        self.record.count_refused_delta(Refusal::Invalid);
        if lock(&self.complained).intake.insert(mem::discriminant(problem)) {
            log::warn!(
                "plugin {}: {problem}. Further ones of this kind are only counted (refusedDeltas in the plugin's status)",
                self.record.id()
            );
        }
    }

    fn refuse_flood(&self) -> String {
        self.record.count_refused_delta(Refusal::Flood);
        let problem = format!(
            "more than {MAX_EMITTED} deltas or {MAX_EMITTED_BYTES} bytes emitted in one call; the rest is dropped, emit less at a time"
        );
        if !mem::replace(&mut lock(&self.complained).flood, true) {
            log::warn!("plugin {}: {problem}", self.record.id());
        }
        problem
    }
}

/// Refuses a name that is longer than any sensible one.
fn check_length(what: &str, name: &str) -> Result<(), HostError> {
    match name.len() {
        length if length <= MAX_NAME => Ok(()),
        length => Err(HostError(format!("{what} of {length} bytes is refused: it may have {MAX_NAME} at most"))),
    }
}

/// The stream of a radar, whose id is of letters, digits, `_` and `-`.
fn radar_stream(radar: &str) -> Result<String, HostError> {
    check_length("a radar id", radar)?;
    let valid = !radar.is_empty() && radar.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    match valid {
        true => Ok(format!("radars/{radar}")),
        false => Err(HostError(format!("{radar:?} is no radar id: only letters, digits, _ and - are"))),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only this file's short sections hold these locks, and each leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host for PluginHost {
    fn waits(&self) -> Waits {
        self.record.waits.clone()
    }

    fn debug(&self, text: &str) {
        let wanted = self.debug.load(Ordering::Relaxed);
        if wanted || log::log_enabled!(target: &self.target, Level::Debug) {
            self.record.log.write(LogLevel::Debug, LogSource::Debug, text);
        }
        let level = if wanted { Level::Info } else { Level::Debug };
        log::log!(target: &self.target, level, "{text}");
    }

    fn set_status(&self, text: &str) {
        self.record.log.write(LogLevel::Info, LogSource::Status, text);
        self.record.report(StatusKind::Status, text);
    }

    fn set_error(&self, text: &str) {
        self.record.log.write(LogLevel::Warn, LogSource::Status, text);
        log::warn!(target: &self.target, "{text}");
        self.record.report(StatusKind::Error, text);
    }

    fn emit_delta(&self, json: &str, version: DeltaVersion) {
        // A problem is counted and logged; there is no way to tell the guest.
        if self.admit().is_ok() {
            self.take(json, version);
        }
    }

    fn publish_notification(&self, path: &str, value_json: &str) -> Result<(), HostError> {
        check_length("a path", path)?;
        self.admit().and_then(|()| self.notify(path, value_json)).map_err(HostError)
    }

    fn self_path(&self, path: &str) -> Option<String> {
        self.make_way();
        lookup::self_path(&self.view, path, self.leaf_form())
    }

    fn path(&self, path: &str) -> Option<String> {
        self.make_way();
        lookup::full_path(&self.view, path, self.leaf_form())
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

    fn register_put_handler(&self, context: &str, path: &str) -> Result<(), HostError> {
        check_length("a context", context)?;
        check_length("a path", path)?;
        let (offers, id) = (&self.surroundings.offers, self.record.id());
        if !offers.add_put(id, context, path).map_err(|error| HostError(error.to_string()))? {
            return Ok(());
        }
        let mut text = String::from("{\"updates\":[{\"meta\":[{\"path\":");
        push_string(&mut text, path);
        text.push_str(",\"value\":{\"supportsPut\":true}}]}]}");
        // What nobody can be told of is not offered either: the plugin may try again.
        self.admit().and_then(|()| self.take(&text, DeltaVersion::V1).map_or(Ok(()), Err)).map_err(|problem| {
            offers.remove_put(id, context, path);
            HostError(format!("no PUT handler for {path:?}: {problem}"))
        })
    }

    fn register_resource_provider(&self, kind: &str) -> Result<(), HostError> {
        check_length("a type of resources", kind)?;
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if kind.is_empty() || kind.starts_with('_') || !kind.bytes().all(valid) {
            return Err(HostError(format!(
                "{kind:?} can't be a type of resources: it is part of a URL, so only letters, digits, - _ . are allowed"
            )));
        }
        let added = self.surroundings.offers.add_resources(self.record.id(), kind);
        added.map_err(|error| HostError(error.to_string()))
    }

    fn register_weather_provider(&self, name: &str) -> Result<(), HostError> {
        check_length("a provider's name", name)?;
        let added = self.surroundings.offers.add_weather(self.record.id(), name);
        added.map_err(|error| HostError(error.to_string()))
    }

    fn register_radar_provider(&self, name: &str) -> Result<(), HostError> {
        check_length("a provider's name", name)?;
        let added = self.surroundings.offers.add_radar(self.record.id(), name);
        added.map_err(|error| HostError(error.to_string()))
    }

    fn emit_binary_stream(&self, stream: &str, frame: &[u8]) -> Result<(), HostError> {
        let stream = self.own_stream(stream)?;
        let published = self.surroundings.streams.publish(self.record.id(), &stream, frame);
        published.map_err(|error| HostError(error.to_string()))
    }

    fn emit_radar_spokes(&self, radar: &str, frame: &[u8]) -> Result<(), HostError> {
        if self.surroundings.offers.of(self.record.id()).radar.is_none() {
            return Err(HostError("spokes are refused before sk_register_radar_provider".to_owned()));
        }
        let published = self.surroundings.streams.publish(self.record.id(), &radar_stream(radar)?, frame);
        published.map_err(|error| HostError(error.to_string()))
    }

    fn subscribe_events(&self, types: &[String]) -> Result<(), HostError> {
        *lock(&self.wanted_events) = Some(EventFilter::new(types));
        Ok(())
    }

    fn emit_event(&self, kind: &str, data_json: &str) -> Result<(), HostError> {
        check_length("an event's type", kind)?;
        self.admit().map_err(HostError)?;
        let data = RawJson::parse(data_json).map_err(|error| HostError(error.to_string()))?;
        self.surroundings.events.pass_on(kind, self.record.id(), &data);
        Ok(())
    }

    fn output_line(&self, stream: OutputStream, line: &str) {
        let (level, book_level, source) = match stream {
            OutputStream::Stdout => (Level::Debug, LogLevel::Debug, LogSource::Stdout),
            OutputStream::Stderr => (Level::Warn, LogLevel::Warn, LogSource::Stderr),
        };
        self.record.log.write(book_level, source, line);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_names_are_refused_and_not_repeated() {
        let long = "a".repeat(MAX_NAME + 1);
        for refused in [radar_stream(&long).map(drop), check_length("a path", &long)] {
            let HostError(reason) = refused.expect_err("too long");
            assert!(reason.contains("257 bytes") && !reason.contains("aaa"), "{reason}");
        }
        assert_eq!(radar_stream(&long[1..]).map(|stream| stream.len()), Ok("radars/".len() + MAX_NAME));
    }
}
