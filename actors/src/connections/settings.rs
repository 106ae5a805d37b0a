//! The entries of `pipedProviders` in settings.json (signalk-v1 §15).

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;
use windlass_broker::NameError;

use super::pacing::Steady;
use crate::nmea0183;

/// `type` of the pipe elements that describe a whole connection.
const SIMPLE: &str = "providers/simple";
/// What [`SettingsError::Unsupported`] offers instead.
const SUPPORTED: &str =
    "NMEA0183 with subOptions.type tcp, tcplistener or udp, and FileStream with dataType NMEA0183 or Multiplexed";

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
/// | `NMEA0183` | `type: "udp"`, `port`, `bindAddress` (0.0.0.0) |
/// | `FileStream` | `filename`, `dataType: "NMEA0183"` or `"Multiplexed"`, `speed` (1; 0 = as fast as possible), `loop` (true), `throttleRate` (bytes/s instead of the recorded timing), `linesPerSecond` (10; for recordings without times) |
///
/// All take `validateChecksum` (true), `ignoredSentences` and `overrideTimestamp` (false).
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
    /// The id can't be used as a source.
    #[error("`id` can't be used: {0}")]
    Id(#[from] NameError),
    /// Two connections have the same id.
    #[error(
        "another connection has the id {0:?} already; ids must differ, because they become part of every `$source`"
    )]
    DuplicateId(String),
}

/// What a connection does, read from its settings.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub input: Input,
    pub decoding: nmea0183::Options,
    /// Replace every timestamp with the time of reception.
    pub override_timestamp: bool,
}

