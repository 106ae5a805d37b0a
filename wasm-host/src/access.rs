//! Which hosts a plugin may talk to: the values of the capabilities `network` and `rawSockets`.
//!
//! In `package.json` such a capability is `true`, `false`, or a list of what is allowed:
//!
//! ```json
//! "wasmCapabilities": {
//!   "network": { "allow": ["api.example.org:443", "*.example.net", "192.168.0.0/16"] },
//!   "rawSockets": { "allow": ["10.1.2.3:2000-2010", "[::1]:80", "localhost:*"] }
//! }
//! ```
//!
//! The rule: a connection is permitted when the *address* it goes to is listed, or when the *name* it was asked for is listed
//! and the address is an ordinary one. Loopback, link-local, unspecified and cloud-metadata addresses are never ordinary: they
//! need an entry that names them and nothing else (`localhost`, `127.0.0.1`, `169.254.0.0/16`; `0.0.0.0/0` and
//! `*` do not open them). So a listed name whose owner points it at `127.0.0.1` reaches nothing. `true` permits every
//! ordinary address.

mod entry;

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use entry::{AllowEntry, EntryError};

use entry::{Target, canonical, normal_host, special_kind};

/// What a plugin may reach over the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NetworkAccess {
    /// Nothing.
    #[default]
    Denied,
    /// Every ordinary address: all but loopback, link-local, unspecified and cloud-metadata ones.
    Granted,
    /// What is listed. Never empty when read from JSON: an empty list is [`Denied`](Self::Denied).
    Listed(Vec<AllowEntry>),
}

/// Why a connection is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The plugin does not have the capability at all.
    #[error("the plugin has no network access of this kind: its package must declare the capability")]
    NotGranted,
    /// The address belongs to the machine itself or its immediate surroundings.
    #[error(
        "{address} is a {kind} address, which needs an entry of its own in the plugin's allow-list \
         (such as \"{address}\", or \"localhost\" for loopback)"
    )]
    Special {
        /// The address, with an embedded IPv4 address unwrapped.
        address: IpAddr,
        /// Which kind: `loopback`, `link-local`, `unspecified` or `cloud-metadata`.
        kind: &'static str,
    },
    /// There is an allow-list, and this is not on it.
    #[error("{target} is not in the plugin's allow-list")]
    NotListed {
        /// Host name or address with the port.
        target: String,
    },
}

impl NetworkAccess {
    /// Whether anything at all may be reached: what `sk_has_capability` answers.
    pub fn is_granted(&self) -> bool {
        match self {
            NetworkAccess::Denied => false,
            NetworkAccess::Granted => true,
            NetworkAccess::Listed(entries) => !entries.is_empty(),
        }
    }

    /// Whether the name `host` is allowed on `port`, before it is known where the name leads. A literal address (with or
    /// without brackets) is judged as by [`permits_address`](Self::permits_address).
    ///
    /// Not enough for a connection: the address must pass [`permits_address`](Self::permits_address) as well. And not
    /// necessary either, as a name that is not listed may lead to a listed address; see
    /// [`may_resolve`](Self::may_resolve).
    pub fn permits_host(&self, host: &str, port: u16) -> bool {
        let host = normal_host(host);
        if let Ok(address) = host.parse() {
            return self.permits_address(None, address, port).is_ok();
        }
        match self {
            NetworkAccess::Denied => false,
            NetworkAccess::Granted => true,
            NetworkAccess::Listed(entries) => entries.iter().any(|entry| entry.names(&host, port)),
        }
    }

    /// Whether looking `host` up could lead to something permitted on `port`. When it could not, no query should leave
    /// the machine.
    pub fn may_resolve(&self, host: &str, port: u16) -> bool {
        let lists_addresses = match self {
            NetworkAccess::Listed(entries) => entries.iter().any(|entry| entry.is_address() && entry.ports.has(port)),
            NetworkAccess::Denied | NetworkAccess::Granted => false,
        };
        self.permits_host(host, port) || (lists_addresses && normal_host(host).parse::<IpAddr>().is_err())
    }

    /// Whether a connection or datagram may go to `address` and `port`. `host` is the name the plugin asked for, `None`
    /// when it gave the address itself. IPv4 addresses inside IPv6 ones (`::ffff:…`, `64:ff9b::…`) are unwrapped first.
    ///
    /// # Errors
    /// Why not.
    pub fn permits_address(&self, host: Option<&str>, address: IpAddr, port: u16) -> Result<(), Refusal> {
        let address = canonical(address);
        let special = special_kind(address);
        match (self, special) {
            (NetworkAccess::Denied, _) => return Err(Refusal::NotGranted),
            (NetworkAccess::Granted, None) => return Ok(()),
            (NetworkAccess::Granted, Some(kind)) => return Err(Refusal::Special { address, kind }),
            (NetworkAccess::Listed(_), _) => {}
        }
        let NetworkAccess::Listed(entries) = self else { return Err(Refusal::NotGranted) };
        if entries.iter().any(|entry| entry.includes(address, port)) {
            return Ok(());
        }
        if let Some(kind) = special {
            return Err(Refusal::Special { address, kind });
        }
        let name = host.map(normal_host).filter(|name| name.parse::<IpAddr>().is_err());
        if let Some(name) = &name
            && entries.iter().any(|entry| entry.names(name, port))
        {
            return Ok(());
        }
        let target = match (name, address) {
            (Some(name), _) => format!("{name}:{port} ({address})"),
            (None, IpAddr::V6(v6)) => format!("[{v6}]:{port}"),
            (None, IpAddr::V4(v4)) => format!("{v4}:{port}"),
        };
        Err(Refusal::NotListed { target })
    }

