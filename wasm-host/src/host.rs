//! The one way a guest reaches the server.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Waits;

/// What a guest may ask of the server. The implementor is bound to one plugin: nothing here carries an
/// identity, so a guest cannot claim another one.
///
/// All methods are called on the thread that runs the guest, while a call into it is in progress, and
/// count against that call's deadline: do not block. Capabilities, text sizes and pointer ranges
/// have been checked before. A method must not call back into the guest.
pub trait Host: Send + Sync {
    /// A line of debug text (`sk_debug`, `console.*`, `trace`).
    fn debug(&self, text: &str);
    /// The plugin's status text; empty clears it (§4.2).
    fn set_status(&self, text: &str);
    /// The plugin's error text; does not change its state (§4.2).
    fn set_error(&self, text: &str);
    /// A delta to publish (`sk_handle_message`, §4.3). `json` is whatever the guest sent: it may be
    /// malformed, and there is no way to tell the guest.
    fn emit_delta(&self, json: &str, version: DeltaVersion);
    /// A notification to publish (§4.3). `path` starts with `notifications.`; `value_json` is `null` or an object with a
    /// valid `state`.
    fn publish_notification(&self, path: &str, value_json: &str) -> Result<(), HostError>;
    /// The compact JSON of the value at `path` below the own vessel, `None` when there is none (§4.3).
    /// An empty path asks for the whole tree.
    fn self_path(&self, path: &str) -> Option<String>;
    /// The same for the whole model: `path` starts with a context.
    fn path(&self, path: &str) -> Option<String>;
    /// The compact JSON of the saved `configuration`; `{}` when there is none (§4.4).
    fn read_config(&self) -> Result<String, HostError>;
    /// Replaces the saved `configuration`. `json` is valid JSON (§4.4).
    fn save_config(&self, json: &str) -> Result<(), HostError>;
    /// From now on the plugin answers PUT requests for `path` of `context` (`sk_register_put_handler`, §3.7, §4.4).
    fn register_put_handler(&self, context: &str, path: &str) -> Result<(), HostError>;
    /// It serves resources of the type `kind` (§3.8).
    fn register_resource_provider(&self, kind: &str) -> Result<(), HostError>;
    /// It serves weather data under a display name (§3.9).
    fn register_weather_provider(&self, name: &str) -> Result<(), HostError>;
    /// It serves radars under a display name (§3.9).
    fn register_radar_provider(&self, name: &str) -> Result<(), HostError>;
    /// One frame of a binary stream (§4.5). The host checks whether `stream` is one that this plugin may publish to.
    fn emit_binary_stream(&self, stream: &str, frame: &[u8]) -> Result<(), HostError>;
    /// One frame of spokes of a radar (§4.5); the host checks that it is this plugin's.
    fn emit_radar_spokes(&self, radar: &str, frame: &[u8]) -> Result<(), HostError>;
    /// From now on the plugin gets server events of these types (§4.10), instead of those it asked for before; none named means
    /// all it may receive. Each is one of the server's events open to plugins, or begins with `PLUGIN_`.
    fn subscribe_events(&self, types: &[String]) -> Result<(), HostError>;
    /// A server event to emit (§4.10). `kind` begins with `PLUGIN_`; `data_json` is valid JSON.
    fn emit_event(&self, kind: &str, data_json: &str) -> Result<(), HostError>;
    /// One line the guest wrote to a standard stream, without its line end, at most
    /// [`Limits::log_line_bytes`](crate::Limits::log_line_bytes) long.
    fn output_line(&self, stream: OutputStream, line: &str);
    /// `import` was called without the capability it needs. Called each time: count it, log it once.
    fn denied(&self, import: &'static str, capability: &'static str);
    /// What the guest waits for outside, for the server to end; by default nobody does. Asked once for each instance.
    fn waits(&self) -> Waits {
        Waits::default()
    }
    /// Something the operator should know once, e.g. that an unknown import was replaced by a stub.
    fn notice(&self, text: &str);
}

/// A host that hears nothing, knows nothing and agrees to everything: for measurements and trials.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn debug(&self, _: &str) {}
    fn set_status(&self, _: &str) {}
    fn set_error(&self, _: &str) {}
    fn emit_delta(&self, _: &str, _: DeltaVersion) {}
    fn publish_notification(&self, _: &str, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn self_path(&self, _: &str) -> Option<String> {
        None
    }
    fn path(&self, _: &str) -> Option<String> {
        None
    }
    fn read_config(&self) -> Result<String, HostError> {
        Ok("{}".to_owned())
    }
    fn save_config(&self, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn register_put_handler(&self, _: &str, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn register_resource_provider(&self, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn register_weather_provider(&self, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn register_radar_provider(&self, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn emit_binary_stream(&self, _: &str, _: &[u8]) -> Result<(), HostError> {
        Ok(())
    }
    fn emit_radar_spokes(&self, _: &str, _: &[u8]) -> Result<(), HostError> {
        Ok(())
    }
    fn subscribe_events(&self, _: &[String]) -> Result<(), HostError> {
        Ok(())
    }
    fn emit_event(&self, _: &str, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn output_line(&self, _: OutputStream, _: &str) {}
    fn denied(&self, _: &'static str, _: &'static str) {}
    fn notice(&self, _: &str) {}
}

/// Which kind of delta a plugin emits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeltaVersion {
    /// Goes to the full model and the streams.
    V1,
    /// Goes to the streams only.
    V2,
}

/// A standard stream of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error; panic messages appear here.
    Stderr,
}

impl fmt::Display for OutputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OutputStream::Stdout => "stdout",
            OutputStream::Stderr => "stderr",
        })
    }
}

/// Why the server did not do what a guest asked. The guest gets the documented failure value; the text goes to the
/// log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);
