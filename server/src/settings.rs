//! Settings, in layers: the built-in defaults (`config/default.toml`), the configuration directory, the environment, the command line.

use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use serde_json::Value;
use windlass_actors::connections::ConnectionSettings;
use windlass_wasm_host::Limits;

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// What the server is told to do.
#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    /// The address to listen on.
    pub host: String,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// HTTP threads; 0 takes one a processor.
    pub workers: usize,
    /// Milliseconds between two pings of a stream client; 0 sends none.
    pub ws_ping_interval: u64,
    /// WebSocket connections accepted from one address.
    pub max_ws_connections_per_ip: usize,
    /// Minutes after which silent contexts are forgotten; 0 keeps them.
    pub prune_contexts_minutes: u64,
    /// Replace the timestamps of received data.
    pub override_timestamps: bool,
    /// WASM plugins.
    pub plugins: PluginOptions,
    /// The data connections of settings.json.
    #[serde(skip)]
    pub connections: Vec<ConnectionSettings>,
    /// What was wrong with single entries of settings.json; they are left out.
    #[serde(skip)]
    pub problems: Vec<String>,
}

/// Settings of the plugins as a whole.
#[derive(Debug, Clone, Deserialize)]
pub struct PluginOptions {
    /// Whether plugins are run at all.
    pub enabled: bool,
    /// The bounds that each plugin runs in.
    #[serde(default)]
    pub limits: Limits,
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A layer has something of the wrong type, or the environment does.
    #[error(
        "the settings can't be used: {0}; correct windlass.toml, settings.json or the environment variable it names"
    )]
    Layers(#[from] config::ConfigError),
    /// settings.json is there but can't be read.
    #[error("{path} can't be read: {reason}; correct the file, or move it away to start with the defaults")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Settings {
    /// Reads all layers for a configuration directory.
    pub fn load(directory: &Path) -> Result<Self, SettingsError> {
        let reference = read_reference_settings(&directory.join("settings.json"))?;
        let mut layers = Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from(directory.join("windlass.toml")).required(false));
        for (theirs, ours) in [
            ("port", "port"),
            ("wsPingInterval", "ws_ping_interval"),
            ("pruneContextsMinutes", "prune_contexts_minutes"),
            ("overrideTimestampWithNow", "override_timestamps"),
        ] {
            match reference.get(theirs) {
                // `false` switches the pings off.
                Some(Value::Bool(false)) if theirs == "wsPingInterval" => layers = layers.set_override(ours, 0)?,
                Some(Value::Bool(value)) => layers = layers.set_override(ours, *value)?,
                Some(Value::Number(number)) => layers = layers.set_override(ours, number.as_i64())?,
                Some(Value::String(text)) => layers = layers.set_override(ours, text.as_str())?,
                _ => {}
            }
        }
        if reference.get("interfaces").and_then(|i| i.get("wasm")) == Some(&Value::Bool(false)) {
            layers = layers.set_override("plugins.enabled", false)?;
        }
        for (variable, key) in [("PORT", "port"), ("MAX_WS_CONNECTIONS_PER_IP", "max_ws_connections_per_ip")] {
            if let Ok(value) = std::env::var(variable) {
                layers = layers.set_override(key, value)?;
            }
        }
        let environment = Environment::with_prefix("WINDLASS").prefix_separator("_").separator("__").try_parsing(true);
        let mut settings: Self = layers.add_source(environment).build()?.try_deserialize()?;
        if let Some(Value::Array(entries)) = reference.get("pipedProviders") {
            for entry in ConnectionSettings::from_entries(entries.clone()) {
                match entry {
                    Ok(connection) => settings.connections.push(connection),
                    Err(error) => settings.problems.push(format!("settings.json: {error}")),
                }
            }
        }
        Ok(settings)
    }
}

/// settings.json of the reference server; an absent file is an empty one (signalk-v1 §16).
fn read_reference_settings(path: &Path) -> Result<Value, SettingsError> {
    let unreadable = |reason: String| SettingsError::Unreadable { path: path.to_owned(), reason };
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| unreadable(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).expect("a file");
        }
        Settings::load(directory.path())
    }

    #[test]
    fn an_empty_directory_has_the_defaults() {
        let settings = load(&[]).expect("the defaults");
        assert_eq!((settings.host.as_str(), settings.port), ("127.0.0.1", 3000));
        assert_eq!(settings.plugins.limits, Limits::default());
    }

    #[test]
    fn the_reference_files_are_read_unchanged() {
        // SK-226
        let settings = load(&[
            (
                "settings.json",
                r#"{"port": "3456", "wsPingInterval": false, "unknown": {"x": 1}, "interfaces": {"wasm": false},
                    "pipedProviders": [7, {"id": "gps", "enabled": false, "pipeElements": []}]}"#,
            ),
            ("windlass.toml", "port = 1\nhost = \"0.0.0.0\"\n[plugins.limits]\nmemoryBytes = 1048576\n"),
        ])
        .expect("good settings");
        assert_eq!((settings.port, settings.ws_ping_interval, settings.host.as_str()), (3456, 0, "0.0.0.0"));
        assert!(!settings.plugins.enabled);
        assert_eq!(settings.plugins.limits.memory_bytes, 1_048_576);
        assert_eq!((settings.connections.len(), settings.problems.len()), (1, 1));
    }

    #[test]
    fn what_can_not_be_read_says_which_file() {
        let error = load(&[("settings.json", "{")]).expect_err("a damaged file");
        assert!(error.to_string().contains("settings.json"), "{error}");
        assert!(load(&[("windlass.toml", "port = \"many\"")]).is_err());
    }
}
