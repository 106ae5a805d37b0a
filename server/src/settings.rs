//! Settings, in layers: the built-in defaults (`config/default.toml`), the configuration directory, the environment, the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use windlass_actors::connections::ConnectionSettings;
use windlass_actors::durable;
use windlass_actors::plugins::{PluginLimits, PluginOverride};

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
    /// The provider that new resources of a type go to, as chosen by `resourcesApi.defaultProviders` of settings.json.
    #[serde(skip)]
    pub default_resource_providers: BTreeMap<String, String>,
    /// What was wrong with single entries of settings.json, and with limits of plugins; they are left out.
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
    pub limits: PluginLimits,
    /// What is different for single plugins, by id or package name: their limits, and capabilities that they do not get.
    #[serde(default)]
    pub overrides: BTreeMap<String, PluginOverride>,
    /// Reload a plugin when its module or its package.json changes: for those who develop plugins.
    #[serde(default)]
    pub watch: bool,
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
        if let Some(plugins @ Value::Object(_)) = reference.get("plugins") {
            let text = serde_json::json!({"plugins": plugins}).to_string();
            layers = layers.add_source(File::from_str(&text, FileFormat::Json));
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
        settings.plugins.check(&mut settings.problems);
        if let Some(Value::Array(entries)) = reference.get("pipedProviders") {
            for entry in ConnectionSettings::from_entries(entries.clone()) {
                match entry {
                    Ok(connection) => settings.connections.push(connection),
                    Err(error) => settings.problems.push(format!("settings.json: {error}")),
                }
            }
        }
        let api = reference.get("resourcesApi");
        if let Some(Value::Object(defaults)) = api.and_then(|api| api.get("defaultProviders")) {
            let chosen = defaults.iter().filter_map(|(kind, id)| Some((kind.clone(), id.as_str()?.to_owned())));
            settings.default_resource_providers = chosen.collect();
        }
        Ok(settings)
    }
}

impl PluginOptions {
    /// Replaces limits that can't be used with the defaults, and leaves out what can't be used for single plugins.
    fn check(&mut self, problems: &mut Vec<String>) {
        match std::mem::take(&mut self.limits).checked() {
            Ok(limits) => self.limits = limits,
            Err(error) => problems.push(format!("plugins.limits: {error}; the defaults are used")),
        }
        for (plugin, own) in &mut self.overrides {
            if let Err(error) = self.limits.changed(&own.limits) {
                problems.push(format!("plugins.overrides.{plugin}.limits: {error}; none of them is used"));
                own.limits.clear();
            }
        }
    }
}

/// settings.json, for what is changed while the server runs. Everything else in the file stays as it is. Clones share.
#[derive(Debug, Clone)]
pub struct SettingsFile(Arc<Mutex<PathBuf>>);

/// Why a setting was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveSettingsError {
    /// The file can't be read, so that nothing can be kept of it.
    #[error(transparent)]
    Unreadable(#[from] SettingsError),
    /// The file can't be written.
    #[error("{path} can't be written: {source}; make the configuration directory writable")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The server goes down.
    #[error("the server is shutting down; the setting is not saved")]
    ShutDown,
}

impl SettingsFile {
    /// That of a configuration directory.
    pub fn in_directory(directory: &Path) -> Self {
        Self(Arc::new(Mutex::new(directory.join("settings.json"))))
    }

    /// Saves the default provider of one type of resources.
    ///
    /// # Errors
    /// The file can't be read, has something else where the providers belong, or can't be written; it stays as it is.
    pub async fn save_default_provider(&self, kind: &str, provider: &str) -> Result<(), SaveSettingsError> {
        // One change at a time.
        let path = self.0.clone().lock_owned().await;
        let (kind, provider) = (kind.to_owned(), provider.to_owned());
        let saving = move || {
            let mut settings = read_reference_settings(&path)?;
            set_default_provider(&mut settings, kind, provider)
                .map_err(|reason| SettingsError::Unreadable { path: path.clone(), reason })?;
            let text = format!("{:#}\n", Value::Object(settings));
            durable::write(&path, text.as_bytes())
                .map_err(|source| SaveSettingsError::Unwritable { path: path.clone(), source })
        };
        tokio::task::spawn_blocking(saving).await.unwrap_or(Err(SaveSettingsError::ShutDown))
    }
}

fn set_default_provider(settings: &mut Map<String, Value>, kind: String, provider: String) -> Result<(), String> {
    let api = member(settings, "resourcesApi").ok_or("its resourcesApi is no object")?;
    let defaults = member(api, "defaultProviders").ok_or("its resourcesApi.defaultProviders is no object")?;
    defaults.insert(kind, provider.into());
    Ok(())
}

