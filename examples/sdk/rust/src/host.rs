//! What the server does for every plugin: logs, status, configuration, capabilities.

use crate::{Error, sys};
use serde::{Serialize, de::DeserializeOwned};

/// The largest configuration that [`read_config`] reads, bytes.
const CONFIG_ROOM: usize = 1 << 20;

/// Writes a line to the server's debug log. No capability is needed.
pub fn debug(line: impl AsRef<str>) {
    sys::debug(line.as_ref());
}

/// Shows a text beside the plugin; an empty one clears it.
pub fn set_status(message: impl AsRef<str>) {
    sys::set_status(message.as_ref());
}

/// Shows a text beside the plugin as an error. The plugin goes on.
pub fn set_error(message: impl AsRef<str>) {
    sys::set_error(message.as_ref());
}

/// Whether a capability of package.json is granted, for example `rawSockets`.
pub fn has_capability(name: &str) -> bool {
    sys::has_capability(name) == 1
}

/// Reads the configuration as it is saved now, which may be newer than the one the plugin was started with.
///
/// # Errors
/// When the configuration has another shape than `T`.
///
/// ```
/// use windlass_plugin::{host, serde_json::json, testing::MockHost};
///
/// let server = MockHost::new();
/// server.set_config(&json!({ "radius": 30 }));
/// let config: std::collections::BTreeMap<String, u32> = host::read_config().unwrap();
/// assert_eq!(config["radius"], 30);
/// ```
pub fn read_config<T: DeserializeOwned>() -> Result<T, Error> {
    let json = growing(4 << 10, CONFIG_ROOM, sys::read_config);
    serde_json::from_slice(json.as_deref().unwrap_or(b"{}")).map_err(|e| Error::json("the saved configuration", e))
}

/// Replaces the saved configuration. The plugin is not restarted.
///
/// # Errors
/// When the server could not save it.
pub fn save_config(config: &impl Serialize) -> Result<(), Error> {
    let json = serde_json::to_string(config).map_err(|e| Error::json("the new configuration", e))?;
    match sys::save_config(&json) {
        0 => Ok(()),
        _ => Err(Error::refused("saving the configuration", None)),
    }
}

/// The names under which the server publishes this plugin's deltas (`$source`).
pub fn own_sources() -> Vec<String> {
    ["SIGNALK_PLUGIN_ID", "PLUGIN_ID"].iter().filter_map(|name| std::env::var(name).ok()).collect()
}

/// Asks with a buffer of `first` bytes, then with 16 times as much, up to `limit`: a server says 0 both when it knows nothing
/// and when the answer does not fit.
pub(crate) fn growing(first: usize, limit: usize, ask: impl Fn(&mut [u8]) -> i32) -> Option<Vec<u8>> {
    let mut room = first.min(limit);
    loop {
        let mut buffer = vec![0; room];
        let written = usize::try_from(ask(&mut buffer)).unwrap_or(0).min(room);
        if written > 0 {
            buffer.truncate(written);
            return Some(buffer);
        }
        if room >= limit {
            return None;
        }
        room = room.saturating_mul(16).min(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MockHost;
    use serde_json::{Value, json};

    #[test]
    fn a_configuration_of_any_size_is_read_and_saved() {
        let server = MockHost::new();
        assert_eq!(read_config::<Value>().unwrap(), json!({}));
        let large = json!({ "list": vec![1; 100_000] });
        save_config(&large).unwrap();
        assert_eq!(read_config::<Value>().unwrap(), large);
        let wrong = read_config::<Vec<i32>>().unwrap_err().to_string();
        assert!(wrong.contains("configuration"), "{wrong}");
        server.refuse_all();
        assert!(save_config(&large).is_err());
    }

    #[test]
    fn capabilities_are_those_that_the_server_grants() {
        let server = MockHost::new();
        assert!(!has_capability("network"));
        server.grant("network");
        assert!(has_capability("network"));
    }

    #[test]
    fn logs_and_messages_reach_the_server() {
        let server = MockHost::new();
        debug("one");
        set_status("two");
        set_error("three");
        assert_eq!(
            (server.lines(), server.statuses(), server.errors()),
            (vec!["one".to_owned()], vec!["two".to_owned()], vec!["three".to_owned()])
        );
    }

    #[test]
    fn without_a_server_nothing_is_granted() {
        debug("nobody listens");
        assert!(!has_capability("network"));
        assert!(save_config(&json!({})).is_err());
    }
}