/// Where the bytes come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Input {
    TcpClient(TcpClient),
    TcpListener(TcpListener),
    Udp(Udp),
    Playback(Recording),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct TcpClient {
    pub host: String,
    pub port: u16,
    /// Connect anew after this long without data.
    pub silence: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct TcpListener {
    pub address: IpAddr,
    pub port: u16,
    pub max_peers: usize,
    /// Disconnect a peer after this long without data.
    pub silence: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Udp {
    pub address: IpAddr,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recording {
    pub file: PathBuf,
    pub speed: f64,
    pub looped: bool,
    /// Use this rate even if the recording has times.
    pub throttle: Option<Steady>,
    /// Use this rate if it has none.
    pub without_times: Steady,
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
        let input = match kind {
            "NMEA0183" => nmea0183_input(sub)?,
            "FileStream" => file_input(options, sub, directory)?,
            other => {
                let with = sub.map.get("type").and_then(Value::as_str).map(|t| format!(" with {t}"));
                return Err(unsupported(format!("type {other}{}", with.unwrap_or_default())));
            }
        };
        let decoding = nmea0183::Options {
            validate_checksum: sub.flag("validateChecksum", true)?,
            ignored_sentences: sub.words("ignoredSentences")?,
        };
        Ok(Plan { input, decoding, override_timestamp: sub.flag("overrideTimestamp", false)? })
    }
}

fn nmea0183_input(sub: Keys<'_>) -> Result<Input, SettingsError> {
    Ok(match sub.text("type")? {
        "tcp" => Input::TcpClient(TcpClient {
            host: sub.text("host")?.to_owned(),
            port: sub.port("port")?,
            silence: sub.seconds("noDataReceivedTimeout", Some(Duration::from_secs(60)))?,
        }),
        "tcplistener" => Input::TcpListener(TcpListener {
            address: sub.address("host", IpAddr::from([127, 0, 0, 1]))?,
            port: sub.port("port")?,
            max_peers: sub.number("maxPeers", 1.0..=1000.0, "a number from 1 to 1000")?.unwrap_or(32.0) as usize,
            silence: sub.seconds("noDataReceivedTimeout", None)?,
        }),
        "udp" => Input::Udp(Udp {
            address: sub.address("bindAddress", IpAddr::from([0, 0, 0, 0]))?,
            port: sub.port("port")?,
        }),
        other => return Err(unsupported(format!("type NMEA0183 with {other}"))),
    })
}

fn file_input(options: Keys<'_>, sub: Keys<'_>, directory: &Path) -> Result<Input, SettingsError> {
    let data_type =
        sub.find("dataType", Value::as_str, "a text")?.or(options.find("dataType", Value::as_str, "a text")?);
    match data_type {
        Some("NMEA0183" | "Multiplexed") | None => {}
        Some(other) => return Err(unsupported(format!("type FileStream with dataType {other}"))),
    }
    let throttle = match data_type {
        Some("Multiplexed") | None => None,
        Some(_) => sub.number("throttleRate", 1.0..=1e9, "a number of bytes per second")?.map(Steady::Bytes),
    };
    let lines = sub.number("linesPerSecond", 0.01..=1e6, "a number from 0.01 to 1000000")?.unwrap_or(10.0);
    let speed = match sub.number("speed", 0.0..=1e5, "0 or a number from 0.001 to 100000")? {
        Some(slow) if slow > 0.0 && slow < 1e-3 => {
            return Err(wrong("subOptions.speed", &json!(slow), "0 or a number from 0.001 to 100000"));
        }
        speed => speed.unwrap_or(1.0),
    };
    Ok(Input::Playback(Recording {
        file: directory.join(sub.text("filename")?),
        speed,
        looped: sub.flag("loop", true)?,
        throttle,
        without_times: Steady::Lines(lines),
    }))
}

/// Reads the keys of one object, and says where something is wrong.
#[derive(Clone, Copy)]
struct Keys<'a> {
    map: &'a Map<String, Value>,
    /// What stands before the key in messages.
    at: &'static str,
}

impl<'a> Keys<'a> {
    /// The value of a key. Null and the empty text are what an emptied form field leaves: absent.
    fn present(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    fn find<T>(
        &self,
        key: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, SettingsError> {
        let Some(value) = self.present(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| wrong(&format!("{}{key}", self.at), value, expected))
    }

    fn need<T>(
        &self,
        key: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, SettingsError> {
        let missing = || SettingsError::Missing { key: format!("{}{key}", self.at), expected };
        self.find(key, read, expected)?.ok_or_else(missing)
    }

    fn text(&self, key: &str) -> Result<&'a str, SettingsError> {
        self.need(key, Value::as_str, "a text")
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, SettingsError> {
        Ok(self.find(key, Value::as_bool, "true or false")?.unwrap_or(default))
    }

    fn number(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<f64>,
        expected: &'static str,
    ) -> Result<Option<f64>, SettingsError> {
        self.find(key, |value| number(value).filter(|n| range.contains(n)), expected)
    }

    fn port(&self, key: &str) -> Result<u16, SettingsError> {
        let port = |value: &Value| number(value).filter(|n| n.fract() == 0.0 && (0.0..=65535.0).contains(n));
        Ok(self.need(key, port, "a port number")? as u16)
    }

    /// A time; 0 is none at all.
    fn seconds(&self, key: &str, default: Option<Duration>) -> Result<Option<Duration>, SettingsError> {
        let seconds = self.number(key, 0.0..=1e6, "a number of seconds")?;
        Ok(seconds.map_or(default, |s| Some(Duration::from_secs_f64(s)).filter(|d| !d.is_zero())))
    }

    fn address(&self, key: &str, default: IpAddr) -> Result<IpAddr, SettingsError> {
        let read = |value: &Value| value.as_str()?.parse().ok();
        Ok(self.find(key, read, "an IP address of this machine, such as 127.0.0.1 or 0.0.0.0")?.unwrap_or(default))
    }

    /// A list of words, or one text with commas between them.
    fn words(&self, key: &str) -> Result<Vec<SmolStr>, SettingsError> {
        let words = |value: &Value| match value {
            Value::String(text) => {
                Some(text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(SmolStr::new).collect())
            }
            Value::Array(list) => list.iter().map(|word| word.as_str().map(SmolStr::new)).collect(),
            _ => None,
        };
        Ok(self.find(key, words, "a list of sentence ids, such as [\"GSV\"]")?.unwrap_or_default())
    }
}

/// A number, also one written as a text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn wrong(key: &str, found: &Value, expected: &'static str) -> SettingsError {
    let text = found.to_string();
    let short: String = text.chars().take(60).collect();
    let found = if short.len() < text.len() { short + "…" } else { text };
    SettingsError::Wrong { key: key.to_owned(), found, expected }
}

fn unsupported(what: String) -> SettingsError {
    SettingsError::Unsupported { what }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
