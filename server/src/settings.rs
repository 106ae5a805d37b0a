//! Settings, in layers: the built-in defaults (`config/default.toml`), the configuration directory, the environment, the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use serde_json::{Map, Value};
use windlass_actors::connections::ConnectionSettings;
use windlass_actors::discovery::Reach;
use windlass_actors::plugins::{CertificateAuthorities, PluginLimits, PluginOverride};
use windlass_actors::staleness::StalenessSettings;
use windlass_store::{ChangeError, Document};

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// What the server is told to do.
#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    /// The address to listen on.
    pub host: String,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// Whether everybody may do everything, without users and passwords.
    pub insecure: bool,
    /// Whether TLS is served; the other port then leads there.
    pub ssl: bool,
    /// The port of TLS.
    pub ssl_port: u16,
    /// The owner's certificate, instead of the boat's own authority.
    #[serde(default)]
    pub tls: TlsFiles,
    /// HTTP threads; 0 takes one a processor.
    pub workers: usize,
    /// Milliseconds between two pings of a stream client; 0 sends none.
    pub ws_ping_interval: u64,
    /// WebSocket connections accepted from one address.
    pub max_ws_connections_per_ip: usize,
    /// Minutes after which silent contexts are forgotten, also parts of one; 0 keeps them.
    pub prune_contexts_minutes: f64,
    /// Milliseconds that a stream client has to say something about a PUT of a value that it feeds.
    pub put_reply_timeout: u64,
    /// Where the server is announced and others are looked for.
    pub mdns_reach: Reach,
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
    /// When values count as stale.
    #[serde(skip)]
    pub staleness: StalenessSettings,
    /// Whether notifications get an id and a status.
    #[serde(skip)]
    pub manage_notifications: bool,
    /// All of settings.json, as it was when it was read.
    #[serde(skip)]
    pub reference: Map<String, Value>,
    /// windlass.toml, as it was when it was read.
    #[serde(skip)]
    pub own: Config,
    /// What was wrong with single entries of settings.json and with the settings of plugins; they are left out.
    #[serde(skip)]
    pub problems: Vec<String>,
}

/// The owner's certificate: PEM files, relative to the configuration directory.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first; `ssl-cert.pem` when it is there.
    pub certificate: Option<PathBuf>,
    /// Its key; `ssl-key.pem` when it is there.
    pub key: Option<PathBuf>,
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
    /// A PEM file with the certificate authorities that HTTPS requests of plugins trust besides the public ones. Relative to the
    /// configuration directory.
    #[serde(rename = "certificateAuthorities", default)]
    pub certificate_authorities: Option<PathBuf>,
    /// What that file says; the public authorities alone when it can't be used.
    #[serde(skip)]
    pub authorities: CertificateAuthorities,
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

/// The settings that settings.json has under names of its own.
const REFERENCE_KEYS: [(&str, &str, Kind); 6] = [
    ("port", "port", Kind::Port),
    ("ssl", "ssl", Kind::Flag),
    ("sslport", "ssl_port", Kind::Port),
    ("wsPingInterval", "ws_ping_interval", Kind::Milliseconds),
    ("pruneContextsMinutes", "prune_contexts_minutes", Kind::Minutes),
    ("overrideTimestampWithNow", "override_timestamps", Kind::Flag),
];

/// What a setting of settings.json may be. Forms in browsers send numbers and check marks as texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flag,
    Port,
    /// `false` switches off, `true` is the default.
    Milliseconds,
    Minutes,
}

impl Kind {
    /// The value; `None` when it says to take the default.
    ///
    /// # Errors
    /// What it should be instead.
    fn read(self, value: &Value) -> Result<Option<config::Value>, &'static str> {
        let number = || value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|n: &f64| *n >= 0.0);
        let whole = |most: u32| number().filter(|n| n.fract() == 0.0 && *n <= f64::from(most)).map(|n| n as i64);
        let read: Option<config::Value> = match (self, value) {
            (_, Value::Null) | (Self::Milliseconds, Value::Bool(true)) => return Ok(None),
            (Self::Milliseconds, Value::Bool(false)) => Some(0_i64.into()),
            (Self::Flag, Value::Bool(flag)) => Some((*flag).into()),
            (Self::Flag, Value::String(text)) => text.trim().parse::<bool>().ok().map(Into::into),
            (Self::Flag, _) => None,
            (Self::Port, _) => whole(u32::from(u16::MAX)).map(Into::into),
            (Self::Milliseconds, _) => whole(u32::MAX).map(Into::into),
            (Self::Minutes, _) => number().filter(|n| n.is_finite()).map(Into::into),
        };
        read.map(Some).ok_or(match self {
            Self::Flag => "true or false",
            Self::Port => "a port, a whole number from 0 to 65535",
            Self::Milliseconds => "a number of milliseconds, or false",
            Self::Minutes => "a number of minutes",
        })
    }
}

