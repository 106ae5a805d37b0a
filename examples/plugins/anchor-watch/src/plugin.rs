//! The plugin without its host: each call says what should be done, the shell around it does it.
//!
//! Nothing in here calls the host, because a server may call back into the plugin while it handles
//! an emitted delta; the plugin's state must not be borrowed at that moment.

use crate::config::Config;
use crate::delta::{Delta, Outgoing};
use crate::watch::{Position, Report, State, Watch};
use std::time::Duration;

/// Something the host shall do.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Emit this delta.
    Emit(String),
    /// Show this text as the plugin's status.
    Status(String),
    /// Show this text as the plugin's error.
    Error(String),
    /// Log this line when debugging is on.
    Debug(String),
}

/// What the shell found out from the server before a start. All of it is optional: some servers
/// answer nothing.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The own vessel's context, for example `vessels.urn:mrn:imo:mmsi:230099999`.
    pub self_context: Option<String>,
    /// The `$source` values under which the server publishes this plugin's deltas.
    pub own_sources: Vec<String>,
    /// The anchor position in the server's data: it outlives a crash of the plugin.
    pub anchor: Option<Position>,
}

/// A running plugin.
#[derive(Debug)]
pub struct Plugin {
    config: Config,
    watch: Watch,
    self_context: Option<String>,
    own_sources: Vec<String>,
}

impl Plugin {
    /// Starts with the configuration JSON of the server.
    ///
    /// # Errors
    /// The sentence to show as the plugin's error.
    pub fn start(config: &[u8], found: Surroundings) -> Result<(Self, Vec<Effect>), String> {
        let config = Config::parse(config)?;
        let plugin = Self {
            watch: Watch::new(&config, found.anchor),
            self_context: found.self_context,
            own_sources: found.own_sources,
            config,
        };
        let mut effects = vec![plugin.announce()];
        effects.push(Effect::Status(match plugin.watch.anchor() {
            Some(_) => "Anchor is down, waiting for a position".to_owned(),
            None if plugin.config.auto_drop => "Drops the anchor at the first position".to_owned(),
            None => "No anchor is down: set its position in the configuration".to_owned(),
        }));
        Ok((plugin, effects))
    }

    /// Handles one delta of the server's stream.
    pub fn delta(&mut self, json: &[u8], now: Duration) -> Vec<Effect> {
        assert!(!self.config.crash_on_delta, "the setting crashOnDelta asks for this crash");
        let Some(delta) = Delta::parse(json) else {
            return vec![Effect::Debug("A delta could not be read".to_owned())];
        };
        if self.self_context.is_none() && delta.is_from(&self.own_sources) {
            // Our own delta came back: its context is the one behind the alias `vessels.self`.
            self.self_context = Some(delta.context.clone().into_owned());
        }
        if self.self_context.as_deref() != Some(&*delta.context) {
            return Vec::new();
        }
        let positions: Vec<_> = delta.positions().collect();
        let mut effects = Vec::new();
        for position in positions {
            let report = self.watch.position(position, now);
            effects.extend(self.effects(report));
        }
        effects
    }

    /// Handles the tick of every second.
    pub fn poll(&mut self, now: Duration) -> Vec<Effect> {
        assert!(!self.config.crash_on_poll, "the setting crashOnPoll asks for this crash");
        let report = self.watch.tick(now);
        let mut effects = self.effects(report);
        if self.self_context.is_none() {
            effects.push(self.announce());
        }
        effects
    }

    /// Ends the watch and takes back what it published.
    pub fn stop(self) -> Vec<Effect> {
        let mut delta = Outgoing::default();
        delta.anchor(None);
        delta.range(None);
        delta.notification(State::Normal, "The anchor watch is off");
        delta.finish().map(Effect::Emit).into_iter().collect()
    }

    /// Publishes what is known before any position, which also makes the server tell us, by the
    /// echo, which context the own vessel has.
    fn announce(&self) -> Effect {
        let mut delta = Outgoing::default();
        delta.max_radius(self.config.max_radius);
        if let Some(anchor) = self.watch.anchor() {
            delta.anchor(Some(anchor));
        }
        Effect::Emit(delta.finish().expect("the radius is always in it"))
    }

