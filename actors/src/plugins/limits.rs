//! What one plugin may use up: the defaults of all, and what the operator has set for single ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use windlass_wasm_host::Limits;

/// Bounds of one plugin: those of its sandbox, and those of its part in the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginLimits {
    /// Memory, deadlines, files and output.
    #[serde(flatten)]
    pub sandbox: Limits,
    /// Deltas and notifications that it may emit in a second; two seconds' worth may come at once. More are dropped and counted.
    pub emitted_deltas_per_second: u32,
    /// Its share of one processor core over ten seconds, 0.01 to 1. When it has had more, its deltas and polls are held back.
    pub cpu_share: f64,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self { sandbox: Limits::default(), emitted_deltas_per_second: 2000, cpu_share: 0.5 }
    }
}

/// What the operator has set for one plugin.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PluginOverride {
    /// Those of [`PluginLimits`] that are different for this plugin.
    pub limits: Map<String, Value>,
    /// Capabilities that it does not get, although its package asks for them, and where it may connect to; in the form of
    /// `wasmCapabilities`.
    pub capabilities: Map<String, Value>,
}

/// A limit that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// There is no limit of this name.
    #[error("{0} is not a limit; see the plugin limits in the documentation for the names")]
    Unknown(String),
    /// A value of the wrong type, or out of range.
    #[error("a limit can't be used: {0}")]
    Value(String),
}

impl PluginLimits {
    /// With some of them changed; `deadlines` one by one as well.
    ///
    /// # Errors
    /// A name is unknown, or a value can't be used.
    pub fn changed(&self, changes: &Map<String, Value>) -> Result<Self, LimitError> {
        let mut all = serde_json::to_value(self).map_err(|error| LimitError::Value(error.to_string()))?;
        merge(&mut all, changes, "")?;
        let changed: Self = serde_json::from_value(all).map_err(|error| LimitError::Value(error.to_string()))?;
        changed.checked()
    }

    /// The same when all values make sense.
    ///
    /// # Errors
    /// One does not.
    pub fn checked(self) -> Result<Self, LimitError> {
        match self.cpu_share {
            share if (0.01..=1.0).contains(&share) => Ok(self),
            share => Err(LimitError::Value(format!("cpuShare is {share}, but a share of one core is 0.01 to 1"))),
        }
    }
}

fn merge(all: &mut Value, changes: &Map<String, Value>, above: &str) -> Result<(), LimitError> {
    for (name, value) in changes {
        match (all.get_mut(name), value) {
            (Some(group @ Value::Object(_)), Value::Object(changes)) => {
                merge(group, changes, &format!("{above}{name}."))?
            }
            (Some(limit), value) => *limit = value.clone(),
            (None, _) => return Err(LimitError::Unknown(format!("{above}{name}"))),
        }
    }
    Ok(())
}

/// The entry for a plugin, by its id or its package name.
pub(super) fn override_of<'a>(
    overrides: &'a BTreeMap<String, PluginOverride>,
    id: &str,
    package_name: &str,
) -> Option<&'a PluginOverride> {
    overrides.get(id).or_else(|| overrides.get(package_name))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("{value} is no object") };
        object
    }

    #[test]
    fn single_limits_can_be_changed() {
        let changes =
            json!({"memoryBytes": 1 << 26, "deadlines": {"poll": 100}, "cpuShare": 0.1, "emittedDeltasPerSecond": 9});
        let limits = PluginLimits::default().changed(&object(changes)).expect("good limits");
        assert_eq!(limits.sandbox.memory_bytes, 1 << 26);
        assert_eq!(limits.sandbox.deadlines.poll, Duration::from_millis(100));
        assert_eq!(limits.sandbox.deadlines.start, Limits::default().deadlines.start);
        assert_eq!((limits.cpu_share, limits.emitted_deltas_per_second), (0.1, 9));
        assert_eq!(PluginLimits::default().changed(&Map::new()), Ok(PluginLimits::default()));
    }

    #[test]
    fn what_is_no_limit_is_named() {
        let change = |value| PluginLimits::default().changed(&object(value)).expect_err("refused").to_string();
        assert!(change(json!({"memorybytes": 1})).starts_with("memorybytes is not a limit"));
        assert!(change(json!({"deadlines": {"pol": 1}})).starts_with("deadlines.pol is not"));
        assert!(change(json!({"memoryBytes": "much"})).contains("much"));
        assert!(change(json!({"cpuShare": 50})).contains("cpuShare"));
    }
}
