//! The server as a plugin on trial sees it: a small boat, and an ear for what the plugin says.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use windlass_wasm_host::{DeltaVersion, Host, HostError, OutputStream};

use super::output::short;

/// The boat's context in deltas.
pub const CONTEXT: &str = "vessels.urn:mrn:imo:mmsi:230099999";
/// How much a plugin can say; more is left out.
const MOST: usize = 1000;
/// What is known of the boat. The other paths have no value.
const BOAT: [(&str, &str); 8] = [
    ("mmsi", r#""230099999""#),
    ("name", r#""Trial""#),
    ("navigation.position", r#"{"longitude":24.9512,"latitude":60.1453}"#),
    ("navigation.speedOverGround", "3.86"),
    ("navigation.courseOverGroundTrue", "1.2217"),
    ("navigation.headingTrue", "1.2043"),
    ("environment.depth.belowTransducer", "7.4"),
    ("environment.wind.speedApparent", "8.2"),
];

/// One thing a plugin did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Its status.
    Status(String),
    /// Its error.
    Error(String),
    /// A line of debug text.
    Debug(String),
    /// A line of output.
    Output(OutputStream, String),
    /// A delta, as it is.
    Delta(String),
    /// A notification: path and value.
    Notification(String, String),
    /// A new configuration.
    Config(String),
    /// It answers PUT requests for a context and path.
    PutHandler(String, String),
    /// It has resources of a type.
    Resources(String),
    /// It has weather data, under a name.
    Weather(String),
    /// It has radars, under a name.
    Radar(String),
    /// A frame of a stream, with its size in bytes.
    Frame(String, usize),
    /// It wants server events.
    Events(Vec<String>),
    /// It emitted a server event.
    Event(String),
    /// It was refused a function for want of a capability.
    Denied(&'static str, &'static str),
    /// The server noticed something.
    Notice(String),
}

/// Takes everything a plugin says, and gives it a boat to read from.
#[derive(Debug, Default)]
pub struct TrialHost {
    said: Mutex<Vec<Said>>,
    /// Only counts.
    deaf: bool,
    deltas: AtomicU64,
}

impl TrialHost {
    /// One that keeps what is said.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that only counts, for measurements.
    pub fn deaf() -> Self {
        Self { deaf: true, ..Self::default() }
    }

    /// What was said since the last call.
    pub fn take(&self) -> Vec<Said> {
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many deltas were emitted.
    pub fn deltas(&self) -> u64 {
        self.deltas.load(Ordering::Relaxed)
    }

    fn hear(&self, said: impl FnOnce() -> Said) {
        if self.deaf {
            return;
        }
        let mut all = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.push(said());
        }
    }
}

impl Host for TrialHost {
    fn debug(&self, text: &str) {
        self.hear(|| Said::Debug(text.to_owned()));
    }

    fn set_status(&self, text: &str) {
        self.hear(|| Said::Status(text.to_owned()));
    }

    fn set_error(&self, text: &str) {
        self.hear(|| Said::Error(text.to_owned()));
    }

    fn emit_delta(&self, json: &str, _: DeltaVersion) {
        self.deltas.fetch_add(1, Ordering::Relaxed);
        self.hear(|| Said::Delta(json.to_owned()));
    }

    fn publish_notification(&self, path: &str, value_json: &str) -> Result<(), HostError> {
        self.hear(|| Said::Notification(path.to_owned(), value_json.to_owned()));
        Ok(())
    }

    fn self_path(&self, path: &str) -> Option<String> {
        BOAT.iter().find(|(known, _)| *known == path).map(|(_, json)| (*json).to_owned())
    }

    fn path(&self, path: &str) -> Option<String> {
        let own = ["vessels.self.", CONTEXT].iter().find_map(|context| path.strip_prefix(context))?;
        self.self_path(own.trim_start_matches('.'))
    }

    fn read_config(&self) -> Result<String, HostError> {
        Ok("{}".to_owned())
    }

    fn save_config(&self, json: &str) -> Result<(), HostError> {
        self.hear(|| Said::Config(json.to_owned()));
        Ok(())
    }

    fn register_put_handler(&self, context: &str, path: &str) -> Result<(), HostError> {
        self.hear(|| Said::PutHandler(context.to_owned(), path.to_owned()));
        Ok(())
    }

    fn register_resource_provider(&self, kind: &str) -> Result<(), HostError> {
        self.hear(|| Said::Resources(kind.to_owned()));
        Ok(())
    }

    fn register_weather_provider(&self, name: &str) -> Result<(), HostError> {
        self.hear(|| Said::Weather(name.to_owned()));
        Ok(())
    }

    fn register_radar_provider(&self, name: &str) -> Result<(), HostError> {
        self.hear(|| Said::Radar(name.to_owned()));
        Ok(())
    }

    fn emit_binary_stream(&self, stream: &str, frame: &[u8]) -> Result<(), HostError> {
        self.hear(|| Said::Frame(stream.to_owned(), frame.len()));
        Ok(())
    }

    fn emit_radar_spokes(&self, radar: &str, frame: &[u8]) -> Result<(), HostError> {
        self.hear(|| Said::Frame(format!("radars/{radar}"), frame.len()));
        Ok(())
    }

    fn subscribe_events(&self, types: &[String]) -> Result<(), HostError> {
        self.hear(|| Said::Events(types.to_vec()));
        Ok(())
    }

    fn emit_event(&self, kind: &str, _: &str) -> Result<(), HostError> {
        self.hear(|| Said::Event(kind.to_owned()));
        Ok(())
    }

    fn output_line(&self, stream: OutputStream, line: &str) {
        self.hear(|| Said::Output(stream, line.to_owned()));
    }

    fn denied(&self, import: &'static str, capability: &'static str) {
        self.hear(|| Said::Denied(import, capability));
    }

    fn notice(&self, text: &str) {
        self.hear(|| Said::Notice(text.to_owned()));
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Said::Status(text) => write!(f, "status: {}", short(text)),
            Said::Error(text) => write!(f, "error: {}", short(text)),
            Said::Debug(text) => write!(f, "debug: {}", short(text)),
            Said::Output(stream, text) => write!(f, "{stream}: {}", short(text)),
            Said::Delta(json) => write!(f, "delta: {}", short(json)),
            Said::Notification(path, value) => write!(f, "notification: {} {}", short(path), short(value)),
            Said::Config(json) => write!(f, "saves its configuration: {}", short(json)),
            Said::PutHandler(context, path) => write!(f, "answers PUT of {} {}", short(context), short(path)),
            Said::Resources(kind) => write!(f, "serves resources: {}", short(kind)),
            Said::Weather(name) => write!(f, "serves weather: {}", short(name)),
            Said::Radar(name) => write!(f, "serves radars: {}", short(name)),
            Said::Frame(stream, size) => write!(f, "stream {}: a frame of {size} bytes", short(stream)),
            Said::Events(types) if types.is_empty() => f.write_str("wants all server events"),
            Said::Events(types) => write!(f, "wants server events: {}", short(&types.join(", "))),
            Said::Event(kind) => write!(f, "server event: {}", short(kind)),
            Said::Denied(import, capability) => write!(f, "{import} is refused: it needs {capability}"),
            Said::Notice(text) => write!(f, "note: {}", short(text)),
        }
    }
}
