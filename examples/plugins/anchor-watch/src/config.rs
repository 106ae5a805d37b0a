//! The plugin's configuration and the JSON Schema of its form.

use serde::Deserialize;
use windlass_plugin::Position;

/// What the user set in the plugin's form. Every key is optional.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Config {
    /// Where the anchor lies. Without it the anchor drops by [`Config::auto_drop`].
    pub position: Option<Position>,
    /// Drop the anchor where the boat is when her first position arrives.
    pub auto_drop: bool,
    /// Radius of the alarm, metres.
    pub max_radius: f64,
    /// Warn from this share of [`Config::max_radius`] on, 0 to 1.
    pub warn_ratio: f64,
    /// Farther away than this (metres) the boat is under way and not dragging: the anchor is weighed,
    /// and dropped again here when [`Config::auto_drop`] is set. `None`: never.
    pub weigh_beyond: Option<f64>,
    /// Warn after this many seconds without a position.
    pub position_timeout: f64,
    /// Trap in the next delta, to test the server's supervision.
    pub crash_on_delta: bool,
    /// Trap in the next poll, to test the server's supervision.
    pub crash_on_poll: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            position: None,
            auto_drop: true,
            max_radius: 50.0,
            warn_ratio: 0.8,
            weigh_beyond: None,
            position_timeout: 30.0,
            crash_on_delta: false,
            crash_on_poll: false,
        }
    }
}

impl Config {
    /// Checks what the schema can't guarantee: the file may have been written by hand.
    ///
    /// # Errors
    /// A sentence for the user: what is wrong, and in which setting.
    pub fn check(&self) -> Result<(), String> {
        if !(self.max_radius.is_finite() && self.max_radius > 0.0) {
            return Err(format!("Alarm radius must be more than 0 m, not {}", self.max_radius));
        }
        if !(self.warn_ratio > 0.0 && self.warn_ratio <= 1.0) {
            return Err(format!("Warn ratio must be above 0 and at most 1, not {}", self.warn_ratio));
        }
        if let Some(beyond) = self.weigh_beyond {
            if beyond.is_nan() || beyond <= self.max_radius {
                return Err(format!(
                    "The distance to weigh the anchor ({beyond} m) must be more than the alarm radius ({} m)",
                    self.max_radius
                ));
            }
        }
        if self.position_timeout.is_nan() || self.position_timeout < 1.0 {
            return Err(format!("Position timeout must be at least 1 s, not {}", self.position_timeout));
        }
        match self.position {
            Some(position) if !position.is_valid() => {
                Err(format!("The anchor position {}, {} is not on this planet", position.latitude, position.longitude))
            }
            _ => Ok(()),
        }
    }
}

/// JSON Schema (draft-07) of [`Config`], from which the server makes the form.
pub const SCHEMA: &str = r#"{
  "type": "object",
  "properties": {
    "position": {
      "type": "object",
      "title": "Anchor position",
      "description": "Leave it empty to drop the anchor at the boat's first position",
      "properties": {
        "latitude": { "type": "number", "title": "Latitude (degrees, north positive)", "minimum": -90, "maximum": 90 },
        "longitude": { "type": "number", "title": "Longitude (degrees, east positive)", "minimum": -180, "maximum": 180 }
      }
    },
    "autoDrop": { "type": "boolean", "title": "Drop the anchor at the first position", "default": true },
    "maxRadius": { "type": "number", "title": "Alarm radius (m)", "exclusiveMinimum": 0, "default": 50 },
    "warnRatio": { "type": "number", "title": "Warn from this share of the alarm radius", "exclusiveMinimum": 0, "maximum": 1, "default": 0.8 },
    "weighBeyond": { "type": "number", "title": "Weigh the anchor beyond this distance (m)", "description": "The boat is then under way, not dragging. Leave it empty to keep the alarm for ever" },
    "positionTimeout": { "type": "number", "title": "Warn after this time without a position (s)", "minimum": 1, "default": 30 },
    "crashOnDelta": { "type": "boolean", "title": "Crash in the next delta", "description": "For testing the server's supervision", "default": false },
    "crashOnPoll": { "type": "boolean", "title": "Crash in the next poll", "description": "For testing the server's supervision", "default": false }
  }
}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_configuration_gives_the_defaults() {
        let config = serde_json::from_str::<Config>(r#"{"enableDebug":false}"#).unwrap();
        assert_eq!(config, Config::default());
    }

    #[test]
    fn the_schema_names_every_setting_with_its_default() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let defaults: serde_json::Map<_, _> = schema["properties"]
            .as_object()
            .unwrap()
            .iter()
            .filter_map(|(key, setting)| Some((key.clone(), setting.get("default")?.clone())))
            .collect();
        assert_eq!(defaults.len(), 6);
        let read: Config = serde_json::from_value(defaults.into()).unwrap();
        assert_eq!((read.check(), &read), (Ok(()), &Config::default()));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        for (json, named) in [
            (r#"{"maxRadius":0}"#, "Alarm radius"),
            (r#"{"maxRadius":-5}"#, "Alarm radius"),
            (r#"{"warnRatio":1.5}"#, "Warn ratio"),
            (r#"{"weighBeyond":10}"#, "weigh the anchor"),
            (r#"{"positionTimeout":0}"#, "Position timeout"),
            (r#"{"position":{"latitude":95,"longitude":0}}"#, "anchor position"),
        ] {
            let error = serde_json::from_str::<Config>(json).unwrap().check().unwrap_err();
            assert!(error.contains(named), "{json}: {error}");
        }
    }
}
