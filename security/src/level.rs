//! Who asks, and what level they have.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The id that stands for visitors without a token (signalk-v1 §5.9).
pub(crate) const ANONYMOUS: &str = "AUTO";

/// What a user or a device may do as a whole; each level includes those below it (signalk-v1 §8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Reading.
    ReadOnly,
    /// PUT, deltas and changes of resources too.
    ReadWrite,
    /// The configuration of the server too.
    Admin,
}

impl Level {
    /// From its name in files and requests: `readonly`, `readwrite` or `admin`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "readonly" => Some(Self::ReadOnly),
            "readwrite" => Some(Self::ReadWrite),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// Its name in files and requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "readonly",
            Self::ReadWrite => "readwrite",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A user, by name.
    User(Arc<str>),
    /// A device, by client id.
    Device(Arc<str>),
    /// A visitor without a token where reading is allowed to everybody.
    Anonymous,
    /// A visitor without a token where it is not.
    Nobody,
    /// Whoever it is: the server runs open.
    Anybody,
}

impl Principal {
    /// The subject in ACLs: user name, client id, or `AUTO` for [`Principal::Anonymous`].
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::User(name) | Self::Device(name) => Some(name),
            Self::Anonymous => Some(ANONYMOUS),
            Self::Nobody | Self::Anybody => None,
        }
    }

    /// The part of a stream's provider id after `ws.`: the name of the user or device, with `_` for each `.` (signalk-v1 §5.7). `None` for
    /// those without a name, whose provider is plain `ws`.
    pub fn name_for_provider(&self) -> Option<String> {
        match self {
            Self::User(name) | Self::Device(name) => Some(name.replace('.', "_")),
            Self::Anonymous | Self::Nobody | Self::Anybody => None,
        }
    }
}