impl Settings {
    /// Reads all layers for a configuration directory.
    pub fn load(directory: &Path) -> Result<Self, SettingsError> {
        let mut problems = Vec::new();
        let reference = read_reference_settings(directory, &mut problems)?;
        let own = File::from(directory.join("windlass.toml")).required(false);
        let mut settings = Self::with_reference(directory, &Config::builder().add_source(own).build()?, reference)?;
        settings.problems.splice(0..0, problems);
        Ok(settings)
    }

    /// The same, as they are if windlass.toml and settings.json have this content.
    ///
    /// # Errors
    /// Another layer has something that can't be used.
    pub fn with_reference(
        directory: &Path,
        own: &Config,
        reference: Map<String, Value>,
    ) -> Result<Self, SettingsError> {
        let mut problems = Vec::new();
        let mut layers =
            Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).add_source(own.clone());
        for (theirs, ours, kind) in REFERENCE_KEYS {
            match reference.get(theirs).map(|value| kind.read(value)) {
                None | Some(Ok(None)) => {}
                Some(Ok(Some(value))) => layers = layers.set_override(ours, value)?,
                Some(Err(expected)) => problems
                    .push(format!("settings.json: {theirs} must be {expected}; until it is corrected, it is left out")),
            }
        }
        if let Some(plugins @ Value::Object(_)) = reference.get("plugins") {
            let text = serde_json::json!({"plugins": plugins}).to_string();
            layers = layers.add_source(File::from_str(&text, FileFormat::Json));
        }
        if reference.get("interfaces").and_then(|i| i.get("wasm")) == Some(&Value::Bool(false)) {
            layers = layers.set_override("plugins.enabled", false)?;
        }
        for (variable, key) in
            [("PORT", "port"), ("SSLPORT", "ssl_port"), ("MAX_WS_CONNECTIONS_PER_IP", "max_ws_connections_per_ip")]
        {
            if let Ok(value) = std::env::var(variable) {
                layers = layers.set_override(key, value)?;
            }
        }
        let environment = Environment::with_prefix("WINDLASS").prefix_separator("_").separator("__").try_parsing(true);
        let mut settings: Self = layers.add_source(environment).build()?.try_deserialize()?;
        settings.problems = problems;
        settings.plugins.check(directory, &mut settings.problems);
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
        settings.staleness = read_staleness(&reference, &mut settings.problems);
        settings.manage_notifications =
            reference.get("notifications").and_then(|n| n.get("manageNotifications")) != Some(&Value::Bool(false));
        settings.reference = reference;
        settings.own = own.clone();
        Ok(settings)
    }
}

impl PluginOptions {
    /// Replaces limits that can't be used with the defaults, leaves out what can't be used for single plugins, and reads the file of the
    /// certificate authorities.
    fn check(&mut self, directory: &Path, problems: &mut Vec<String>) {
        if let Some(file) = &self.certificate_authorities {
            match CertificateAuthorities::read(&directory.join(file)) {
                Ok(authorities) => self.authorities = authorities,
                Err(error) => problems.push(format!(
                    "plugins.certificateAuthorities: {error}. Until then plugins trust the public authorities only"
                )),
            }
        }
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
pub struct SettingsFile(Arc<Document>);

/// Why a setting was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveSettingsError {
    /// The file can't be read or written, or the change makes no sense.
    #[error(transparent)]
    Unsaved(#[from] ChangeError<BadSetting>),
    /// The server goes down.
    #[error("the server is shutting down; the setting is not saved")]
    ShutDown,
}

/// What is wrong with a setting, in words for whoever set it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSetting(pub String);

impl SettingsFile {
    /// That of a configuration directory.
    pub fn in_directory(directory: &Path) -> Self {
        Self(Arc::new(Document::new(directory.join("settings.json"))))
    }

    /// Changes settings; all of them are saved, or none. When this returns, they survive a power cut.
    ///
    /// # Errors
    /// `change` refuses, the file can't be read or makes no sense, or it can't be written; it stays as it is.
    pub async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Map<String, Value>) -> Result<T, BadSetting> + Send + 'static,
    ) -> Result<T, SaveSettingsError> {
        let document = self.0.clone();
        let saving = move || {
            document.change(|value| match value.as_object_mut() {
                Some(settings) => change(settings),
                None => Err(BadSetting(format!("{} is no JSON object; correct it", document.path().display()))),
            })
        };
        let saved = tokio::task::spawn_blocking(saving).await.map_err(|_| SaveSettingsError::ShutDown)?;
        Ok(saved?)
    }

