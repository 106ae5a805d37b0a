//! What has become of a change of the settings, for the page on which it was made.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;
use serde_json::{Map, Value};

use super::form::{INTERFACES, number};
use super::running::{CommandLine, Running};

/// The answer of `PUT /skServer/settings` for those who accept JSON.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What others get as a text.
    pub message: &'static str,
    /// Everything that was saved and is another than before, in the order of `GET /skServer/settings`.
    pub changes: Vec<Change>,
    /// Where the server listens now.
    pub addresses: Vec<Address>,
    /// Whether that is somewhere else than before: who has asked has to go there.
    pub moved: bool,
}

/// One setting that was changed.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Change {
    /// Where it is in `GET /skServer/settings`, such as `options.mdns`.
    pub setting: String,
    /// What has become of it.
    pub effect: Effect,
    /// Why it has no effect, or what is to be known about it; a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What has become of a change.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The running server does it.
    Now,
    /// It is saved, but something else counts more, such as the command line or a program that has the port.
    Overridden,
    /// It is saved for other servers; this one has nothing that it would change.
    Unused,
}

/// Where the server listens.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Address {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The address of this computer, or `0.0.0.0` or `::` for all that it has.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// Of a listener.
    pub fn of((scheme, address): (&'static str, SocketAddr)) -> Self {
        Self { scheme, host: address.ip().to_string(), port: address.port() }
    }
}

/// What a change is judged by.
pub struct Judge<'a> {
    /// What settings.json says now.
    pub saved: &'a Map<String, Value>,
    /// What the server does now.
    pub running: &'a Running,
    /// What it was started with.
    pub command_line: &'a CommandLine,
    /// Whether the environment has a variable.
    pub has_variable: fn(&str) -> bool,
    /// What the server does not do although it is saved, and why: by setting, or by what settings begin with.
    pub obstacles: &'a BTreeMap<String, String>,
}

impl Judge<'_> {
    /// What is different between two answers of `GET /skServer/settings`, and what has become of it. `before` is settings.json as it was.
    pub fn changes(&self, before: &Map<String, Value>, [was, is]: [&Value; 2]) -> Vec<Change> {
        let mut names = Vec::new();
        for (key, value) in is.as_object().into_iter().flatten() {
            match value {
                Value::Object(members) => {
                    let differing = members.iter().filter(|(name, value)| was[key].get(name.as_str()) != Some(*value));
                    names.extend(differing.map(|(name, _)| format!("{key}.{name}")));
                }
                _ if was[key] != *value => names.push(key.clone()),
                _ => {}
            }
        }
        let interface =
            |of: &Map<String, Value>, name: &str| of.get("interfaces").and_then(|all| all.get(name)).cloned();
        for name in self.saved.get("interfaces").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
            let full = format!("interfaces.{name}");
            if !names.contains(&full) && interface(before, name) != interface(self.saved, name) {
                names.push(full);
            }
        }
        names.into_iter().map(|setting| self.judge(setting)).collect()
    }

    fn judge(&self, setting: String) -> Change {
        let group = setting.split('.').next().unwrap_or_default();
        if let Some(why) = self.obstacles.get(&setting).or_else(|| self.obstacles.get(group)) {
            return Change { setting, effect: Effect::Overridden, why: Some(why.clone()) };
        }
        let (effect, why) = match setting.as_str() {
            "port" => self.port("port", self.running.port, "PORT"),
            "sslport" => match self.port("sslport", self.running.ssl_port, "SSLPORT") {
                (Effect::Now, None) if !self.running.ssl => {
                    (Effect::Now, Some("It is used as soon as encryption is on.".to_owned()))
                }
                other => other,
            },
            "options.mdns" if self.running.mdns && self.running.mdns_in_vain => {
                let why = "The server listens for this computer only, so nobody who found it could connect. Start it with another --host, or \
                           name one in windlass.toml.";
                (Effect::Overridden, Some(why.to_owned()))
            }
            "interfaces.wasm" if self.running.plugins && (self.has_variable)("DISABLEPLUGINS") => {
                let why =
                    "The environment variable DISABLEPLUGINS keeps plugins off until the server is started without it.";
                (Effect::Overridden, Some(why.to_owned()))
            }
            "interfaces.wasm" if !self.running.plugins && self.wants_plugins() => {
                let here =
                    self.saved.get("plugins").and_then(|plugins| plugins.get("enabled")) == Some(&Value::Bool(false));
                let file = if here { "settings.json" } else { "windlass.toml or the environment" };
                let why = format!(
                    "plugins.enabled is false in {file}, which counts more until the server is started without."
                );
                (Effect::Overridden, Some(why))
            }
            "options.wsCompression" => unused("This server sends streams uncompressed."),
            "options.enablePluginLogging" => unused("This server does not record what plugins send."),
            "options.useBLEManager" => unused("This server has no Bluetooth."),
            "courseApi.apiOnly" => {
                unused("This server has no course API that could take a destination from elsewhere.")
            }
            other => {
                match other.strip_prefix("interfaces.").map(|name| INTERFACES.iter().find(|(it, _)| *it == name)) {
                    Some(None) => unused("This server has no such interface."),
                    Some(Some((_, false))) => unused("This server always has this interface."),
                    Some(Some((_, true))) | None => (Effect::Now, None),
                }
            }
        };
        Change { setting, effect, why }
    }

    fn port(&self, key: &str, running: u16, variable: &str) -> (Effect, Option<String>) {
        if self.saved.get(key).and_then(number).is_none_or(|wanted| wanted == f64::from(running)) {
            return (Effect::Now, None);
        }
        let stronger = match self.command_line.port {
            Some(port) if key == "port" => format!("The server was started with --port {port}"),
            _ if (self.has_variable)(variable) => format!("The environment variable {variable} says {running}"),
            _ => {
                let why = format!("settings.json has no port there that could be used, so {running} is. Set it anew.");
                return (Effect::Overridden, Some(why));
            }
        };
        (Effect::Overridden, Some(format!("{stronger}, which counts more until it is started without.")))
    }

    fn wants_plugins(&self) -> bool {
        self.saved.get("interfaces").and_then(|all| all.get("wasm")) != Some(&Value::Bool(false))
    }
}

