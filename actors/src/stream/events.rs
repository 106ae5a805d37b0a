//! Server events: what the administration pages see of the server itself (`serverevents=all`, server-admin-api §14).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::prelude::*;
use bytestring::ByteString;
use serde::Serialize;
use serde_json::json;
use windlass_broker::{RawJson, push_string};

/// What a new listener gets first, and what it gets last, in this order (server-admin-api §14). The others come in between.
const FIRST: &str = "VESSEL_INFO";
const LAST: [&str; 7] = [
    "DEBUG_SETTINGS",
    "PRIORITYOVERRIDES",
    "SOURCEALIASES",
    "PRIORITYGROUPS",
    "PRIORITYDEFAULTS",
    "MULTISOURCEPATHS",
    "RECONCILEDGROUPS",
];

/// An event on its way to a client: `{"type": <TYPE>, "from": "signalk-server", "data": …}` as text.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ServerEvent(pub ByteString);

/// Keeps the latest event of each type and passes new ones on to those who asked.
#[derive(Clone, Default)]
pub struct EventBus(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    latest: BTreeMap<&'static str, ByteString>,
    listeners: Vec<Recipient<ServerEvent>>,
    dropped: u64,
}

impl Inner {
    fn send(&mut self, text: &ByteString) {
        let mut dropped = 0;
        self.listeners.retain(|listener| match listener.try_send(ServerEvent(text.clone())) {
            Ok(()) => true,
            Err(SendError::Full(_)) => {
                dropped += 1;
                true
            }
            Err(SendError::Closed(_)) => false,
        });
        self.dropped += dropped;
    }
}

impl EventBus {
    /// Sends an event to all listeners. One whose mailbox is full misses it, which is counted: every event carries the whole state of
    /// its type, so the next one makes up for it.
    pub fn emit(&self, kind: &'static str, data: &impl Serialize) {
        let text = render(kind, data);
        let mut inner = self.lock();
        inner.latest.insert(kind, text.clone());
        inner.send(&text);
    }

    /// The same, unless the latest event of its type says just that.
    pub fn emit_change(&self, kind: &'static str, data: &impl Serialize) {
        let text = render(kind, data);
        let mut inner = self.lock();
        if inner.latest.get(kind) != Some(&text) {
            inner.latest.insert(kind, text.clone());
            inner.send(&text);
        }
    }

    /// Sends an event of a plugin to all listeners (wasm-plugin-abi §4.10). It is news, not a state: later listeners don't get it.
    pub fn pass_on(&self, kind: &str, plugin: &str, data: &RawJson) {
        let mut text = String::from("{\"type\":");
        push_string(&mut text, kind);
        text.push_str(",\"from\":");
        push_string(&mut text, plugin);
        text.push_str(",\"data\":");
        text.push_str(data.as_str());
        text.push('}');
        self.lock().send(&text.into());
    }

    /// Adds a listener and returns what it has missed: the latest event of each type, vessel information first, and what is configured
    /// last.
    pub fn listen(&self, listener: Recipient<ServerEvent>) -> Vec<ByteString> {
        let mut inner = self.lock();
        inner.listeners.push(listener);
        let others = inner.latest.keys().copied().filter(|kind| *kind != FIRST && !LAST.contains(kind));
        let order = std::iter::once(FIRST).chain(others).chain(LAST);
        order.filter_map(|kind| inner.latest.get(kind).cloned()).collect()
    }

    /// Events that a listener had no room for.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whole between any two statements above, also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn render(kind: &str, data: &impl Serialize) -> ByteString {
    json!({"type": kind, "from": "signalk-server", "data": data}).to_string().into()
}
