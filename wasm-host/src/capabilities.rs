//! What a plugin package asks for and is granted (ABI specification §5).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The effective set of capabilities of one plugin.
///
/// Every field has the default the specification gives to an absent key, so
/// `Capabilities::default()` is what a package without a `wasmCapabilities` object gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// Outbound HTTP requests.
    pub network: bool,
    /// A directory of its own.
    pub storage: Storage,
    /// Reading the data model and receiving deltas.
    pub data_read: bool,
    /// Emitting deltas and notifications.
    pub data_write: bool,
    /// Serial ports. Nothing is gated by it yet.
    pub serial_ports: bool,
    /// Registering PUT handlers.
    pub put_handlers: bool,
    /// HTTP endpoints: `None` when the package does not say (they are then mounted with a warning,
    /// because official plugins forget to declare it), `Some(false)` when it opts out.
    pub http_endpoints: Option<bool>,
    /// Serving the package's `public/` folder: `None` when the package does not say.
    pub static_files: Option<bool>,
    /// Registering as a resource provider.
    pub resource_provider: bool,
    /// Registering as a weather provider.
    pub weather_provider: bool,
    /// Registering as a radar provider, and publishing radar streams.
    pub radar_provider: bool,
    /// UDP and TCP sockets.
    pub raw_sockets: bool,
    /// The server event API.
    pub server_events: bool,
}

/// The file storage a plugin gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// A private directory, seen by the plugin as `/`.
    #[default]
    VfsOnly,
    /// No file access at all.
    None,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            network: false,
            storage: Storage::VfsOnly,
            data_read: true,
            data_write: true,
            serial_ports: false,
            put_handlers: false,
            http_endpoints: None,
            static_files: None,
            resource_provider: false,
            weather_provider: false,
            radar_provider: false,
            raw_sockets: false,
            server_events: false,
        }
    }
}

/// One thing in a package's capability object that was not understood; the default applies instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum CapabilityWarning {
    /// A known key with a value of the wrong type.
    #[error(
        "wasmCapabilities.{key} is {found}, expected {expected}: the default applies; correct the plugin's package.json"
    )]
    WrongType {
        /// The key.
        key: String,
        /// The value found, as JSON.
        found: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// A key nobody knows.
    #[error("wasmCapabilities.{key} is not a capability of this server and grants nothing")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// The whole value is not an object.
    #[error("wasmCapabilities is {found}, expected an object: all defaults apply")]
    NotAnObject {
        /// The value found, as JSON.
        found: String,
    },
}

impl Capabilities {
    /// Reads the capabilities out of a whole `package.json`.
    ///
    /// Both the top-level `wasmCapabilities` and the nested `signalk.wasmCapabilities` count; a key
    /// present at the top level wins. Parsing is strict: a value of another type leaves the
    /// default in force and is reported.
    pub fn from_package_json(package: &Value) -> (Self, Vec<CapabilityWarning>) {
        let mut warnings = Vec::new();
        let mut merged = Map::new();
        let nested = package.get("signalk").and_then(|signalk| signalk.get("wasmCapabilities"));
        for source in [nested, package.get("wasmCapabilities")].into_iter().flatten() {
            match source {
                Value::Object(object) => merged.extend(object.clone()),
                Value::Null => {}
                other => warnings.push(CapabilityWarning::NotAnObject { found: other.to_string() }),
            }
        }
        let mut granted = Self::default();
        for (key, value) in &merged {
            granted.set(key, value, &mut warnings);
        }
        (granted, warnings)
    }

    fn set(&mut self, key: &str, value: &Value, warnings: &mut Vec<CapabilityWarning>) {
        let target: &mut bool = match key {
            "network" => &mut self.network,
            "dataRead" => &mut self.data_read,
            "dataWrite" => &mut self.data_write,
            "serialPorts" => &mut self.serial_ports,
            "putHandlers" => &mut self.put_handlers,
            "resourceProvider" => &mut self.resource_provider,
            "weatherProvider" => &mut self.weather_provider,
            "radarProvider" => &mut self.radar_provider,
            "rawSockets" => &mut self.raw_sockets,
            "serverEvents" => &mut self.server_events,
            "httpEndpoints" => self.http_endpoints.insert(true),
            "staticFiles" => self.static_files.insert(true),
            "storage" => {
                match value.as_str() {
                    Some("vfs-only") => self.storage = Storage::VfsOnly,
                    Some("none") => self.storage = Storage::None,
                    _ => warnings.push(wrong_type(key, value, "\"vfs-only\" or \"none\"")),
                }
                return;
            }
            _ => {
                warnings.push(CapabilityWarning::UnknownKey { key: key.to_owned() });
                return;
            }
        };
        match value.as_bool() {
            Some(flag) => *target = flag,
            None => {
                match key {
                    "httpEndpoints" => self.http_endpoints = None,
                    "staticFiles" => self.static_files = None,
                    _ => {}
                }
                warnings.push(wrong_type(key, value, "true or false"));
            }
        }
    }

    /// Whether the capability called `name` in package.json spelling is granted. Unknown names are not.
    pub fn grants(&self, name: &str) -> bool {
        match name {
            "network" => self.network,
            "storage" => self.storage != Storage::None,
            "dataRead" => self.data_read,
            "dataWrite" => self.data_write,
            "serialPorts" => self.serial_ports,
            "putHandlers" => self.put_handlers,
            "httpEndpoints" => self.http_endpoints.unwrap_or(true),
            "staticFiles" => self.static_files.unwrap_or(true),
            "resourceProvider" => self.resource_provider,
            "weatherProvider" => self.weather_provider,
            "radarProvider" => self.radar_provider,
            "rawSockets" => self.raw_sockets,
            "serverEvents" => self.server_events,
            _ => false,
        }
    }
}

fn wrong_type(key: &str, value: &Value, expected: &'static str) -> CapabilityWarning {
    CapabilityWarning::WrongType { key: key.to_owned(), found: value.to_string(), expected }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Storage::VfsOnly => "vfs-only",
            Storage::None => "none",
        })
    }
}
