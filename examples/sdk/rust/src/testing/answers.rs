//! The mock host: how it answers, and what it notes.

use super::sockets::{SentDatagram, Sockets};
use serde_json::{Map, Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Shared>>> = const { RefCell::new(None) };
}

type Listener = Box<dyn Fn(&str)>;

#[derive(Default)]
struct Shared {
    state: RefCell<State>,
    on_emit: Cell<Option<Rc<Listener>>>,
}

/// A server for tests.
#[must_use = "it serves only as long as it lives"]
pub struct MockHost(Rc<Shared>);

/// A delta that the plugin emitted.
#[derive(Debug, Clone, PartialEq)]
pub struct SentDelta {
    /// The delta.
    pub delta: Value,
    /// 1, or 2 for a delta of the v2 streams.
    pub version: i32,
}

/// What a mock host knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) lines: Vec<String>,
    pub(crate) statuses: Vec<String>,
    pub(crate) errors: Vec<String>,
    pub(crate) sockets: Sockets,
    deltas: Vec<SentDelta>,
    notifications: Vec<(String, Value)>,
    own: Map<String, Value>,
    others: Map<String, Value>,
    config: Option<Value>,
    capabilities: BTreeSet<String>,
    registrations: Vec<(&'static str, String)>,
    frames: Vec<(String, Vec<u8>)>,
    refuses: bool,
}

/// Calls the current thread's host; `None` when there is none.
pub(crate) fn with_host<R>(call: impl FnOnce(&mut State) -> R) -> Option<R> {
    // Sockets of a plugin may outlive the thread's own variables.
    let host = CURRENT.try_with(|current| current.borrow().clone()).ok()??;
    Some(call(&mut host.state.borrow_mut()))
}

/// Takes a delta, then lets the test call the plugin again, as some servers do.
pub(crate) fn emit(delta: &str, version: i32) {
    let parsed = serde_json::from_str(delta).expect("the SDK emits JSON");
    with_host(|host| host.deltas.push(SentDelta { delta: parsed, version }));
    let listener = CURRENT.with_borrow(|current| {
        let host = current.as_ref()?;
        let listener = host.on_emit.take();
        host.on_emit.set(listener.clone());
        listener
    });
    if let Some(listener) = listener {
        listener(delta);
    }
}

impl MockHost {
    /// A server that knows nothing and grants nothing but reading and writing. It replaces an earlier one of this thread.
    pub fn new() -> Self {
        let shared = Rc::<Shared>::default();
        CURRENT.set(Some(Rc::clone(&shared)));
        Self(shared)
    }

    fn note<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.0.state.borrow_mut())
    }

    /// Grants a capability of package.json, for example `putHandlers`.
    pub fn grant(&self, capability: &str) {
        self.note(|state| state.capabilities.insert(capability.to_owned()));
    }

    /// From now on every call that can fail does.
    pub fn refuse_all(&self) {
        self.note(|state| state.refuses = true);
    }

    /// Sets a value of the own vessel.
    pub fn set_self_path(&self, path: &str, value: Value) {
        self.note(|state| state.own.insert(path.to_owned(), value));
    }

    /// Sets a value by its full path, for example `vessels.urn:mrn:imo:mmsi:230011111.name`.
    pub fn set_path(&self, path: &str, value: Value) {
        self.note(|state| state.others.insert(path.to_owned(), value));
    }

    /// Sets the saved configuration.
    pub fn set_config(&self, config: &Value) {
        self.note(|state| state.config = Some(config.clone()));
    }

    /// Calls back with every emitted delta, during the call that emits it.
    pub fn on_emit(&self, listener: impl Fn(&str) + 'static) {
        self.0.on_emit.set(Some(Rc::new(Box::new(listener))));
    }

    /// The lines logged.
    pub fn lines(&self) -> Vec<String> {
        self.note(|state| state.lines.clone())
    }

    /// The status texts, the last one last.
    pub fn statuses(&self) -> Vec<String> {
        self.note(|state| state.statuses.clone())
    }

    /// The error texts, the last one last.
    pub fn errors(&self) -> Vec<String> {
        self.note(|state| state.errors.clone())
    }

    /// The emitted deltas.
    pub fn deltas(&self) -> Vec<SentDelta> {
        self.note(|state| state.deltas.clone())
    }

    /// Paths and values of all emitted deltas, in order.
    pub fn values(&self) -> Vec<(String, Value)> {
        let deltas = self.deltas();
        let lists = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let updates = deltas.iter().flat_map(|sent| lists(&sent.delta["updates"]));
        let entries = updates.flat_map(|update| lists(&update["values"]));
        entries
            .map(|mut entry| (entry["path"].as_str().unwrap_or_default().to_owned(), entry["value"].take()))
            .collect()
    }

    /// The last value emitted for a path.
    pub fn last_value(&self, path: &str) -> Option<Value> {
        self.values().into_iter().rev().find(|(found, _)| found == path).map(|(_, value)| value)
    }

    /// Forgets the emitted deltas.
    pub fn clear_deltas(&self) {
        self.note(|state| state.deltas.clear());
    }

    /// Paths and values of the published notifications.
    pub fn notifications(&self) -> Vec<(String, Value)> {
        self.note(|state| state.notifications.clone())
    }

    /// The saved configuration.
    pub fn config(&self) -> Option<Value> {
        self.note(|state| state.config.clone())
    }

    /// What the plugin registered: the capability that it needs, and the path, type or name.
    pub fn registrations(&self) -> Vec<(&'static str, String)> {
        self.note(|state| state.registrations.clone())
    }

    /// Stream ids and bytes of the frames sent.
    pub fn frames(&self) -> Vec<(String, Vec<u8>)> {
        self.note(|state| state.frames.clone())
    }

    /// A datagram arrives at a bound port.
    pub fn receive_datagram(&self, port: u16, from: &str, from_port: u16, data: &[u8]) {
        self.note(|state| state.sockets.receive_datagram(port, from, from_port, data));
    }

    /// The datagrams sent.
    pub fn sent_datagrams(&self) -> Vec<SentDatagram> {
        self.note(|state| state.sockets.sent_datagrams.clone())
    }

    /// The other side accepts a connection.
    pub fn accept(&self, host: &str, port: u16) {
        self.note(|state| state.sockets.connection(host, port).accept());
    }

    /// Bytes arrive from the other side of a connection.
    pub fn receive_stream(&self, host: &str, port: u16, data: &[u8]) {
        self.note(|state| state.sockets.connection(host, port).receive(data));
    }

    /// The other side closes a connection.
    pub fn hang_up(&self, host: &str, port: u16) {
        self.note(|state| state.sockets.connection(host, port).hang_up());
    }

    /// What was sent to the other side of a connection.
    pub fn sent_stream(&self, host: &str, port: u16) -> Vec<u8> {
        self.note(|state| state.sockets.connection(host, port).sent.clone())
    }

    /// How many sockets are open.
    pub fn open_sockets(&self) -> usize {
        self.note(|state| state.sockets.len())
    }
}