    /// Reads the value of a capability. Entries that cannot be read grant nothing; the others still count.
    ///
    /// # Errors
    /// In the second place of the pair: what was not understood. A value of the wrong type denies everything.
    pub fn from_json(value: &Value) -> (Self, Vec<AccessError>) {
        let wrong_type = || (NetworkAccess::Denied, vec![AccessError::WrongType { found: value.to_string() }]);
        match value {
            Value::Bool(true) => (NetworkAccess::Granted, Vec::new()),
            Value::Bool(false) | Value::Null => (NetworkAccess::Denied, Vec::new()),
            Value::Object(object) if object.len() == 1 => match object.get("allow") {
                Some(Value::Array(items)) => Self::from_list(items),
                _ => wrong_type(),
            },
            _ => wrong_type(),
        }
    }

    fn from_list(items: &[Value]) -> (Self, Vec<AccessError>) {
        let mut entries = Vec::new();
        let mut errors = Vec::new();
        for item in items {
            match item.as_str() {
                None => errors.push(AccessError::Entry { entry: item.to_string(), reason: EntryError::NotText }),
                Some(text) => match text.parse() {
                    Ok(entry) if entries.contains(&entry) => {}
                    Ok(entry) => entries.push(entry),
                    Err(reason) => errors.push(AccessError::Entry { entry: text.to_owned(), reason }),
                },
            }
        }
        let access = if entries.is_empty() { NetworkAccess::Denied } else { NetworkAccess::Listed(entries) };
        (access, errors)
    }

    /// What `newer` allows beyond `self`, in words that fit behind the capability's name: entries of its list, or `any host`.
    /// May name an entry that several of the older ones cover together, never leaves out one that is new.
    pub fn widened_by(&self, newer: &Self) -> Vec<String> {
        let covers_all = |entries: &[AllowEntry]| {
            entries.iter().any(|entry| matches!(entry.target, Target::Any) && entry.ports.has_all())
        };
        match (self, newer) {
            (_, NetworkAccess::Denied) | (NetworkAccess::Granted, NetworkAccess::Granted) => Vec::new(),
            (NetworkAccess::Listed(entries), NetworkAccess::Granted) if covers_all(entries) => Vec::new(),
            (_, NetworkAccess::Granted) => vec!["any host".to_owned()],
            (NetworkAccess::Denied, NetworkAccess::Listed(entries)) => {
                entries.iter().map(ToString::to_string).collect()
            }
            (NetworkAccess::Granted, NetworkAccess::Listed(entries)) => {
                entries.iter().filter(|entry| entry.target.opens_special()).map(ToString::to_string).collect()
            }
            (NetworkAccess::Listed(older), NetworkAccess::Listed(entries)) => entries
                .iter()
                .filter(|entry| !older.iter().any(|older| older.covers(entry)))
                .map(ToString::to_string)
                .collect(),
        }
    }
}

/// Something in a capability's value that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// It is neither true, false nor an object with a list.
    #[error("{found} is neither true, false nor {{\"allow\": [\"host:port\", …]}}")]
    WrongType {
        /// The value found, as JSON.
        found: String,
    },
    /// One entry of the list.
    #[error("the entry {entry:?} {reason}")]
    Entry {
        /// The entry.
        entry: String,
        /// What is wrong with it.
        reason: EntryError,
    },
}

impl fmt::Display for NetworkAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetworkAccess::Denied => f.write_str("denied"),
            NetworkAccess::Granted => f.write_str("any host"),
            NetworkAccess::Listed(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    write!(f, "{}{entry}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

/// `true`, `false` or `{"allow": […]}`, as in package.json.
impl Serialize for NetworkAccess {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        match self {
            NetworkAccess::Denied => serializer.serialize_bool(false),
            NetworkAccess::Granted => serializer.serialize_bool(true),
            NetworkAccess::Listed(entries) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("allow", &entries.iter().map(ToString::to_string).collect::<Vec<_>>())?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for NetworkAccess {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (access, errors) = Self::from_json(&Value::deserialize(deserializer)?);
        match errors.into_iter().next() {
            None => Ok(access),
            Some(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

#[cfg(test)]
#[path = "access/tests.rs"]
mod tests;
