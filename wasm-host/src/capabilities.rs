//! What a plugin package asks for and is granted (ABI specification §5).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::access::{AccessError, NetworkAccess};

/// The effective set of capabilities of one plugin.
///
/// Every field has the default the specification gives to an absent key, so
/// `Capabilities::default()` is what a package without a `wasmCapabilities` object gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// Outbound HTTP requests, and where to.
    pub network: NetworkAccess,
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
    /// UDP and TCP sockets, and where to.
    pub raw_sockets: NetworkAccess,
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
            network: NetworkAccess::Denied,
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
            raw_sockets: NetworkAccess::Denied,
            server_events: false,
        }
    }
}

/// What the documentation says of one capability.
pub(crate) struct Description {
    /// Its name in package.json.
    pub name: &'static str,
    /// The values it takes.
    pub values: &'static str,
    /// What an absent key means.
    pub default: &'static str,
    /// What it opens.
    pub opens: &'static str,
}

const fn describe(name: &'static str, values: &'static str, default: &'static str, opens: &'static str) -> Description {
    Description { name, values, default, opens }
}

const FLAG: &str = "`true`, `false`";
const HOSTS: &str = "`true`, `false`, `{\"allow\": [\"host:port\", …]}`";

/// All capabilities, in the order of the specification.
pub(crate) const ALL: &[Description] = &[
    describe("network", HOSTS, "`false`", "HTTP requests by `as-fetch`."),
    describe(
        "storage",
        "`\"vfs-only\"`, `\"none\"`",
        "`\"vfs-only\"`",
        "A private directory, which the plugin sees as `/`.",
    ),
    describe("dataRead", FLAG, "`true`", "Reading the data model, and receiving deltas."),
    describe("dataWrite", FLAG, "`true`", "Emitting deltas and notifications."),
    describe("serialPorts", FLAG, "`false`", "Nothing yet: there is no function for serial ports."),
    describe("putHandlers", FLAG, "`false`", "Answering PUT requests."),
    describe(
        "httpEndpoints",
        FLAG,
        "allowed, with a warning",
        "The endpoints that `http_endpoints` lists. Declare it: the warning is for plugins that forgot.",
    ),
    describe("staticFiles", FLAG, "allowed", "Serving the package's `public/` folder."),
    describe("resourceProvider", FLAG, "`false`", "Serving resources."),
    describe("weatherProvider", FLAG, "`false`", "Serving weather data."),
    describe("radarProvider", FLAG, "`false`", "Serving radars, and publishing streams below `radars/`."),
    describe("rawSockets", HOSTS, "`false`", "UDP and TCP sockets."),
    describe("serverEvents", FLAG, "`false`", "Receiving and emitting server events."),
];

/// One thing in a package's capability object, or in what the operator set for the plugin, that was not understood.
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
    /// One entry of an allow-list.
    #[error(
        "wasmCapabilities.{key}: the entry {entry:?} {reason}; it permits nothing; correct the plugin's package.json"
    )]
    AllowEntry {
        /// The key.
        key: String,
        /// The entry.
        entry: String,
        /// What is wrong with it.
        reason: String,
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
    /// What the operator set for the plugin in the server's settings.
    #[error("the setting capabilities.{key} of the plugin {problem}; correct the server's settings")]
    Setting {
        /// The key.
        key: String,
        /// What is wrong, and what happens instead.
        problem: String,
    },
}

/// What is expected of a capability that lists hosts.
const EXPECTED_HOSTS: &str = "true, false or {\"allow\": [\"host:port\"]}";
const EXPECTED_FLAG: &str = "true or false";
const EXPECTED_STORAGE: &str = "\"vfs-only\" or \"none\"";