fn unused(why: &str) -> (Effect, Option<String>) {
    (Effect::Unused, Some(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use config::Config;
    use serde_json::json;

    use super::super::form::shown;
    use super::*;
    use crate::administration::DefaultSettings;
    use crate::settings::Settings;

    const DEFAULTS: DefaultSettings =
        DefaultSettings { port: 3000, ssl_port: 3443, ws_ping_interval: 30_000, prune_contexts_minutes: 60.0 };

    /// What becomes of it when settings.json is another one, and whether it is said why.
    fn changes(before: Value, after: Value, command_line: &CommandLine) -> Vec<(String, Effect, bool)> {
        let told = told(before, after, command_line, &BTreeMap::new());
        told.into_iter().map(|change| (change.setting, change.effect, change.why.is_some())).collect()
    }

    fn told(
        before: Value,
        after: Value,
        command_line: &CommandLine,
        obstacles: &BTreeMap<String, String>,
    ) -> Vec<Change> {
        let map = |json: Value| json.as_object().cloned().expect("an object");
        let (before, after) = (map(before), map(after));
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings =
            Settings::with_reference(directory.path(), &Config::default(), after.clone()).expect("settings");
        command_line.apply(&mut settings);
        let running = Running::of(&settings, directory.path(), &mut Vec::new());
        let has_variable = |name: &str| name == "DISABLEPLUGINS";
        let judge = Judge { saved: &after, running: &running, command_line, has_variable, obstacles };
        let shown = [&before, &after].map(|settings| shown(settings, Path::new("/boat"), DEFAULTS));
        judge.changes(&before, [&shown[0], &shown[1]])
    }

    #[test]
    fn only_what_is_different_is_told() {
        let nothing = CommandLine::default();
        assert_eq!(changes(json!({"port": 1}), json!({"port": "1", "x": 2}), &nothing), []);
        let after = json!({"port": 4000, "defaultTimeout": 7, "interfaces": {"tcp": false, "rest": false}});
        let told = changes(json!({"interfaces": {"tcp": true}}), after, &nothing);
        let expected = [
            ("interfaces.tcp".to_owned(), Effect::Now, false),
            ("staleness.defaultTimeout".to_owned(), Effect::Now, false),
            ("port".to_owned(), Effect::Now, false),
            ("interfaces.rest".to_owned(), Effect::Unused, true),
        ];
        assert!(told.len() == 4 && expected.iter().all(|one| told.contains(one)), "{told:?}");
    }

    #[test]
    fn what_counts_more_is_named() {
        let command_line =
            CommandLine { port: Some(3001), host: Some("127.0.0.1".to_owned()), ..CommandLine::default() };
        let one = |before, after| changes(before, after, &command_line);
        let overridden = |name: &str| vec![(name.to_owned(), Effect::Overridden, true)];
        assert_eq!(one(json!({}), json!({"port": 4000})), overridden("port"));
        assert_eq!(one(json!({}), json!({"port": 3001})), [("port".to_owned(), Effect::Now, false)]);
        assert_eq!(one(json!({"mdns": false}), json!({})), overridden("options.mdns"));
        assert_eq!(one(json!({}), json!({"mdns": false})), [("options.mdns".to_owned(), Effect::Now, false)]);
        let off = json!({"interfaces": {"wasm": false}});
        assert_eq!(one(off, json!({})), overridden("interfaces.wasm"));
        // Nothing to be seen of it yet.
        assert_eq!(one(json!({}), json!({"sslport": 4443})), [("sslport".to_owned(), Effect::Now, true)]);
        assert_eq!(
            one(json!({"ssl": true}), json!({"ssl": true, "sslport": 4443})),
            [("sslport".to_owned(), Effect::Now, false)]
        );
    }

    #[test]
    fn the_reason_is_the_real_one() {
        let why = |before, after, obstacles: &[(&str, &str)]| {
            let obstacles = obstacles.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned())).collect();
            let mut told = told(before, after, &CommandLine::default(), &obstacles);
            assert_eq!((told.len(), told[0].effect), (1, Effect::Overridden), "{told:?}");
            told.remove(0).why.expect("it is said why")
        };
        // By hand; PORT has nothing to do with it.
        let found = why(json!({}), json!({"port": 70_000}), &[]);
        assert!(found.contains("settings.json has no port") && !found.contains("PORT"), "{found}");
        let off = json!({"plugins": {"enabled": false}, "interfaces": {"wasm": false}});
        let found = why(off, json!({"plugins": {"enabled": false}}), &[]);
        assert!(found.starts_with("plugins.enabled is false in settings.json"), "{found}");
        let tcp = json!({"interfaces": {"tcp": false}});
        assert_eq!(why(tcp, json!({}), &[("interfaces.tcp", "It is dark.")]), "It is dark.");
        let all = [("staleness", "Nobody looks."), ("interfaces.tcp", "It is dark.")];
        assert_eq!(why(json!({}), json!({"defaultTimeout": 7}), &all), "Nobody looks.");
    }
}
