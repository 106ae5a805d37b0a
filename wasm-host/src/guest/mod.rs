//! Guests: live plugins of whatever flavour behind one trait.
//!
//! A flavour decides how strings travel and which exports there are. [`core`] holds what they share; flavours do not know
//! each other.

mod assembly_script;
mod buffer;
mod core;
mod detect;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) use core::GuestCore;

pub(crate) use detect::{Detected, detect};

use crate::{
    CallError, DeltaText, Limits, LoadError,
    engine::Instance,
    imports::ImportFamily,
    net::{FetchStatistics, NetworkLease, SocketStatistics},
    voice::Voice,
};

/// How strings travel between host and guest (ABI specification §0.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Abi {
    /// Pointer and length of UTF-8 in memory from the module's `allocate`: Rust, TinyGo, C, Zig.
    #[serde(rename = "buffer")]
    Buffer,
    /// AssemblyScript's managed UTF-16 strings.
    #[serde(rename = "assemblyscript")]
    AssemblyScript,
}

/// One live instance of a plugin.
///
/// It belongs to the thread that created it, and each call blocks that thread until the guest returns or its deadline
/// passes. After any error that [is a crash](CallError::is_crash) the instance refuses all further calls: drop it.
pub trait Guest {
    /// The flavour.
    fn abi(&self) -> Abi;

    /// The plugin's display name; may be empty.
    ///
    /// # Errors
    /// As for every call: the guest trapped, was interrupted, or broke the interface.
    fn name(&mut self) -> Result<String, CallError>;

    /// The JSON Schema of the configuration as text; `{}` when the plugin gives none. It may be invalid JSON.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn schema(&mut self) -> Result<String, CallError>;

    /// What the module calls itself (`plugin_id`, else `id`; §1.4); `None` when it does not say. Only earlier servers took it for the id.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn own_id(&mut self) -> Result<Option<String>, CallError>;

    /// Calls `plugin_start` with the configuration (§3.2). 0 means started; anything else is the plugin's error code,
    /// which is not a crash.
    ///
    /// # Errors
    /// See [`name`](Self::name); also [`CallError::Unsupported`] for an AssemblyScript module built without its runtime.
    fn start(&mut self, config_json: &str) -> Result<i32, CallError>;

    /// Calls `plugin_stop`; a result other than 0 is only worth logging.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn stop(&mut self) -> Result<i32, CallError>;

    /// Whether there is a `poll` export.
    fn has_poll(&self) -> bool;

    /// Calls `poll`; the result has no meaning to the host (§3.4). 0 without the export.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn poll(&mut self) -> Result<i32, CallError>;

    /// Whether deltas are to be delivered: there is a `delta_handler`, and the plugin may read data.
    fn has_delta_handler(&self) -> bool;

    /// Delivers one delta as compact JSON. Nothing happens when [`has_delta_handler`](Self::has_delta_handler) is false.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn deliver(&mut self, delta_json: &str) -> Result<(), CallError>;

    /// The same with a delta that several plugins get: what is made of it for one of them serves all.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn deliver_shared(&mut self, delta: &dyn DeltaText) -> Result<(), CallError>;

    /// Whether server events are to be delivered: there is an `event_handler`, and the plugin has the capability
    /// `serverEvents` (§4.10).
    fn has_event_handler(&self) -> bool;

    /// Delivers one server event as compact JSON: `{"type","from"?,"data","timestamp"}`. Nothing happens when
    /// [`has_event_handler`](Self::has_event_handler) is false.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn deliver_event(&mut self, event_json: &str) -> Result<(), CallError>;

    /// What `http_endpoints` says (§3.6), a JSON array as text; `None` without the export.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn http_endpoints(&mut self) -> Result<Option<String>, CallError>;

    /// Calls the handler `export` with a request as JSON text (§3.6–3.9). `Ok(None)`: it gave no answer, because it returns nothing, the
    /// null pointer or no text.
    ///
    /// # Errors
    /// See [`name`](Self::name); also [`CallError::NoHandler`] when there is no such export, when it is not of a handler's type, or is one
    /// of the plugin's lifecycle functions. The instance stays usable then.
    fn handle(&mut self, kind: HandlerKind, export: &str, request_json: &str) -> Result<Option<String>, CallError>;

    /// Whether there is a handler `export` for requests of this kind.
    fn has_handler(&mut self, kind: HandlerKind, export: &str) -> bool;

