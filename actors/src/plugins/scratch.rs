//! The host of an instance that is only asked for its name and schema (§2.4): what it says has no effect.

use windlass_wasm_host::{DeltaVersion, Host, HostError, OutputStream};

/// Logs what a module says while it is loaded, and refuses the rest.
pub(super) struct ScratchHost {
    pub id: String,
}

impl ScratchHost {
    fn refusal() -> HostError {
        HostError("the plugin is not enabled".to_owned())
    }
}

impl Host for ScratchHost {
    fn debug(&self, text: &str) {
        log::debug!(target: "signalk:wasm:bindings", "[{}] {text}", self.id);
    }

    fn set_status(&self, _: &str) {}

    fn set_error(&self, text: &str) {
        self.notice(text);
    }

    fn emit_delta(&self, _: &str, _: DeltaVersion) {}

    fn publish_notification(&self, _: &str, _: &str) -> Result<(), HostError> {
        Err(Self::refusal())
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
        Err(Self::refusal())
    }

    fn register_put_handler(&self, _: &str, _: &str) -> Result<(), HostError> {
        Err(Self::refusal())
    }

    fn register_resource_provider(&self, _: &str) -> Result<(), HostError> {
        Err(Self::refusal())
    }

    fn register_weather_provider(&self, _: &str) -> Result<(), HostError> {
        Err(Self::refusal())
    }

    fn register_radar_provider(&self, _: &str) -> Result<(), HostError> {
        Err(Self::refusal())
    }

    fn emit_binary_stream(&self, _: &str, _: &[u8]) -> Result<(), HostError> {
        Err(Self::refusal())
    }

    fn emit_radar_spokes(&self, _: &str, _: &[u8]) -> Result<(), HostError> {
        Err(Self::refusal())
    }

    fn subscribe_events(&self, _: &[String]) -> Result<(), HostError> {
        Err(Self::refusal())
    }

    fn emit_event(&self, _: &str, _: &str) -> Result<(), HostError> {
        Err(Self::refusal())
    }

    fn output_line(&self, stream: OutputStream, line: &str) {
        log::debug!(target: "signalk:wasm:bindings", "[{}] {stream}: {line}", self.id);
    }

    fn denied(&self, import: &'static str, capability: &'static str) {
        self.notice(&format!("{import} needs the capability {capability}"));
    }

    fn notice(&self, text: &str) {
        log::debug!(target: "signalk:wasm:loader", "[{}] {text}", self.id);
    }
}
