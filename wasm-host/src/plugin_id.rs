//! The identity of a plugin.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A plugin's identity everywhere in the server: the package name with every `@` and every `/`
/// replaced by `_` (ABI specification §0.2, §1.4).
///
/// `@signalk/example` becomes `_signalk_example`; `my-plugin` stays `my-plugin`. Two package names
/// can derive the same id; discovery then refuses the second one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PluginId(String);

impl PluginId {
    /// Derives the id of the package called `name`.
    pub fn of_package(name: &str) -> Self {
        Self(name.replace(['@', '/'], "_"))
    }

    /// The id as text, as it appears in URLs, file names and `$source`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for PluginId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