    fn effects(&self, report: Report) -> Vec<Effect> {
        let mut delta = Outgoing::default();
        let mut effects = Vec::new();
        if report.weighed && report.dropped.is_none() {
            delta.anchor(None);
            delta.range(None);
        }
        if let Some(anchor) = report.dropped {
            delta.anchor(Some(anchor));
            effects.push(Effect::Debug(format!("Anchor dropped at {:.5}, {:.5}", anchor.latitude, anchor.longitude)));
        }
        if report.range.is_some() {
            delta.range(report.range);
        }
        if let Some((state, message)) = report.changed {
            delta.notification(state, &message);
            effects.push(Effect::Status(message));
        }
        effects.extend(delta.finish().map(Effect::Emit));
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const SELF: &str = "vessels.urn:mrn:imo:mmsi:230099999";

    fn surroundings() -> Surroundings {
        Surroundings { self_context: Some(SELF.to_owned()), ..Surroundings::default() }
    }

    fn position(context: &str, source: &str, latitude: f64) -> Vec<u8> {
        json!({ "context": context, "updates": [{ "$source": source, "values": [
            { "path": "navigation.position", "value": { "latitude": latitude, "longitude": 24.0 } },
        ] }] })
        .to_string()
        .into_bytes()
    }

    /// The values of all emitted deltas by path.
    fn emitted(effects: &[Effect]) -> Vec<(String, Value)> {
        effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Emit(delta) => Some(serde_json::from_str::<Value>(delta).unwrap()),
                _ => None,
            })
            .flat_map(|delta| delta["updates"][0]["values"].as_array().unwrap().clone())
            .map(|entry| {
                let path = entry["path"].as_str().unwrap().to_owned();
                (path, entry["value"].clone())
            })
            .collect()
    }

    #[test]
    fn a_drag_publishes_distance_and_alarm() {
        let (mut plugin, started) = Plugin::start(b"{}", surroundings()).unwrap();
        assert_eq!(emitted(&started), [("navigation.anchor.maxRadius".to_owned(), json!(50.0))]);
        let dropped = emitted(&plugin.delta(&position(SELF, "gps", 60.0), Duration::ZERO));
        assert_eq!(
            dropped[0],
            ("navigation.anchor.position".to_owned(), json!({ "latitude": 60.0, "longitude": 24.0 }))
        );
        let dragging = emitted(&plugin.delta(&position(SELF, "gps", 60.001), Duration::ZERO));
        let (path, radius) = &dragging[0];
        assert_eq!(path, "navigation.anchor.currentRadius");
        assert!((radius.as_f64().unwrap() - 111.4).abs() < 0.1);
        let (path, notification) = dragging.last().unwrap();
        assert_eq!(path, "notifications.navigation.anchor");
        assert_eq!(notification["state"], "alarm");
        assert_eq!(notification["method"], json!(["visual", "sound"]));
    }

    #[test]
    fn other_vessels_are_not_watched() {
        let (mut plugin, _) = Plugin::start(b"{}", surroundings()).unwrap();
        let other = position("vessels.urn:mrn:imo:mmsi:230011111", "ais", 59.0);
        assert_eq!(plugin.delta(&other, Duration::ZERO), []);
    }

    #[test]
    fn the_own_context_is_learned_from_the_echo_of_an_own_delta() {
        let found = Surroundings { own_sources: vec!["anchor".to_owned()], ..Surroundings::default() };
        let (mut plugin, _) = Plugin::start(b"{}", found).unwrap();
        assert_eq!(plugin.delta(&position(SELF, "gps", 60.0), Duration::ZERO), []);
        assert_eq!(emitted(&plugin.poll(Duration::from_secs(1)))[0].0, "navigation.anchor.maxRadius");
        let echo = json!({ "context": SELF, "updates": [{ "$source": "anchor", "values": [
            { "path": "navigation.anchor.maxRadius", "value": 50 } ] }] });
        plugin.delta(echo.to_string().as_bytes(), Duration::ZERO);
        assert_eq!(plugin.poll(Duration::from_secs(2)), []);
        let effects = plugin.delta(&position(SELF, "gps", 60.0), Duration::ZERO);
        assert_eq!(emitted(&effects)[0].0, "navigation.anchor.position");
    }

    #[test]
    fn stopping_clears_what_was_published() {
        let (plugin, _) = Plugin::start(b"{}", surroundings()).unwrap();
        let values = emitted(&plugin.stop());
        assert!(values.contains(&("navigation.anchor.currentRadius".to_owned(), Value::Null)));
        assert!(values.contains(&("navigation.anchor.position".to_owned(), Value::Null)));
        assert_eq!(values.last().unwrap().1["state"], "normal");
    }

    #[test]
    fn a_bad_configuration_fails_the_start() {
        let error = Plugin::start(br#"{"maxRadius":-1}"#, surroundings()).unwrap_err();
        assert!(error.contains("Alarm radius"), "{error}");
    }

    #[test]
    fn a_broken_delta_is_only_logged() {
        let (mut plugin, _) = Plugin::start(b"{}", surroundings()).unwrap();
        let effects = plugin.delta(b"{\"context\":", Duration::ZERO);
        assert!(matches!(effects[..], [Effect::Debug(_)]));
    }

    #[test]
    #[should_panic(expected = "crashOnDelta")]
    fn crash_on_delta_crashes_in_a_delta() {
        let (mut plugin, _) = Plugin::start(br#"{"crashOnDelta":true}"#, surroundings()).unwrap();
        assert_eq!(plugin.poll(Duration::ZERO), []);
        plugin.delta(b"{}", Duration::ZERO);
    }

    #[test]
    #[should_panic(expected = "crashOnPoll")]
    fn crash_on_poll_crashes_in_a_poll() {
        let (mut plugin, _) = Plugin::start(br#"{"crashOnPoll":true}"#, surroundings()).unwrap();
        plugin.delta(&position(SELF, "gps", 60.0), Duration::ZERO);
        plugin.poll(Duration::ZERO);
    }
}