    /// The export that answers PUT requests for `path` of `context` (§3.7), as far as there is one: `handle_put_`, context and path with `_`
    /// for each dot; else with `_` for every character but ASCII letters and digits; else that in lower case.
    fn put_handler(&mut self, context: &str, path: &str) -> Option<String>;

    /// Bytes of linear memory in use.
    fn memory_bytes(&self) -> u64;

    /// What the linear memory may grow to, in bytes: [`Limits::memory_bytes`], or less when the module itself declares less.
    fn memory_limit(&self) -> u64;

    /// Calls made so far.
    fn calls(&self) -> CallStatistics;

    /// What the plugin's UDP and TCP sockets did so far (§4.6, §4.7).
    fn sockets(&self) -> SocketStatistics;

    /// What its HTTP requests did so far (§4.9).
    fn fetches(&self) -> FetchStatistics;

    /// How far it went towards its limits, as far as nothing else tells.
    fn limit_use(&mut self) -> LimitUse;

    /// Hands answers that have arrived for requests with a callback to the export `responseHandler` (§4.9); the result is how
    /// many. [`poll`](Self::poll) does it as well. While [`fetches`](Self::fetches) shows requests in progress or answers not delivered,
    /// call it from time to time.
    ///
    /// # Errors
    /// See [`name`](Self::name).
    fn deliver_responses(&mut self) -> Result<usize, CallError>;
}

/// What a handler is for; decides how it is called and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandlerKind {
    /// An HTTP endpoint (§3.6).
    Http,
    /// A PUT request; the request is the JSON of the value alone (§3.7).
    Put,
    /// A resource, weather or radar provider (§3.8, §3.9).
    Provider,
    /// A provider's function that gets no request: `radar_get_radars` (§3.9).
    ProviderList,
}

/// Counts calls into one guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallStatistics {
    /// Calls into exports, including the guest's allocator.
    pub count: u64,
    /// Calls that failed.
    pub failed: u64,
    /// The longest call.
    pub longest: Duration,
    /// Time spent in all calls together. Neither this nor `longest` counts waiting for something outside, like an HTTP answer.
    #[serde(default)]
    pub time: Duration,
}

/// How far one instance went towards its [`Limits`], and how often it wanted more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitUse {
    /// Elements of its largest table; tables never shrink.
    pub table_elements: u32,
    /// Attempts to make a table larger than [`Limits::table_elements`].
    pub tables_refused: u64,
    /// Writes refused because of [`Limits::file_bytes`].
    pub file_bytes_refused: u64,
    /// Files and directories refused because of [`Limits::files`].
    pub files_refused: u64,
    /// The largest answer of a handler so far, in bytes of UTF-8: the peak, since an answer is gone when it has been given.
    pub largest_answer: u64,
    /// Answers refused because they were larger than [`Limits::answer_bytes`], or than the room that the plugin's memory had for them.
    pub answers_refused: u64,
    /// HTTP requests admitted in the minute that is being counted.
    pub fetches: u32,
    /// When that minute is over, and none has been sent any more.
    pub fetches_until: Option<Instant>,
    /// Lines of output dropped because of [`Limits::log_lines_per_second`].
    pub lines_dropped: u64,
}

/// What a guest has outside itself.
pub(crate) struct Outside {
    /// Closes the guest's sockets and requests with the guest.
    pub network: NetworkLease,
    /// Where it, and the server about it, says something.
    pub voice: Arc<Voice>,
}

/// What a plugin may be given without having asked for it in a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivers {
    pub deltas: bool,
    pub events: bool,
}

/// Makes the guest for an instance that has been linked but not yet initialised, and initialises it.
pub(crate) fn open(
    detected: &Detected,
    instance: Box<dyn Instance>,
    limits: Limits,
    delivers: Delivers,
    utf16_requests: bool,
    outside: Outside,
) -> Result<Box<dyn Guest>, LoadError> {
    let mut core = core::GuestCore::new(instance, limits, delivers, outside);
    core.initialize()?;
    Ok(match detected.abi {
        Abi::Buffer => Box::new(buffer::BufferGuest::new(core, detected)?),
        Abi::AssemblyScript => Box::new(assembly_script::AssemblyScriptGuest::new(core, detected, utf16_requests)?),
    })
}

/// The functions a flavour may import.
pub(crate) fn import_family(abi: Abi) -> &'static ImportFamily {
    match abi {
        Abi::Buffer | Abi::AssemblyScript => &crate::imports::SIGNAL_K,
    }
}
