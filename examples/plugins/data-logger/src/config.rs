//! The plugin's configuration and the JSON Schema of its form.

use serde::Deserialize;
use std::time::Duration;

/// The smallest file that is worth a name, bytes.
const LEAST_BYTES: u64 = 1 << 10;

/// What the user set in the plugin's form. Every key is optional.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Config {
    /// What is logged: paths, in which `*` stands for any text.
    pub paths: Vec<String>,
    /// At most one value of each path in this time, seconds; 0 logs all.
    pub interval: f64,
    /// A file that would become larger than this (bytes) is followed by another.
    pub max_bytes: u64,
    /// How many files are kept; the oldest is deleted.
    pub max_files: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            paths: ["navigation.position", "navigation.speedOverGround", "environment.wind.*"]
                .map(str::to_owned)
                .into(),
            interval: 1.0,
            max_bytes: 1 << 20,
            max_files: 10,
        }
    }
}

impl Config {
    /// Checks what the schema can't guarantee: the file may have been written by hand.
    ///
    /// # Errors
    /// A sentence for the user: what is wrong, and in which setting.
    pub fn check(&self) -> Result<(), String> {
        if self.paths.iter().all(|path| path.trim().is_empty()) {
            return Err("Paths to log are missing".to_owned());
        }
        if Duration::try_from_secs_f64(self.interval).is_err() {
            return Err(format!("The interval must be 0 s or more, not {}", self.interval));
        }
        if self.max_bytes < LEAST_BYTES {
            return Err(format!("The file size must be at least {LEAST_BYTES} bytes, not {}", self.max_bytes));
        }
        if self.max_files == 0 {
            return Err("At least one file must be kept".to_owned());
        }
        Ok(())
    }

    /// The interval, once it is [checked](Self::check).
    pub fn interval(&self) -> Duration {
        Duration::try_from_secs_f64(self.interval).unwrap_or_default()
    }

    /// Whether a path is to be logged.
    pub fn wants(&self, path: &str) -> bool {
        self.paths.iter().any(|pattern| matches(pattern.trim(), path))
    }
}

/// Whether a path is what a pattern says; `*` stands for any text, also across dots.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let Some(mut left) = path.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<_> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

/// JSON Schema (draft-07) of [`Config`], from which the server makes the form.
pub const SCHEMA: &str = r#"{
  "type": "object",
  "properties": {
    "paths": {
      "type": "array",
      "title": "Paths to log",
      "description": "* stands for any text: environment.wind.* is everything about the wind",
      "items": { "type": "string" },
      "default": ["navigation.position", "navigation.speedOverGround", "environment.wind.*"]
    },
    "interval": { "type": "number", "title": "At most one value of each path in this time (s)", "description": "0 logs all values", "minimum": 0, "default": 1 },
    "maxBytes": { "type": "integer", "title": "Size of a file (bytes)", "minimum": 1024, "default": 1048576 },
    "maxFiles": { "type": "integer", "title": "Files to keep", "minimum": 1, "default": 10 }
  }
}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_names_every_setting_with_its_default() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let settings = schema["properties"].as_object().unwrap();
        assert_eq!(settings.len(), 4);
        let defaults: serde_json::Map<_, _> =
            settings.iter().map(|(key, setting)| (key.clone(), setting["default"].clone())).collect();
        let read: Config = serde_json::from_value(defaults.into()).unwrap();
        assert_eq!((read.check(), &read), (Ok(()), &Config::default()));
        assert_eq!(serde_json::from_str::<Config>(r#"{"enableDebug":false}"#).unwrap(), Config::default());
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        for (json, named) in [
            (r#"{"paths":[]}"#, "Paths"),
            (r#"{"paths":[" "]}"#, "Paths"),
            (r#"{"interval":-1}"#, "interval"),
            (r#"{"interval":1e300}"#, "interval"),
            (r#"{"maxBytes":10}"#, "file size"),
            (r#"{"maxFiles":0}"#, "one file"),
        ] {
            let error = serde_json::from_str::<Config>(json).unwrap().check().unwrap_err();
            assert!(error.contains(named), "{json}: {error}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, path, expected) in [
            ("navigation.position", "navigation.position", true),
            ("navigation.position", "navigation.positions", false),
            ("environment.wind.*", "environment.wind.speedTrue", true),
            ("environment.wind.*", "environment.wind", false),
            ("*", "any.path", true),
            ("*.temperature", "environment.water.temperature", true),
            ("*.temperature", "environment.water.temperatureTrend", false),
            ("propulsion.*.temperature", "propulsion.port.temperature", true),
            ("propulsion.*.*.total", "propulsion.port.fuel.total", true),
            ("propulsion.*.*.total", "propulsion.port.total", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