    /// Saves the default provider of one type of resources.
    ///
    /// # Errors
    /// The file can't be read, has something else where the providers belong, or can't be written; it stays as it is.
    pub async fn save_default_provider(&self, kind: &str, provider: &str) -> Result<(), SaveSettingsError> {
        let (kind, provider) = (kind.to_owned(), provider.to_owned());
        self.change(move |settings| set_default_provider(settings, kind, provider).map_err(BadSetting)).await
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

/// settings.json of the reference server; an absent file is an empty one (signalk-v1 §16). Of a damaged one the last good version is
/// used, or else the defaults: a boat needs its server also when a file is broken.
fn read_reference_settings(directory: &Path, problems: &mut Vec<String>) -> Result<Map<String, Value>, SettingsError> {
    let document = Document::new(directory.join("settings.json"));
    let is_object = |value: &Value| value.is_object().then_some(()).ok_or_else(|| "it is no JSON object".to_owned());
    let loaded = document
        .load(is_object)
        .map_err(|error| SettingsError::Unreadable { path: document.path().to_owned(), reason: error.to_string() })?;
    let (value, problem) = loaded.into_parts();
    if let Some(problem) = problem {
        let instead = if value.is_some() { "" } else { ". The defaults are used" };
        problems.push(format!("{problem}{instead}"));
    }
    Ok(match value {
        Some(Value::Object(settings)) => settings,
        _ => Map::new(),
    })
}

fn read_staleness(reference: &Map<String, Value>, problems: &mut Vec<String>) -> StalenessSettings {
    let read = serde_json::from_value::<StalenessSettings>(Value::Object(reference.clone()));
    let problem = match &read {
        Ok(settings) => settings.problem().map(|(name, allowed)| format!("{name} must be {allowed}")),
        Err(error) => Some(error.to_string()),
    };
    match (read, problem) {
        (Ok(settings), None) => settings,
        (_, problem) => {
            let problem = problem.unwrap_or_default();
            problems.push(format!("settings.json: staleness: {problem}; stale data are not looked for"));
            StalenessSettings::default()
        }
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
        assert_eq!((settings.host.as_str(), settings.port), ("0.0.0.0", 3000));
        assert!(!settings.insecure && !settings.ssl);
        // SK-55, SK-111
        assert_eq!((settings.prune_contexts_minutes, settings.put_reply_timeout), (60.0, 60_000));
        assert_eq!(settings.mdns_reach, Reach::Network);
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
            assert!(matches!(error, SaveSettingsError::Unsaved(_)), "{error}");
            assert_eq!(std::fs::read_to_string(&path).expect("a file"), damaged);
        }
    }

    #[tokio::test]
    async fn numbers_keep_their_last_digit() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("settings.json");
        // Numbers that need all 17 digits.
        let numbers = "0.30000000000000004, 60.129999999999995, 9007199254740993.0, 5e-324, 1.7976931348623157e308";
        std::fs::write(&path, format!("{{\"numbers\": [{numbers}], \"port\": 1}}")).expect("a file");
        let file = SettingsFile::in_directory(directory.path());
        file.save_default_provider("routes", "keeper").await.expect("saved");
        let text = std::fs::read_to_string(&path).expect("a file");
        for number in ["0.30000000000000004", "60.129999999999995", "5e-324", "1.7976931348623157e+308"] {
            assert!(text.contains(number), "{number}: {text}");
        }
        let parsed: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(parsed["numbers"][0].as_f64(), Some(0.1 + 0.2));
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
        // SK-227
        let settings = load(&[("settings.json", "{")]).expect("the defaults");
        assert_eq!(settings.port, 3000);
        assert!(settings.problems[0].contains("settings.json.damaged"), "{:?}", settings.problems);
        assert!(load(&[("windlass.toml", "port = \"many\"")]).is_err());
    }

    #[test]
    fn what_makes_no_sense_in_settings_json_is_left_out() {
        // SK-226, SK-227
        let text = r#"{"port": "many", "sslport": 70000, "ssl": 1, "wsPingInterval": -1, "pruneContextsMinutes": [],
            "overrideTimestampWithNow": {}}"#;
        let settings = load(&[("settings.json", text)]).expect("the defaults");
        assert_eq!((settings.port, settings.ssl_port, settings.ssl), (3000, 3443, false));
        assert_eq!((settings.ws_ping_interval, settings.prune_contexts_minutes), (30_000, 60.0));
        assert_eq!(settings.problems.len(), 6, "{:?}", settings.problems);
        assert!(settings.problems[0].starts_with("settings.json: port must be a port"), "{:?}", settings.problems);
        let text =
            r#"{"port": 3456.0, "sslport": null, "ssl": "true", "wsPingInterval": true, "pruneContextsMinutes": 0.5}"#;
        let settings = load(&[("settings.json", text)]).expect("good settings");
        assert_eq!((settings.port, settings.ssl_port, settings.ssl), (3456, 3443, true));
        assert_eq!((settings.ws_ping_interval, settings.prune_contexts_minutes), (30_000, 0.5));
        assert!(settings.problems.is_empty(), "{:?}", settings.problems);
    }
}