impl Default for MockHost {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for MockHost {
    fn drop(&mut self) {
        // A newer host of this thread stays.
        CURRENT.with_borrow_mut(|current| {
            if current.as_ref().is_some_and(|host| Rc::ptr_eq(host, &self.0)) {
                *current = None;
            }
        });
    }
}

impl fmt::Debug for MockHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MockHost").field(&self.0.state).finish()
    }
}

/// The host functions, as a server answers them.
impl State {
    pub(crate) fn granted(&self, capability: &str) -> bool {
        !self.refuses && self.capabilities.contains(capability)
    }

    pub(crate) fn publish_notification(&mut self, path: &str, value: &str) -> i32 {
        let value: Value = serde_json::from_str(value).expect("the SDK publishes JSON");
        if self.refuses || !path.starts_with("notifications.") {
            return -1;
        }
        self.notifications.push((path.to_owned(), value));
        0
    }

    pub(crate) fn get_self_path(&mut self, path: &str, answer: &mut [u8]) -> i32 {
        write(self.own.get(path), answer)
    }

    pub(crate) fn get_path(&mut self, path: &str, answer: &mut [u8]) -> i32 {
        let own = path.strip_prefix("vessels.self.").and_then(|path| self.own.get(path));
        write(own.or_else(|| self.others.get(path)), answer)
    }

    pub(crate) fn read_config(&mut self, answer: &mut [u8]) -> i32 {
        write(Some(self.config.as_ref().unwrap_or(&json!({}))), answer)
    }

    pub(crate) fn save_config(&mut self, json: &str) -> i32 {
        if self.refuses {
            return -1;
        }
        self.config = Some(serde_json::from_str(json).expect("the SDK saves JSON"));
        0
    }

    pub(crate) fn has_capability(&mut self, name: &str) -> i32 {
        self.granted(name).into()
    }

    fn register(&mut self, capability: &'static str, what: &str) -> i32 {
        if !self.granted(capability) {
            return 0;
        }
        self.registrations.push((capability, what.to_owned()));
        1
    }

    pub(crate) fn register_put_handler(&mut self, context: &str, path: &str) -> i32 {
        self.register("putHandlers", &format!("{context}.{path}"))
    }

    pub(crate) fn register_resource_provider(&mut self, kind: &str) -> i32 {
        self.register("resourceProvider", kind)
    }

    pub(crate) fn register_weather_provider(&mut self, name: &str) -> i32 {
        self.register("weatherProvider", name)
    }

    pub(crate) fn register_radar_provider(&mut self, name: &str) -> i32 {
        self.register("radarProvider", name)
    }

    pub(crate) fn emit_binary_stream(&mut self, id: &str, frame: &[u8]) -> i32 {
        if self.refuses || (id.starts_with("radars/") && !self.granted("radarProvider")) {
            return 0;
        }
        self.frames.push((id.to_owned(), frame.to_owned()));
        1
    }

    pub(crate) fn radar_emit_spokes(&mut self, radar: &str, frame: &[u8]) -> i32 {
        self.emit_binary_stream(&format!("radars/{radar}"), frame)
    }
}

/// Writes JSON if it fits.
fn write(value: Option<&Value>, answer: &mut [u8]) -> i32 {
    let json = value.map(Value::to_string).unwrap_or_default();
    match answer.get_mut(..json.len()) {
        Some(place) => {
            place.copy_from_slice(json.as_bytes());
            i32::try_from(json.len()).unwrap_or(0)
        }
        None => 0,
    }
}
