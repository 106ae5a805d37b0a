//! The deltas that come in, and the ones that go out.

use crate::watch::{Position, State};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Path of the boat's position.
pub const POSITION: &str = "navigation.position";
const ANCHOR_POSITION: &str = "navigation.anchor.position";
const CURRENT_RADIUS: &str = "navigation.anchor.currentRadius";
const MAX_RADIUS: &str = "navigation.anchor.maxRadius";
const BEARING: &str = "navigation.anchor.bearingTrue";
const NOTIFICATION: &str = "notifications.navigation.anchor";

/// A delta as the server hands it over: the full context, and every path of every vessel.
#[derive(Debug, Deserialize)]
pub struct Delta<'a> {
    /// For example `vessels.urn:mrn:imo:mmsi:230099999`; never the alias `vessels.self`.
    #[serde(borrow)]
    pub context: Cow<'a, str>,
    #[serde(borrow)]
    updates: Vec<Update<'a>>,
}

#[derive(Debug, Deserialize)]
struct Update<'a> {
    #[serde(borrow, rename = "$source", default)]
    source: Option<Cow<'a, str>>,
    /// Absent in an update that only carries meta.
    #[serde(borrow, default)]
    values: Vec<PathValue<'a>>,
}

#[derive(Debug, Deserialize)]
struct PathValue<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    value: Value,
}

impl<'a> Delta<'a> {
    /// Reads one delta; `None` when it isn't one.
    pub fn parse(json: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// The positions in it, oldest first. A position that is null or broken is left out.
    pub fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.updates
            .iter()
            .flat_map(|update| &update.values)
            .filter(|entry| entry.path == POSITION)
            .filter_map(|entry| Position::deserialize(&entry.value).ok())
            .filter(|position| position.is_valid())
    }

    /// Whether one of `sources` (values of `$source`) sent an update of it.
    pub fn is_from(&self, sources: &[String]) -> bool {
        self.updates
            .iter()
            .filter_map(|update| update.source.as_deref())
            .any(|source| sources.iter().any(|own| own == source))
    }
}

/// A delta of our own under construction. The server adds source and timestamp.
#[derive(Debug, Default)]
pub struct Outgoing {
    values: Vec<Value>,
    meta: Vec<Value>,
}

impl Outgoing {
    fn put(&mut self, path: &str, value: impl Into<Value>) {
        self.values.push(json!({ "path": path, "value": value.into() }));
    }

    /// The alarm radius (metres), with the metadata of the one path that the Signal K schema lacks.
    pub fn max_radius(&mut self, metres: f64) {
        self.put(MAX_RADIUS, metres);
        self.meta.push(json!({ "path": BEARING, "value": {
            "units": "rad",
            "description": "True bearing from the boat to the anchor",
        } }));
    }

    /// Where the anchor lies; `None` when it is up.
    pub fn anchor(&mut self, position: Option<Position>) {
        self.put(ANCHOR_POSITION, json!(position));
    }

    /// Distance (metres) and bearing (radians) to the anchor; `None` for unknown.
    pub fn range(&mut self, range: Option<(f64, Option<f64>)>) {
        self.put(CURRENT_RADIUS, json!(range.map(|(metres, _)| metres)));
        self.put(BEARING, json!(range.and_then(|(_, bearing)| bearing)));
    }

    /// The notification for `state`.
    pub fn notification(&mut self, state: State, message: &str) {
        let (state, method) = match state {
            State::Normal => ("normal", json!([])),
            State::Warn => ("warn", json!(["visual"])),
            State::Alarm => ("alarm", json!(["visual", "sound"])),
        };
        self.put(NOTIFICATION, json!({ "state": state, "method": method, "message": message }));
    }

    /// The finished delta; `None` when there is nothing to say.
    pub fn finish(self) -> Option<String> {
        if self.values.is_empty() {
            return None;
        }
        let mut updates = vec![json!({ "values": self.values })];
        if !self.meta.is_empty() {
            updates.push(json!({ "meta": self.meta }));
        }
        Some(json!({ "context": "vessels.self", "updates": updates }).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_found_among_other_values_and_meta() {
        let json = br#"{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[
            {"meta":[{"path":"navigation.position","value":{"description":"where"}}]},
            {"$source":"gps.GP","timestamp":"2024-05-01T10:00:00.000Z","values":[
              {"path":"navigation.speedOverGround","value":3.1},
              {"path":"navigation.position","value":{"latitude":60.1,"longitude":24.9,"altitude":3}},
              {"path":"navigation.position","value":null},
              {"path":"navigation.position","value":{"latitude":600,"longitude":24.9}}]}]}"#;
        let delta = Delta::parse(json).unwrap();
        let found: Vec<_> = delta.positions().collect();
        assert_eq!(found, [Position { latitude: 60.1, longitude: 24.9 }]);
        assert!(delta.is_from(&["gps.GP".to_owned()]));
        assert!(!delta.is_from(&["gps".to_owned()]));
    }

    #[test]
    fn what_is_not_a_delta_is_refused() {
        for text in [&b"{"[..], b"[]", br#"{"updates":1}"#, b"\xff\xfe", b""] {
            assert!(Delta::parse(text).is_none());
        }
    }

    #[test]
    fn an_outgoing_delta_has_the_shape_that_servers_read() {
        let mut delta = Outgoing::default();
        delta.range(Some((12.5, None)));
        delta.notification(State::Warn, "12 m from \"the\" anchor");
        assert_eq!(
            serde_json::from_str::<Value>(&delta.finish().unwrap()).unwrap(),
            json!({ "context": "vessels.self", "updates": [{ "values": [
                { "path": "navigation.anchor.currentRadius", "value": 12.5 },
                { "path": "navigation.anchor.bearingTrue", "value": null },
                { "path": "notifications.navigation.anchor", "value": {
                    "state": "warn", "method": ["visual"], "message": "12 m from \"the\" anchor" } },
            ] }] })
        );
        assert_eq!(Outgoing::default().finish(), None);
    }
}