/// The object with this name, made if it is absent; `None` if there is something else.
fn member<'a>(parent: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    let slot = parent.entry(name).or_insert(Value::Null);
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut()
}

/// settings.json of the reference server; an absent file is an empty one (signalk-v1 §16).
fn read_reference_settings(path: &Path) -> Result<Map<String, Value>, SettingsError> {
    let unreadable = |reason: String| SettingsError::Unreadable { path: path.to_owned(), reason };
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| unreadable(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Map::new()),
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
        assert_eq!(settings.plugins.limits, PluginLimits::default());
        assert!(settings.plugins.overrides.is_empty() && !settings.plugins.watch);
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
        assert_eq!(settings.plugins.limits.sandbox.memory_bytes, 1_048_576);
        assert_eq!((settings.connections.len(), settings.problems.len()), (1, 1));
    }

    #[tokio::test]
    async fn saving_a_default_provider_keeps_everything_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("settings.json");
        let file = SettingsFile::in_directory(directory.path());
        file.save_default_provider("routes", "keeper").await.expect("a new file");
        let defaults = BTreeMap::from([("routes".to_owned(), "keeper".to_owned())]);
        assert_eq!(Settings::load(directory.path()).expect("good settings").default_resource_providers, defaults);
        let before = r#"{"port": 3456, "resourcesApi": {"x": 1, "defaultProviders": {"notes": 7, "routes": "old"}}, "last": [1]}"#;
        std::fs::write(&path, before).expect("a file");
        file.save_default_provider("routes", "keeper").await.expect("a changed file");
        let text = std::fs::read_to_string(&path).expect("a file");
        let saved: Value = serde_json::from_str(&text).expect("JSON");
        let expected = serde_json::json!({
            "port": 3456,
            "resourcesApi": {"x": 1, "defaultProviders": {"notes": 7, "routes": "keeper"}},
            "last": [1],
        });
        assert_eq!(saved, expected);
        assert!(
            text.find("port") < text.find("resourcesApi") && text.find("resourcesApi") < text.find("last"),
            "{text}"
        );
        // A file that makes no sense is not overwritten.
        for damaged in ["{", "[]", "7", r#"{"resourcesApi": 7}"#, r#"{"resourcesApi": {"defaultProviders": []}}"#] {
            std::fs::write(&path, damaged).expect("a file");
            let error = file.save_default_provider("routes", "keeper").await.expect_err("a damaged file");
            assert!(matches!(error, SaveSettingsError::Unreadable(_)), "{error}");
            assert_eq!(std::fs::read_to_string(&path).expect("a file"), damaged);
        }
    }

    #[tokio::test]
    async fn settings_elsewhere_are_saved_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let (config, real) = (directory.path().join("config"), directory.path().join("real.json"));
        std::fs::create_dir(&config).expect("a directory");
        std::fs::write(&real, r#"{"port": 1}"#).expect("a file");
        std::os::unix::fs::symlink("../real.json", config.join("settings.json")).expect("a link");
        SettingsFile::in_directory(&config).save_default_provider("routes", "keeper").await.expect("saved");
        assert!(config.join("settings.json").is_symlink());
        assert!(std::fs::read_to_string(&real).expect("a file").contains("keeper"));
    }

    #[test]
    fn single_plugins_can_have_limits_of_their_own() {
        let text = r#"{"plugins": {"watch": true, "limits": {"cpuShare": 0.25}, "overrides": {
            "_signalk_Big": {"limits": {"memoryBytes": 1048576, "deadlines": {"poll": 9}}, "capabilities": {"network": false}},
            "typo": {"limits": {"memorybytes": 1}}}}}"#;
        let settings = load(&[("settings.json", text)]).expect("good settings");
        let plugins = &settings.plugins;
        assert!(plugins.watch && plugins.enabled);
        let big = &plugins.overrides["_signalk_Big"];
        let limits = plugins.limits.changed(&big.limits).expect("good limits");
        assert_eq!((limits.sandbox.memory_bytes, limits.cpu_share), (1_048_576, 0.25));
        assert_eq!((limits.sandbox.deadlines.poll, big.capabilities.len()), (std::time::Duration::from_millis(9), 1));
        assert!(plugins.overrides["typo"].limits.is_empty());
        assert!(settings.problems[0].contains("memorybytes"), "{:?}", settings.problems);
    }

    #[test]
    fn what_can_not_be_read_says_which_file() {
        let error = load(&[("settings.json", "{")]).expect_err("a damaged file");
        assert!(error.to_string().contains("settings.json"), "{error}");
        assert!(load(&[("windlass.toml", "port = \"many\"")]).is_err());
    }
}