impl Capabilities {
    /// Reads the capabilities out of a whole `package.json`.
    ///
    /// Both the top-level `wasmCapabilities` and the nested `signalk.wasmCapabilities` count; a key
    /// present at the top level wins. Parsing is strict: a value of another type leaves the
    /// default in force and is reported, and so is an entry of an allow-list that cannot be read.
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
        let wrong_type =
            |expected| CapabilityWarning::WrongType { key: key.to_owned(), found: value.to_string(), expected };
        if let Some(access) = self.access(key) {
            let (read, errors) = NetworkAccess::from_json(value);
            *access = read;
            warnings.extend(errors.into_iter().map(|error| match error {
                AccessError::WrongType { .. } => wrong_type(EXPECTED_HOSTS),
                AccessError::Entry { entry, reason } => {
                    CapabilityWarning::AllowEntry { key: key.to_owned(), entry, reason: reason.to_string() }
                }
            }));
        } else if key == "storage" {
            match Storage::read(value) {
                Some(storage) => self.storage = storage,
                None => warnings.push(wrong_type(EXPECTED_STORAGE)),
            }
        } else if !ALL.iter().any(|known| known.name == key) {
            warnings.push(CapabilityWarning::UnknownKey { key: key.to_owned() });
        } else {
            match value.as_bool() {
                Some(flag) => self.set_flag(key, flag),
                None => warnings.push(wrong_type(EXPECTED_FLAG)),
            }
        }
    }

    /// The capability called `key` if its value says where to.
    fn access(&mut self, key: &str) -> Option<&mut NetworkAccess> {
        match key {
            "network" => Some(&mut self.network),
            "rawSockets" => Some(&mut self.raw_sockets),
            _ => None,
        }
    }

    /// Sets the capability called `key` if it is a plain yes or no.
    fn set_flag(&mut self, key: &str, flag: bool) {
        match key {
            "dataRead" => self.data_read = flag,
            "dataWrite" => self.data_write = flag,
            "serialPorts" => self.serial_ports = flag,
            "putHandlers" => self.put_handlers = flag,
            "resourceProvider" => self.resource_provider = flag,
            "weatherProvider" => self.weather_provider = flag,
            "radarProvider" => self.radar_provider = flag,
            "serverEvents" => self.server_events = flag,
            "httpEndpoints" => self.http_endpoints = Some(flag),
            "staticFiles" => self.static_files = Some(flag),
            _ => {}
        }
    }

    /// Whether the capability called `name` in package.json spelling is granted, be it in part. Unknown names are not.
    pub fn grants(&self, name: &str) -> bool {
        match name {
            "network" => self.network.is_granted(),
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
            "rawSockets" => self.raw_sockets.is_granted(),
            "serverEvents" => self.server_events,
            _ => false,
        }
    }

    /// What `newer` allows beyond `self`: names of capabilities, for those with an allow-list followed by the new entry or by
    /// `any host` (`network: api.example.org:443`). Empty when nobody needs to be asked again.
    pub fn widened_by(&self, newer: &Self) -> Vec<String> {
        let mut wider = Vec::new();
        for Description { name, .. } in ALL {
            let lists = match *name {
                "network" => self.network.widened_by(&newer.network),
                "rawSockets" => self.raw_sockets.widened_by(&newer.raw_sockets),
                name if newer.grants(name) && !self.grants(name) => {
                    wider.push(name.to_owned());
                    continue;
                }
                _ => continue,
            };
            wider.extend(lists.into_iter().map(|entry| format!("{name}: {entry}")));
        }
        wider
    }

    /// What is left of the package's capabilities under the operator's settings for this plugin, an object like
    /// `wasmCapabilities`. A setting takes away, never gives what the package does not ask for - except that an allow-list
    /// replaces the package's list or its `true`, and so may open loopback addresses: where the plugin may connect to is the
    /// operator's to say. A setting that cannot be read takes the capability away and is reported.
    pub fn restricted_by(&self, settings: &Map<String, Value>) -> (Self, Vec<CapabilityWarning>) {
        let mut left = self.clone();
        let mut warnings = Vec::new();
        for (key, value) in settings {
            let mut warn = |problem: String| warnings.push(CapabilityWarning::Setting { key: key.clone(), problem });
            let denied =
                |expected: &str| format!("is {value}, expected {expected}: the plugin does not get the capability");
            if let Some(access) = left.access(key) {
                let (setting, errors) = NetworkAccess::from_json(value);
                for error in errors {
                    warn(match error {
                        AccessError::WrongType { .. } => denied(EXPECTED_HOSTS),
                        AccessError::Entry { entry, reason } => {
                            format!("has the entry {entry:?}, which {reason}, and permits nothing")
                        }
                    });
                }
                match setting {
                    NetworkAccess::Granted => {}
                    setting if access.is_granted() => *access = setting,
                    _ => {}
                }
            } else if key == "storage" {
                match Storage::read(value) {
                    Some(Storage::VfsOnly) => {}
                    Some(Storage::None) => left.storage = Storage::None,
                    None => {
                        left.storage = Storage::None;
                        warn(denied(EXPECTED_STORAGE));
                    }
                }
            } else if !ALL.iter().any(|known| known.name == key) {
                warn("is not a capability of this server and changes nothing".to_owned());
            } else {
                match value.as_bool() {
                    Some(true) => {}
                    Some(false) => left.set_flag(key, false),
                    None => {
                        left.set_flag(key, false);
                        warn(denied(EXPECTED_FLAG));
                    }
                }
            }
        }
        (left, warnings)
    }
}

impl Storage {
    fn read(value: &Value) -> Option<Self> {
        match value.as_str() {
            Some("vfs-only") => Some(Storage::VfsOnly),
            Some("none") => Some(Storage::None),
            _ => None,
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Storage::VfsOnly => "vfs-only",
            Storage::None => "none",
        })
    }
}
