//! The entries of `pipedProviders` in settings.json (signalk-v1 §15).

use std::net::IpAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use windlass_broker::NameError;

use super::keys::{Keys, unsupported, wrong};
use super::plan::Plan;

/// `type` of the pipe elements that describe a whole connection.
const SIMPLE: &str = "providers/simple";
/// What [`SettingsError::Unsupported`] offers instead.
const SUPPORTED: &str = "NMEA0183 with subOptions.type tcp, tcplistener, tcpserver, udp, serial or gpsd, SignalK with ws, wss, tcp, udp or \
     serial, and FileStream with dataType NMEA0183, SignalK or Multiplexed";

/// One entry of `pipedProviders`, kept as it was read, so that keys this server does not know survive a save.
///
/// # The keys that count
/// `{"id": <text>, "enabled": <bool, true>, "pipeElements": [{"type": "providers/simple", "options": {"type": <T>,
/// "subOptions": {...}}}]}`. Numbers may be written as texts, as the reference server's admin page does.
///
/// | `T` | subOptions |
/// |---|---|
/// | `NMEA0183` | `type: "tcp"`, `host`, `port`, `noDataReceivedTimeout` (s, 60; 0 = none) |
/// | `NMEA0183` | `type: "tcplistener"` (this server's own): `host` (address to listen on, 127.0.0.1), `port`, `maxPeers` (32), `noDataReceivedTimeout` (s, none) |
/// | `NMEA0183` | `type: "tcpserver"`: what clients of the NMEA 0183 output send |
/// | `NMEA0183` | `type: "udp"`, `port`, `bindAddress` (0.0.0.0), `host` (255.255.255.255; who is sent what is written out, to the same port) |
/// | `NMEA0183` | `type: "serial"`, `device`, `baudrate` (4800) |
/// | `NMEA0183` | `type: "gpsd"`, `hostname` (localhost), `port` (2947), `noDataReceivedTimeout` (s, 60; 0 = none) |
/// | `SignalK` | `type: "ws"` or `"wss"`, `host`, `port`, `token`, `subscription` (a message or a list of messages, also as a text), `selfHandling: "noSelf"` (default), `"useRemoteSelf"` or `"manualSelf"` with `remoteSelf`, `selfsignedcert` (false; true trusts whatever certificate it has), `certificateAuthority` (PEM text; with `wss` only certificates of these authorities are trusted, instead of the public ones), `useDiscovery` (false; true looks for a server instead of `host` and `port`), `noDataReceivedTimeout` (s, 60; 0 = none) |
/// | `SignalK` | `type: "tcp"`, `"udp"` or `"serial"` as above: lines of deltas; `tcp` takes `subscription`, too |
/// | `FileStream` | `filename`, `dataType: "NMEA0183"`, `"SignalK"` or `"Multiplexed"`, `speed` (1; 0 = as fast as possible), `loop` (true), `throttleRate` (bytes/s instead of the recorded timing), `linesPerSecond` (10; for recordings without times) |
///
/// All take `validateChecksum` (true), `ignoredSentences`, `overrideTimestamp` (false), `suppress0183event` (false; true keeps the
/// sentences from the NMEA 0183 output), and beside `subOptions` `logging` (false; true records what is received). Besides:
///
/// | subOption | What it does |
/// |---|---|
/// | `removeNulls` (false) | bytes of value 0 are dropped before lines are made of the others |
/// | `appendChecksum` (false) | a sentence without a checksum gets the one it should have |
/// | `sentenceEvent` | one or more names of events: received sentences are these events besides `nmea0183` |
/// | `outEvent`, `toStdout` | one or more names of events, whose sentences are written to the device, but not those that came from there: `nmea0183` (all inputs), `nmea0183out` (plugins), a name of a `sentenceEvent`, or one that a plugin emits. For `NMEA0183` with `tcp`, `tcplistener`, `udp` (one a datagram) and `serial` |
/// | `talkerGroups` | `{<group>: [<talker>…]}`: talkers of a group are one source, `<id>.<group>` |
/// | `useCanName` (false) | the `$source` of a delta whose `source` has a `canName` is `<label>.<canName>` |
///
/// What has no effect on a connection of some type is said so in its status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionSettings(Map<String, Value>);

/// How [`ConnectionSettings::playback`] plays a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaybackOptions {
    /// How many times faster than recorded, 0.001 to 100,000; 0 is as fast as the server takes it.
    pub speed: f64,
    /// Start over at the end.
    pub looped: bool,
}

impl Default for PlaybackOptions {
    fn default() -> Self {
        Self { speed: 1.0, looped: true }
    }
}

