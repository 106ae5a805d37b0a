//! What a plugin's configuration file says (§6.1).

use serde_json::{Map, Value};
use windlass_broker::RawJson;

/// The content of a configuration file: `enabled`, `enableDebug`, `enableLogging`, `configuration`, and whatever else somebody keeps
/// there, which is left alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginConfig(Map<String, Value>);

impl PluginConfig {
    /// From the file's object.
    pub fn new(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// A first configuration of a plugin that is enabled without having been configured.
    pub fn enabled_unconfigured() -> Self {
        Self::default().merged(&Map::from_iter([("enabled".to_owned(), true.into())]))
    }

    /// Whether the plugin is to run; `None` when the file does not say, which keeps it stopped (§1.5).
    pub fn enabled(&self) -> Option<bool> {
        self.0.get("enabled").and_then(Value::as_bool)
    }

    /// Whether its debug text is wanted.
    pub fn enable_debug(&self) -> bool {
        self.0.get("enableDebug").and_then(Value::as_bool).unwrap_or(false)
    }

    /// The plugin's own part.
    pub fn configuration(&self) -> Option<&Value> {
        self.0.get("configuration").filter(|value| !value.is_null())
    }

    /// The whole object.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The object, to change it.
    pub fn into_object(self) -> Map<String, Value> {
        self.0
    }

    /// With what the body of a `POST …/config` says (§8.2). What it leaves out, or gives with a wrong type, stays; the three keys the
    /// file must have get a value.
    pub fn merged(mut self, body: &Map<String, Value>) -> Self {
        if let Some(configuration) = body.get("configuration").filter(|value| !value.is_null()) {
            self.0.insert("configuration".into(), configuration.clone());
        } else if self.configuration().is_none() {
            self.0.insert("configuration".into(), Map::new().into());
        }
        for key in ["enabled", "enableDebug", "enableLogging"] {
            if let Some(Value::Bool(flag)) = body.get(key) {
                self.0.insert(key.into(), (*flag).into());
            }
        }
        for key in ["enabled", "enableDebug"] {
            self.0.entry(key).or_insert(false.into());
        }
        self
    }

    /// With another `configuration`, as a plugin saves it (§4.4). `enabled` counts for a file that does not exist yet.
    pub fn with_configuration(mut self, configuration: Value, enabled: bool) -> Self {
        if self.0.is_empty() {
            self.0.insert("enabled".into(), enabled.into());
        }
        self.0.insert("configuration".into(), configuration);
        self
    }

    /// What `sk_read_config` returns: the compact `configuration`.
    pub fn configuration_json(&self) -> String {
        self.configuration().map_or_else(|| "{}".to_owned(), |value| RawJson::of(value).to_string())
    }

    /// What `plugin_start` gets: the configuration with `enableDebug`, compact, keys in saved order (§3.2).
    pub fn start_json(&self) -> String {
        let mut merged = match self.configuration() {
            Some(Value::Object(configuration)) => configuration.clone(),
            _ => Map::new(),
        };
        merged.insert("enableDebug".into(), self.enable_debug().into());
        RawJson::of(&merged).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(value: Value) -> PluginConfig {
        let Value::Object(object) = value else { panic!("{value} is no object") };
        PluginConfig::new(object)
    }

    #[test]
    fn plugin_start_gets_the_configuration_in_compact_form() {
        // ABI-18
        for (file, expected) in [
            (json!({}), r#"{"enableDebug":false}"#),
            (json!({"enabled": true, "configuration": null}), r#"{"enableDebug":false}"#),
            (
                json!({"enableDebug": true, "configuration": {"b": 1.0, "a": [1, 2.5], "c": "ø\n"}}),
                r#"{"b":1,"a":[1,2.5],"c":"ø\n","enableDebug":true}"#,
            ),
            (json!({"configuration": {"enableDebug": "yes", "z": {}}}), r#"{"enableDebug":false,"z":{}}"#),
            (json!({"configuration": [1]}), r#"{"enableDebug":false}"#),
        ] {
            assert_eq!(config(file.clone()).start_json(), expected, "{file}");
        }
    }

    #[test]
    fn saving_keeps_what_it_is_not_told() {
        // ABI-16, ABI-17
        let saved = json!({"enabled": true, "mine": [1], "enableLogging": true, "configuration": {"a": 1}, "enableDebug": true});
        for (body, key, expected) in [
            (json!({"enabled": false}), "configuration", json!({"a": 1})),
            (json!({"enabled": false}), "enabled", json!(false)),
            (json!({"configuration": {}}), "configuration", json!({})),
            (json!({"configuration": null}), "configuration", json!({"a": 1})),
            (json!({"configuration": {}}), "enableLogging", json!(true)),
            (json!({"mine": 2}), "mine", json!([1])),
            (json!({"enabled": "no"}), "enabled", json!(true)),
            (json!({}), "enableDebug", json!(true)),
        ] {
            let Value::Object(object) = &body else { panic!("{body} is no object") };
            assert_eq!(config(saved.clone()).merged(object).as_object()[key], expected, "{body} {key}");
        }
        let first = json!({"configuration": {}, "enabled": true, "enableDebug": false});
        assert_eq!(PluginConfig::enabled_unconfigured(), config(first));
    }
}