/// Why a connection can't be started.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// A key is absent.
    #[error("`{key}` is missing; it should be {expected}")]
    Missing {
        /// Where in the entry.
        key: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A key holds something else.
    #[error("`{key}` is {found}; it should be {expected}")]
    Wrong {
        /// Where in the entry.
        key: String,
        /// What is there.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The reference server has this kind of input, this one does not have it yet, or nobody has.
    #[error("{what} is not supported yet; supported are {SUPPORTED}. Disable the connection to silence this message")]
    Unsupported {
        /// The kind, such as `type NMEA2000 with canbus-canboatjs`.
        what: String,
    },
    /// A program is to be run, which this server does not do.
    #[error(
        "this server runs no programs (type Execute), because whoever may change its settings could then do anything on \
         this computer. Start `{command}` yourself, as a service, and let it send its output to a connection of type \
         NMEA0183 with tcplistener or udp, or SignalK with udp"
    )]
    Execute {
        /// What was to be run.
        command: String,
    },
    /// The id can't be used as a source.
    #[error("`id` can't be used: {0}")]
    Id(#[from] NameError),
    /// Two connections have the same id.
    #[error(
        "another connection has the id {0:?} already; ids must differ, because they become part of every `$source`"
    )]
    DuplicateId(String),
}

impl ConnectionSettings {
    /// Takes an entry as it stands.
    pub fn new(entry: Map<String, Value>) -> Self {
        Self(entry)
    }

    /// Reads the value of `pipedProviders`. An entry that is no object costs that entry only: its error stands in its place.
    pub fn from_entries(entries: Vec<Value>) -> Vec<Result<Self, SettingsError>> {
        let entries = entries.into_iter().enumerate();
        entries
            .map(|(index, entry)| match entry {
                Value::Object(entry) => Ok(Self(entry)),
                other => Err(wrong(&format!("pipedProviders[{index}]"), &other, "an object")),
            })
            .collect()
    }

    /// A connection that accepts NMEA 0183 lines from any number of TCP peers. Port 0 is any free one.
    pub fn nmea0183_listener(id: &str, address: IpAddr, port: u16) -> Self {
        let sub = json!({"type": "tcplistener", "host": address.to_string(), "port": port});
        Self::simple(id, "NMEA0183", sub)
    }

    /// A connection to an NMEA 0183 server.
    pub fn nmea0183_client(id: &str, host: &str, port: u16) -> Self {
        Self::simple(id, "NMEA0183", json!({"type": "tcp", "host": host, "port": port}))
    }

    /// A connection that plays a recording. A relative file name starts at the configuration directory.
    pub fn playback(id: &str, file: &Path, options: PlaybackOptions) -> Self {
        let sub = json!({
            "dataType": "NMEA0183", "filename": file.to_string_lossy(), "speed": options.speed, "loop": options.looped,
        });
        Self::simple(id, "FileStream", sub)
    }

    fn simple(id: &str, kind: &str, sub_options: Value) -> Self {
        let options = json!({"type": kind, "subOptions": sub_options});
        let elements = json!([{"type": SIMPLE, "options": options}]);
        let entry = [("id", json!(id)), ("enabled", json!(true)), ("pipeElements", elements)];
        Self(entry.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
    }

    /// The id, if there is one.
    pub fn id(&self) -> Option<&str> {
        self.0.get("id").and_then(Value::as_str).filter(|id| !id.is_empty())
    }

    /// Whether the connection is to be started; so unless `enabled` is `false`.
    pub fn enabled(&self) -> bool {
        self.0.get("enabled") != Some(&Value::Bool(false))
    }

    /// The entry itself.
    pub fn entry(&self) -> &Map<String, Value> {
        &self.0
    }

    /// `options.type` of a simple connection, such as `NMEA0183`.
    pub fn kind(&self) -> Option<&str> {
        self.0.get("pipeElements")?.get(0)?.get("options")?.get("type")?.as_str()
    }

    /// A key of the sub-options of a simple connection, if it is a text.
    pub(super) fn sub_option(&self, key: &str) -> Option<&str> {
        self.0.get("pipeElements")?.get(0)?.get("options")?.get("subOptions")?.get(key)?.as_str()
    }

    /// Whether it plays a file.
    pub(super) fn is_recording(&self) -> bool {
        self.kind() == Some("FileStream")
    }

    /// What the settings ask for. `directory` is where relative file names start.
    pub(super) fn plan(&self, directory: &Path) -> Result<Plan, SettingsError> {
        if self.id().is_none() {
            let missing = SettingsError::Missing { key: "id".into(), expected: "a text" };
            return Err(self.0.get("id").map_or(missing, |id| wrong("id", id, "a text")));
        }
        let elements = Keys { map: &self.0, at: "" }.need("pipeElements", Value::as_array, "a list")?;
        let element = match elements.as_slice() {
            [Value::Object(element)] if element.get("type").and_then(Value::as_str) == Some(SIMPLE) => element,
            [_] => return Err(unsupported(format!("a pipe element other than {SIMPLE}"))),
            more => return Err(unsupported(format!("a chain of {} pipe elements", more.len()))),
        };
        let options = Keys { map: element, at: "pipeElements[0]." }.need("options", Value::as_object, "an object")?;
        let options = Keys { map: options, at: "options." };
        let kind = options.text("type")?;
        let empty = Map::new();
        let sub = options.find("subOptions", Value::as_object, "an object")?.unwrap_or(&empty);
        let sub = Keys { map: sub, at: "subOptions." };
        Plan::read(kind, options, sub, directory)
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
